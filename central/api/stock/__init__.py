"""Stock over REST: commands that move it, what is on hand, and the movements that made it so."""
