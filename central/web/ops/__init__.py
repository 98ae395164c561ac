"""The stock manager's pages: items, places and shelves, and what finds them."""
