"""Items, packs, locations, read points: what central knows besides what it hears."""
