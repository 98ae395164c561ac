"""Units on hand by place and by item, added up once and followed along the ledger.

Summing up a million balances costs a good part of a second, a movement nothing.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, func, select

from central import schema
from central.web.views.stock import VIRTUAL

__all__ = ["ItemUnits", "PlaceUnits", "Ranks", "ranks_of"]

_MOST_BEHIND = 50_000
_balance, _moved = schema.balance.c, schema.movement.c
_OURS = _balance.location.not_in(VIRTUAL)


class _Followed(ABC):
    """Sums as a transaction sees them. Safe for several threads."""

    def __init__(self) -> None:
        self._seq = -1
        self._busy = threading.Lock()

    def _catch_up(self, connection: Connection) -> None:
        """Only while ``_busy`` is held."""
        head = connection.execute(select(func.max(_moved.seq))).scalar() or 0
        if self._seq < 0 or not 0 <= head - self._seq <= _MOST_BEHIND:
            self._begin(connection)
        elif head > self._seq:
            query = select(
                _moved.seq, _moved.sku, _moved.source, _moved.destination, _moved.quantity
            )
            query = query.where(_moved.seq > self._seq, _moved.seq <= head).order_by(_moved.seq)
            for row in connection.execute(query):
                self._take(row)
        self._seq = head

    @abstractmethod
    def _begin(self, connection: Connection) -> None:
        """Add everything up."""

    @abstractmethod
    def _take(self, moved: Row[*tuple[Any, ...]]) -> None:
        """A movement more."""


class PlaceUnits(_Followed):
    """What lies at each place by itself."""

    def __init__(self) -> None:
        super().__init__()
        self._units: Counter[str] = Counter()

    def at(self, connection: Connection) -> Mapping[str, int]:
        """Units by place."""
        with self._busy:
            self._catch_up(connection)
            return dict(self._units)

    def inside(self, connection: Connection) -> list[int]:
        """The same, of places that are ours."""
        return [units for code, units in self.at(connection).items() if code not in VIRTUAL]

    def _begin(self, connection: Connection) -> None:
        query = select(_balance.location, func.sum(_balance.on_hand)).where(_OURS)
        found = connection.execute(query.group_by(_balance.location))
        self._units = Counter({row[0]: int(row[1]) for row in found})

    def _take(self, moved: Row[*tuple[Any, ...]]) -> None:
        self._units[moved.source] -= moved.quantity
        self._units[moved.destination] += moved.quantity


class Ranks(NamedTuple):
    """By SKU: units on hand, and the newest movement's place on the ledger."""

    units: dict[str, int]
    moved: dict[str, int]


class ItemUnits(_Followed):
    """What lies of each item in places of ours, and when it moved last."""

    def __init__(self) -> None:
        super().__init__()
        self._ranks = Ranks({}, {})

    def at(self, connection: Connection) -> Ranks:
        """Both, of every item that ever moved."""
        with self._busy:
            self._catch_up(connection)
            return Ranks(*map(dict, self._ranks))

    def _begin(self, connection: Connection) -> None:
        self._ranks = ranks_of(connection, _OURS)

    def _take(self, moved: Row[*tuple[Any, ...]]) -> None:
        units, newest = self._ranks
        for end, change in ((moved.source, -moved.quantity), (moved.destination, moved.quantity)):
            if end not in VIRTUAL:
                units[moved.sku] = units.get(moved.sku, 0) + change
                newest[moved.sku] = moved.seq


def ranks_of(connection: Connection, where: ColumnElement[bool]) -> Ranks:
    """The same of some balances, added up now."""
    query = select(_balance.sku, func.sum(_balance.on_hand), func.max(_balance.last_seq))
    found = connection.execute(query.where(where).group_by(_balance.sku)).all()
    return Ranks(
        {sku: int(units) for sku, units, _ in found}, {sku: newest for sku, _, newest in found}
    )
