"""The database's history, run by ``central.store``."""
