"""The technician's page of this edge: the console's pages over its own desk, without central."""
