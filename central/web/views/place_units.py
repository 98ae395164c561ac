"""Units on hand at every place, added up once and followed along the ledger."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping

from sqlalchemy import Connection, func, select

from central import schema
from central.web.views.stock import VIRTUAL

__all__ = ["PlaceUnits"]

_MOST_BEHIND = 50_000
_balance, _moved = schema.balance.c, schema.movement.c


class PlaceUnits:
    """What lies at each place by itself. Summing up a million balances costs a good part of a
    second, a movement nothing. Safe for several threads.
    """

    def __init__(self) -> None:
        self._units: Counter[str] = Counter()
        self._seq = -1
        self._busy = threading.Lock()

    def at(self, connection: Connection) -> Mapping[str, int]:
        """Units by place as the transaction sees them."""
        with self._busy:
            head = connection.execute(select(func.max(_moved.seq))).scalar() or 0
            if self._seq < 0 or not 0 <= head - self._seq <= _MOST_BEHIND:
                self._begin(connection)
            elif head > self._seq:
                self._follow(connection, head)
            self._seq = head
            return dict(self._units)

    def inside(self, connection: Connection) -> list[int]:
        """The same, of places that are ours."""
        return [units for code, units in self.at(connection).items() if code not in VIRTUAL]

    def _begin(self, connection: Connection) -> None:
        query = (
            select(_balance.location, func.sum(_balance.on_hand))
            .where(_balance.location.not_in(VIRTUAL))
            .group_by(_balance.location)
        )
        self._units = Counter({row[0]: int(row[1]) for row in connection.execute(query)})

    def _follow(self, connection: Connection, head: int) -> None:
        query = select(_moved.source, _moved.destination, _moved.quantity)
        query = query.where(_moved.seq > self._seq, _moved.seq <= head)
        for source, destination, quantity in connection.execute(query):
            self._units[source] -= quantity
            self._units[destination] += quantity
