"""The review queue: what waits for a person, by keyboard and by thumb."""
