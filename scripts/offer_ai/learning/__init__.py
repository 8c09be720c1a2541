"""Models of what an offer earns, policies over them, and what those are worth."""
