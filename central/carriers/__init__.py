"""Carriers: told what leaves, and heard of what became of it."""
