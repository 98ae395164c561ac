"""Routes of alerts: rules, what was found, and who is told."""
