"""Movements as flat rows, for whoever keeps a copy of the ledger: no evidence, no tags."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, select

from central import schema

__all__ = ["COLUMNS", "flat_rows"]

COLUMNS: tuple[tuple[str, str], ...] = (
    ("seq", "BIGINT"),
    ("id", "VARCHAR"),
    ("sku", "VARCHAR"),
    ("lot", "VARCHAR"),
    ("quantity", "BIGINT"),
    ("source", "VARCHAR"),
    ("destination", "VARCHAR"),
    ("biz_step", "VARCHAR"),
    ("disposition", "VARCHAR"),
    ("origin", "VARCHAR"),
    ("confidence", "DOUBLE"),
    ("event_us", "BIGINT"),
    ("record_us", "BIGINT"),
    ("corrects", "VARCHAR"),
    ("reason", "VARCHAR"),
    ("source_status", "VARCHAR"),
    ("destination_status", "VARCHAR"),
    ("reference", "VARCHAR"),
    ("actor", "VARCHAR"),
)
"""Names and SQL types, in the order of the rows."""
_flat = select(*(schema.movement.c[name] for name, _kind in COLUMNS))
_seq = schema.movement.c.seq


def flat_rows(conn: Connection, after_seq: int, limit: int) -> Sequence[Row[*tuple[Any, ...]]]:
    """The movements behind number ``after_seq``, oldest first."""
    return conn.execute(_flat.where(_seq > after_seq).order_by(_seq).limit(limit)).all()
