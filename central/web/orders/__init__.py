"""Pages of orders that leave, orders that come, and returns."""
