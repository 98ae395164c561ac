"""The front door: the command line, and the demo that starts the real processes."""
