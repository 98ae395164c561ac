"""What moved on each of the last days (UTC), added up once and followed along the ledger."""

from __future__ import annotations

import time

import msgspec
from sqlalchemy import Connection, func, select

from central import schema
from central.stock import queries
from central.web.views.stock import VIRTUAL

__all__ = ["DAYS", "Day", "Trend", "courses"]

DAYS = 14
_DAY_US = 86_400_000_000
_moved = schema.movement.c


class Day(msgspec.Struct, kw_only=True):
    """Units that came in and went out over the edge of the house, and all movements."""

    units_in: int = 0
    units_out: int = 0
    moves: int = 0


class Trend:
    """Not for two threads at once: it keeps what it has added up so far."""

    def __init__(self) -> None:
        self._position: int | None = None
        self._days: dict[int, Day] = {}

    def days(self, connection: Connection) -> list[Day]:
        """The last ``DAYS`` days, today last."""
        today = time.time_ns() // 1_000 // _DAY_US
        first = today - DAYS + 1
        self._catch_up(connection, first)
        self._days = {day: one for day, one in self._days.items() if day >= first}
        return [self._days.get(day, Day()) for day in range(first, today + 1)]

    def _catch_up(self, connection: Connection, first: int) -> None:
        if self._position is None:
            self._position = queries.first_seq_since(connection, first * _DAY_US) - 1
        day = (_moved.record_us // _DAY_US).label("day")
        comes, goes = _moved.source.in_(VIRTUAL), _moved.destination.in_(VIRTUAL)
        query = select(
            day,
            func.max(_moved.seq),
            func.count(),
            func.coalesce(func.sum(_moved.quantity).filter(comes, ~goes), 0),
            func.coalesce(func.sum(_moved.quantity).filter(goes, ~comes), 0),
        ).where(_moved.seq > self._position)
        for number, seq, moves, units_in, units_out in connection.execute(query.group_by(day)):
            one = self._days.setdefault(int(number), Day())
            one.moves += moves
            one.units_in += int(units_in)
            one.units_out += int(units_out)
            self._position = max(self._position, seq)


def courses(days: list[Day], on_hand: int) -> list[int]:
    """What was on hand at each day's end, from what is on hand now. Pure."""
    found = [on_hand]
    for one in reversed(days[1:]):
        found.append(found[-1] - one.units_in + one.units_out)
    return found[::-1]
