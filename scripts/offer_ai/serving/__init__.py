"""Decisions over HTTP, each with its log."""
