"""The database's history, run by ``central.database.store``."""
