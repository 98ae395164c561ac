"""What every table stands on: one collection of tables, and their running numbers."""

from __future__ import annotations

from sqlalchemy import BigInteger, Integer, MetaData

metadata = MetaData()
ID = BigInteger().with_variant(Integer, "sqlite")
"""SQLite gives a rowid only to INTEGER PRIMARY KEY."""
