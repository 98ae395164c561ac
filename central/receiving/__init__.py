"""Goods that come in: inbound orders, guided receiving, and where to put goods away."""
