"""What a technician asks of this edge: operations on its devices, over its page or the broker."""
