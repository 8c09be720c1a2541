"""A game that makes raw events, and the whole loop played in it."""
