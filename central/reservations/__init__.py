"""Reservations: what of the stock is promised to whom, and where it lies."""
