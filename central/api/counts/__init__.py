"""Routes of cycle counts."""
