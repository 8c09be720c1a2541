"""The page for people: what was published, as one HTML file that needs no network."""
