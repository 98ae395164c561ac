"""The books of a large company, made from a seed, and how fast ours are with them."""
