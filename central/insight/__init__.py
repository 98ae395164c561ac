"""Telling what was measured: series of feeds, health and stock, derived from committed facts."""
