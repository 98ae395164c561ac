"""What is known of each kind of device, and how well it is known: ``docs/devices.md``."""
