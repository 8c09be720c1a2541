"""The training table: written, kept in immutable versions, read."""
