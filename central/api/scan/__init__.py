"""Routes that a phone on the floor asks before it goes where there is no network."""
