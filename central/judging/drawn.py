"""Goods that a sensor takes from a place, and that lie in one within it.

A shelf is filled from the back room, says its read point; on the books the goods lie in one of the
back room's bins. Where the place itself does not hold as many, and one bin alone does, or one that
was picked to, they are taken from there. Where several do, a person says which. What goes out of a
read point's own place is no such thing: a sensor saw it there.

Judging names the place that its read point does: that stands in the movement's evidence
(``DRAWN_FOR``), for replays to compare. Where what has tags lay judging knows better, or nobody.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, text

from central.reconcile.identity import derived_id
from central.reconcile.verdict import Context
from central.stock.model import AVAILABLE, VIRTUAL_LOCATIONS, Movement
from central.stock.rows import DRAWN_FOR

__all__ = ["Drawn", "drawn"]

_WITHIN = text(
    "WITH RECURSIVE below(code) AS (SELECT code FROM location WHERE code = :place "
    "UNION SELECT l.code FROM location l JOIN below b ON l.parent = b.code) "
    "SELECT h.location, h.on_hand, EXISTS (SELECT 1 FROM movement m WHERE m.sku = h.sku "
    "AND m.destination = h.location AND m.biz_step = 'picking') AS picked "
    "FROM balance h JOIN below b ON b.code = h.location WHERE h.sku = :sku AND h.lot = :lot "
    "AND h.status = :status AND h.on_hand >= :units AND h.location <> :destination "
    "ORDER BY h.location"
)


class Drawn(NamedTuple):
    """A movement from where its goods lie, and, where nobody can know, what else it may be."""

    movement: Movement
    ways: tuple[Movement, ...] = ()


def drawn(conn: Connection, movement: Movement, context: Context) -> Drawn:
    """What came in from a place that does not hold it, from a place within; all else as it is."""
    if movement.source in VIRTUAL_LOCATIONS or not _came(movement, context):
        return Drawn(movement)
    asked = {"place": movement.source, "destination": movement.destination}
    asked |= {"sku": movement.sku, "lot": movement.lot, "status": AVAILABLE}
    rows = conn.execute(_WITHIN, {**asked, "units": movement.quantity}).all()
    if any(row.location == movement.source for row in rows):
        return Drawn(movement)
    likely = [row for row in rows if row.picked] or rows
    ways = tuple(_from(movement, row.location) for row in likely)
    if len(ways) != 1 or movement.epcs:
        return Drawn(movement, ways)
    evidence = movement.evidence | {DRAWN_FOR: movement.source}
    return Drawn(msgspec.structs.replace(ways[0], id=movement.id, evidence=evidence))


def _came(movement: Movement, context: Context) -> bool:
    """Whether it goes into the place of a read point that may have told it."""
    ends = (movement.source, movement.destination)
    points = (one for one in context.read_points.values() if one.kind == movement.origin)
    return any(ends == (one.inbound_from, one.location) for one in points)


def _from(movement: Movement, place: str) -> Movement:
    name = derived_id("drawn", movement.id, place)
    return msgspec.structs.replace(movement, id=name, source=place)
