"""Portals, their passes, and why each was decided as it was."""
