"""Pages to ask for counts, follow them, and decide upon what they found."""
