"""The routes of labels."""
