"""The latest features: published to a store, looked up there, and proved right."""

from offer_ai.features.lookup import Lookup
from offer_ai.features.opening import open_store

__all__ = ["Lookup", "open_store"]
