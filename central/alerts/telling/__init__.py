"""Telling people of alerts: what is said, to whom it went, and over which way."""
