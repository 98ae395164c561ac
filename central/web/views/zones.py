"""Zones: how many tags are at which place, and what happened there last."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, func, select

from central import schema
from central.catalogue import places
from central.judging import whereabouts

EVENTS_SHOWN = 6


class ZoneRow(msgspec.Struct, frozen=True, kw_only=True):
    """A zone's places with the tags that are there now, most first."""

    read_point: str
    places: tuple[tuple[str, int], ...]


def zones(connection: Connection) -> tuple[ZoneRow, ...]:
    """Every read point that is a zone, by code."""
    codes = [one.code for one in places.list_read_points(connection) if one.kind == "zone"]
    if not codes:
        return ()
    table = schema.presence.c
    counted = (
        select(table.read_point, table.place, func.count().label("tags"))
        .where(table.read_point.in_(codes))
        .group_by(table.read_point, table.place)
        .order_by(func.count().desc(), table.place)
    )
    found: dict[str, list[tuple[str, int]]] = {code: [] for code in codes}
    for row in connection.execute(counted):
        found[row.read_point].append((row.place, row.tags))
    return tuple(ZoneRow(read_point=code, places=tuple(found[code])) for code in codes)


def last_events(connection: Connection) -> list[dict[str, Any]]:
    """What happened last in any zone, newest first."""
    return [dict(row) for row in whereabouts.events(connection, limit=EVENTS_SHOWN)]
