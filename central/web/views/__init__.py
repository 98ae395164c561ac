"""What the screens show, read from committed facts into plain rows, ready to be drawn."""
