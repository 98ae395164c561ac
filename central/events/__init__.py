"""Domain events: what happened in the inventory, told to whoever subscribed."""
