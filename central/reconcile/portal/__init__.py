"""Passes through a portal: what a reader heard, into who crossed, when and which way."""
