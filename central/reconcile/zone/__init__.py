"""Zones: which tags are there, and at which of their places."""
