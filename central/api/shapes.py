"""How facts look in answers: plain JSON values, times in RFC 3339."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from sqlalchemy import RowMapping

from central.moments import from_us
from central.stock.model import Posted


def page(rows: list[dict[str, Any]], following: str | int | None) -> dict[str, Any]:
    """A page of a listing; ``next`` goes into the next request's ``after``."""
    return {"rows": rows, "next": following}


def movement(posted: Posted) -> dict[str, Any]:
    """A movement with its evidence."""
    told: dict[str, Any] = msgspec.to_builtins(posted.movement)
    record_time = msgspec.to_builtins(posted.record_time)
    return {"seq": posted.seq, **told, "record_time": record_time, "repeated": posted.repeated}


def moment(us: int | None) -> str | None:
    """Microseconds since 1970 as people and programs read them."""
    return None if us is None else msgspec.to_builtins(from_us(us))


def row(found: RowMapping, *, json_columns: tuple[str, ...] = ()) -> dict[str, Any]:
    """A table's row; ``*_us`` columns get a readable twin, JSON columns are opened."""
    told: dict[str, Any] = dict(found)
    for name in json_columns:
        told[name] = json.loads(told[name])
    for name in [name for name in told if name.endswith("_us")]:
        told[name.removesuffix("_us") + "_time"] = moment(told[name])
    return told
