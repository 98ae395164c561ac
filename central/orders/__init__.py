"""Outbound orders: taken, reserved, picked and shipped."""
