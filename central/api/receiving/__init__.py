"""Routes of goods that come in: inbound orders, receiving sessions, putting away."""
