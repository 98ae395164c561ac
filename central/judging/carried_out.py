"""Goods that leave through a portal, and were carried on by hand since their tags were heard.

A picker takes some cases of a pallet to the place that orders are shipped from, and says how many.
Whose tags these bear nobody knows, until the portal hears them leave: they are the ones that were
picked. So they are taken from there. What was put away by hand leaves from where it was put, if the
place where its tags were heard does not hold it any more.

Judging knows where a tag was heard last, and says that it left from there: that stands in the
movement's evidence (``HEARD_AT``), for replays to compare.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, text

from central.database.bulk import BulkLookup
from central.database.moments import to_us
from central.reconcile.identity import derived_id
from central.reconcile.ordering import LATENESS_US
from central.reconcile.witness import BY_RULE, Witness
from central.stock.carried import Carried, ways_from
from central.stock.model import VIRTUAL_LOCATIONS, Movement
from central.stock.rows import HEARD_AT

__all__ = ["Leaving", "leaving"]

_LIE = BulkLookup(
    "SELECT t.epc, t.location, t.last_seq FROM {keys} JOIN tag_place t ON t.epc = k.epc",
    (("epc", "text"),),
)
_HELD = text(
    "SELECT coalesce(sum(on_hand), 0) FROM balance "
    "WHERE sku = :sku AND lot = :lot AND location = :place"
)


class Leaving(NamedTuple):
    """A movement from where its goods are, and the witnesses of the moves that carried them."""

    movement: Movement
    along: tuple[Witness, ...] = ()


def leaving(conn: Connection, movement: Movement) -> Leaving:
    """What a portal saw leave, from where hands had carried it; all else as it is."""
    outward = movement.evidence.get("direction") == "out" and movement.origin == "portal"
    if not (outward and movement.epcs) or movement.source in VIRTUAL_LOCATIONS:
        return Leaving(movement)
    lie = _LIE.run(conn, [(epc,) for epc in movement.epcs])
    if {row.location for row in lie} != {movement.source} or len(lie) < len(movement.epcs):
        return Leaving(movement)
    since = min(row.last_seq for row in lie)
    lacks = _held(conn, movement, movement.source) < movement.quantity
    for way in ways_from(conn, movement.sku, movement.source, since, movement.quantity):
        last = way[-1]
        later = last.event_us > to_us(movement.event_time) + LATENESS_US
        meant = lacks or last.biz_step == "picking"
        if later or not meant or last.destination == movement.destination:
            continue
        if _held(conn, movement, last.destination) >= movement.quantity:
            return _from(movement, way)
    return Leaving(movement)


def _held(conn: Connection, movement: Movement, place: str) -> int:
    asked = {"sku": movement.sku, "lot": movement.lot, "place": place}
    return int(conn.execute(_HELD, asked).scalar_one())


def _from(movement: Movement, way: tuple[Carried, ...]) -> Leaving:
    evidence = movement.evidence | {HEARD_AT: movement.source}
    moved = msgspec.structs.replace(movement, source=way[-1].destination, evidence=evidence)
    along = tuple(
        Witness(
            id=derived_id(BY_RULE, one.id, *movement.epcs),
            movement_id=one.id,
            quantity=movement.quantity,
            origin=BY_RULE,
            read_point="",
            event_time=movement.event_time,
            epcs=movement.epcs,
            evidence={"along": len(movement.epcs), "left_by": movement.id},
        )
        for one in way
    )
    return Leaving(moved, along)
