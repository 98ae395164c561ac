"""Sensed movements of pieces that were seen elsewhere at a later time: told too late to be posted.

An edge that was away tells of what happened before things that are on the ledger by now, seen by
others. To post it as if it came last would put the pieces back where they were once. Where they
went in between is for a person to say.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection

from central.database.bulk import BulkLookup
from central.database.moments import from_us, to_us
from central.judging.questions import Overtaken
from central.reconcile.ordering import APART_US, LATENESS_US
from central.reconcile.witness import SENSED
from central.stock import queries
from central.stock.model import Movement

__all__ = ["among"]

_LAST = BulkLookup(
    "SELECT t.epc, t.location, m.event_us FROM {keys} JOIN tag_place t ON t.epc = k.epc "
    "JOIN movement m ON m.seq = t.last_seq",
    (("epc", "text"),),
)


def among(conn: Connection, movements: Iterable[Movement]) -> dict[str, Overtaken]:
    """Those of sensed movements, by id, that came after a later one of the same tags; not those
    that are on the ledger already. A clock that was a week ahead is no measure.
    """
    sensed = [one for one in movements if one.epcs and one.origin in SENSED]
    keys = [(epc,) for epc in dict.fromkeys(epc for one in sensed for epc in one.epcs)]
    last = {row[0]: row for row in _LAST.run(conn, keys)} if keys else {}
    found: dict[str, Overtaken] = {}
    for one in sensed:
        at_us = to_us(one.event_time)
        later = [
            last[epc]
            for epc in one.epcs
            if epc in last and LATENESS_US < last[epc][2] - at_us < APART_US
        ]
        if later and queries.movement_by_id(conn, one.id) is None:
            epc, place, seen_us = later[0]
            found[one.id] = Overtaken(epc, place, from_us(seen_us).isoformat())
    return found
