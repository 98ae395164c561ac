"""Events: who is told of them, what they look like, and the stream itself."""
