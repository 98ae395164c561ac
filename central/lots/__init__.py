"""Lots: their dates, whose they were, and whether they may still be sold."""
