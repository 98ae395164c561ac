"""Items, lots, locations and warehouses as Parquet files, for reports and data warehouses."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import duckdb
from sqlalchemy import Connection, Select, select

from central import schema

__all__ = ["TABLES", "write"]

_KEY = (schema.lot.c.sku, schema.lot.c.lot)
_item, _place = schema.item.c, schema.location.c
_ITEM = (
    ("sku", "VARCHAR"),
    ("name", "VARCHAR"),
    ("category", "VARCHAR"),
    ("unit", "VARCHAR"),
    ("unit_mg", "BIGINT"),
    ("price_micros", "BIGINT"),
    ("currency", "VARCHAR"),
    ("attributes", "VARCHAR"),
    ("parent", "VARCHAR"),
    ("family", "BOOLEAN"),
    ("status", "VARCHAR"),
    ("created_us", "BIGINT"),
)
_PLACE = (
    ("code", "VARCHAR"),
    ("name", "VARCHAR"),
    ("kind", "VARCHAR"),
    ("parent", "VARCHAR"),
    ("type", "VARCHAR"),
    ("status", "VARCHAR"),
)
_WAREHOUSE = (("code", "VARCHAR"), ("address", "VARCHAR"), ("time_zone", "VARCHAR"))
_LOT = (("sku", "VARCHAR"), ("lot", "VARCHAR"), ("expires_on", "VARCHAR"))
TABLES: dict[str, tuple[tuple[tuple[str, str], ...], Select[Any]]] = {
    "item": (_ITEM, select(*(_item[name] for name, _ in _ITEM)).order_by(_item.sku)),
    "location": (_PLACE, select(*(_place[name] for name, _ in _PLACE)).order_by(_place.code)),
    "warehouse": (
        _WAREHOUSE,
        select(*(schema.warehouse.c[name] for name, _ in _WAREHOUSE)).order_by(
            schema.warehouse.c.code
        ),
    ),
    "lot": (_LOT, select(*(schema.lot.c[name] for name, _ in _LOT)).order_by(*_KEY)),
}
"""Each file's columns with their SQL types, and what they are filled with."""


def write(conn: Connection, folder: Path) -> None:
    """Each of ``TABLES`` anew as NAME.parquet in ``folder``."""
    for name, (columns, query) in TABLES.items():
        fresh = folder / f"{name}.parquet.new"
        with contextlib.closing(duckdb.connect()) as db:
            db.execute(f"CREATE TABLE t ({', '.join(f'{one} {kind}' for one, kind in columns)})")
            appender = db.appender("t")
            for part in conn.execute(query).partitions(20_000):
                appender.append_rows([tuple(row) for row in part])
            appender.flush()
            said = str(fresh).replace("'", "''")
            db.execute(f"COPY t TO '{said}' (FORMAT parquet, COMPRESSION zstd)")
        fresh.replace(folder / f"{name}.parquet")
