"""Every parser that meets the outside, and what must hold of it for any bytes."""
