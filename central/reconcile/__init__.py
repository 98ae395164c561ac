"""Judging: observations and context in, movements and reviews out. Pure and replayable."""
