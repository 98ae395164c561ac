"""Routes of returns."""
