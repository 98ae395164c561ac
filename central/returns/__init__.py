"""Goods that come back from customers: announced, authorised, received, inspected, closed."""
