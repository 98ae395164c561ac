"""Cycle counts: tasks, three ways to count, and adjustments that stock's moving cannot spoil."""
