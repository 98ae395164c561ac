"""What helps when something is wrong: logs, health with what to do first, a bundle to send."""
