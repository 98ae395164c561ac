"""Central's commands on a terminal."""
