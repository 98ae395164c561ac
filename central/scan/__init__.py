"""What a phone on the floor takes along, and what it is told of a scanned code."""
