"""How right the judging is beside simple rules and a published one, on the same recordings."""
