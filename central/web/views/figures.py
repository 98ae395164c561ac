"""The few figures that stand above everything else."""

from __future__ import annotations

from statistics import median

import msgspec
from sqlalchemy import Connection, func, select

from central import schema
from central.web.views.trend import Day

_SENSED = ("portal", "shelf", "scan", "zone")
_LATELY = 50
"""Over how many sensed movements the time from event to ledger is a median."""


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """``delay_s`` is the median time from event to ledger of late; ``lost`` counts
    observations that edges declared lost. ``days`` are the last ones, today last, and
    ``held`` is what was on hand at each one's end.
    """

    on_hand: int
    items: int
    moved_in: int
    moved_out: int
    moves: int
    reviews: int
    devices_good: int
    devices: int
    delay_s: float | None
    observations: int
    lost: int
    ledger_seq: int
    days: list[Day] = []
    held: list[int] = []


def delay_s(connection: Connection) -> float | None:
    """Median seconds from event to ledger over the newest sensed movements."""
    moved = schema.movement.c
    late = select(moved.record_us - moved.event_us).where(moved.origin.in_(_SENSED))
    delays = connection.execute(late.order_by(moved.seq.desc()).limit(_LATELY)).scalars().all()
    return max(0.0, median(delays) / 1e6) if delays else None


def log_counts(connection: Connection) -> tuple[int, int]:
    """Observations received in order from all edges, and those declared lost."""
    stream = schema.edge_stream.c
    upto, lost = connection.execute(select(func.sum(stream.upto_seq), func.sum(stream.lost))).one()
    return int(upto or 0) - int(lost or 0), int(lost or 0)


def ledger_seq(connection: Connection) -> int:
    """The newest movement's place in the ledger."""
    return connection.execute(select(func.max(schema.movement.c.seq))).scalar() or 0
