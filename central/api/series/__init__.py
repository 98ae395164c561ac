"""Measurements: what there is, samples for charts, all as CSV, and what happened meanwhile."""
