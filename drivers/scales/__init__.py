"""Scales by protocol, over any transport."""
