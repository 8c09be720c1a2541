"""The latest features: published to a store, looked up there, and proved right."""
