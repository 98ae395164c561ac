"""Grading: the judging that runs in production over recordings with a truth beside them."""
