"""Shelves that weigh: levels at rest, into whole pieces taken or put back."""
