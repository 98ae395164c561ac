"""Outbound orders over REST: taken, picked, packed, shipped."""
