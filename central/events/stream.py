"""One stream of all that happened: the ledger's movements and the log of other events.

Both are read on one snapshot of the database, each in its own order, and merged by the time at
which central recorded them. A reader's place is a number in each, see ``Position``.
"""

from __future__ import annotations

import heapq
from itertools import islice
from operator import attrgetter

import msgspec
from sqlalchemy import Connection

from central.database.moments import to_us
from central.events import kinds, log
from central.events.model import Happening, Position
from central.stock import queries
from central.stock.model import Posted

__all__ = ["BEGINNING", "head", "read"]

BEGINNING = Position(0, 0)
_TOLD = (
    "id", "sku", "lot", "quantity", "source", "destination", "biz_step", "disposition", "origin",
    "confidence", "event_time", "epcs", "corrects", "reason", "source_status", "destination_status",
    "serials", "reference", "actor",
)  # fmt: skip
_plain = msgspec.to_builtins


def head(conn: Connection) -> Position:
    """Where a reader stands who has read all."""
    return Position(queries.last_seq(conn), log.newest(conn))


def read(conn: Connection, after: Position, limit: int) -> list[Happening]:
    """At most ``limit`` events behind ``after``, oldest first."""
    moved = [_moved(one) for one in queries.movements(conn, after_seq=after.ledger, limit=limit)]
    others = [_other(one) for one in log.following(conn, after.log, limit)]
    at = after
    found = list[Happening]()
    for one in islice(heapq.merge(moved, others, key=attrgetter("at_us")), limit):
        at = Position(max(at.ledger, one.position.ledger), max(at.log, one.position.log))
        found.append(msgspec.structs.replace(one, position=at))
    return found


def _moved(posted: Posted) -> Happening:
    movement = posted.movement
    data = {name: _plain(getattr(movement, name)) for name in _TOLD}
    return Happening(
        id=f"movement-{posted.seq}",
        kind=kinds.of_movement(movement),
        subject=movement.sku,
        at_us=to_us(posted.record_time),
        data=data | {"seq": posted.seq, "record_time": _plain(posted.record_time)},
        position=Position(posted.seq, 0),
    )


def _other(event: log.Event) -> Happening:
    return Happening(
        id=f"event-{event.seq}",
        kind=event.kind,
        subject=event.subject,
        at_us=event.at_us,
        data=event.body,
        position=Position(0, event.seq),
    )
