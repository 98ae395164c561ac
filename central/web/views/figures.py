"""The few figures that stand above everything else."""

from __future__ import annotations

from datetime import UTC, datetime
from statistics import median

import msgspec
from sqlalchemy import Connection, func, select

from central import schema

_SENSED = ("portal", "shelf", "scan", "zone")
_LATELY = 50
"""Over how many sensed movements the time from event to ledger is a median."""


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """``delay_s`` is the median time from event to ledger of late; ``lost`` counts
    observations that edges declared lost.
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


class Today:
    """What moved since midnight (UTC), added up as the ledger is followed."""

    def __init__(self) -> None:
        self._position = 0
        self._begin(-1)

    def _begin(self, day_us: int) -> None:
        self._day_us = day_us
        self.moves = 0
        self.units_in = 0
        self.units_out = 0

    def catch_up(self, connection: Connection, now: datetime, virtual: tuple[str, ...]) -> None:
        """Add the movements since the last time; a new day starts from nothing."""
        midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        day_us = int(midnight.timestamp()) * 1_000_000
        if day_us != self._day_us:
            self._begin(day_us)
        moved = schema.movement.c
        fresh = select(
            func.max(moved.seq),
            func.count(),
            func.sum(moved.quantity).filter(moved.source.in_(virtual)),
            func.sum(moved.quantity).filter(
                moved.destination.in_(virtual), moved.source.not_in(virtual)
            ),
        ).where(moved.seq > self._position, moved.record_us >= day_us)
        seq, moves, units_in, units_out = connection.execute(fresh).one()
        self._position = max(self._position, seq or 0)
        self.moves += moves
        self.units_in += int(units_in or 0)
        self.units_out += int(units_out or 0)


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
