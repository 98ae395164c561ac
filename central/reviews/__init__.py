"""Reviews: what judging asked a person, what the person said, and what is learnt from it."""
