"""Servers that benchmarks and tests start, each on a free port in a folder of its own."""
