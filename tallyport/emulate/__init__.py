"""Emulated devices for people without hardware: ``tallyport emulate``."""
