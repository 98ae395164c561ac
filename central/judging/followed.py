"""The ledger as it was, for who judges the log again: movements and witnesses, one after another.

Where tags lay, what places held and what was recent, as of any height: balances and tags are added
up along the way, so that nothing is asked of the tables as they are now.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, text

from central.reconcile.holdings import Held, Lot
from central.stock import witnesses
from central.stock.holdings import BY_NAME
from central.stock.model import AVAILABLE, VIRTUAL_LOCATIONS
from central.stock.witnesses import Bound

__all__ = ["Followed"]

_PAGE = 1_000
_END = 2**62
_MOVED = text(
    "SELECT seq, log_id, epcs, sku, lot, quantity, source, source_status, destination, "
    "destination_status, biz_step FROM movement WHERE seq > :after ORDER BY seq LIMIT :limit"
)
_TRACKING = text("SELECT tracking FROM item WHERE sku = :sku")
_epcs = msgspec.json.Decoder(tuple[str, ...]).decode

Account = tuple[str, str]
"""A lot in a status."""


class _Moved(NamedTuple):
    """What a movement did to balances."""

    lot: str
    quantity: int
    source: str
    source_status: str
    destination: str
    destination_status: str
    biz_step: str


class _Step(NamedTuple):
    """A movement or a witness, and how far the ledger is with it."""

    bound: Bound
    log_id: int
    sku: str
    epcs: tuple[str, ...]
    location: str
    moved: _Moved | None = None


class Followed:
    """The ledger up to a height, which only grows: its tags' places (``placed``), and what lies
    where (``Holdings``).
    """

    def __init__(self, conn: Connection) -> None:
        self._conn = conn
        self._steps = _steps(conn)
        self._next = next(self._steps, None)
        self.bound = Bound(0, 0)
        self.placed: dict[str, str] = {}
        self._lie: dict[str, tuple[str, str]] = {}
        self._tags: dict[tuple[str, str], dict[str, None]] = {}
        self._held: dict[str, dict[str, Counter[Account]]] = {}
        self._picked: set[tuple[str, str]] = set()

    def bring(self, upto: int, before_log: int = _END) -> None:
        """Go on to height ``upto``, as far as rows stand under entries of the log before
        ``before_log``: what was posted when that entry was judged.
        """
        while self._next is not None and sum(self._next.bound) <= upto:
            if self._next.log_id >= before_log:
                return
            self._take(self._next)
            self._next = next(self._steps, None)

    def of(self, lots: Collection[Lot]) -> dict[Lot, list[Held]]:
        """As ``Holdings.of``."""
        return {lot: self._of(*lot) for lot in lots}

    def _of(self, sku: str, lot: str) -> list[Held]:
        found = []
        for place, accounts in sorted(self._held.get(sku, {}).items()):
            units, every = accounts[lot, AVAILABLE], accounts.total()
            epcs = self._tags.get((sku, place), {})
            if units > 0 and every > len(epcs):
                found.append(Held(place, units, every, tuple(sorted(epcs)), self._is_by_name(sku)))
        return found

    def _is_by_name(self, sku: str) -> bool:
        """An item that was ever received stays tracked as it is."""
        return self._conn.execute(_TRACKING, {"sku": sku}).scalar() == BY_NAME

    def picked_to(self, sku: str, place: str) -> bool:
        """As ``Holdings.picked_to``."""
        return (sku, place) in self._picked

    def _take(self, step: _Step) -> None:
        self.bound = step.bound
        for epc in step.epcs:
            self._tags.get(self._lie.get(epc, ("", "")), {}).pop(epc, None)
            self._lie[epc] = lying = (step.sku, step.location)
            self.placed[epc] = step.location
            if step.location not in VIRTUAL_LOCATIONS:
                self._tags.setdefault(lying, {})[epc] = None
        if step.moved is not None:
            self._count(step.sku, step.moved)

    def _count(self, sku: str, moved: _Moved) -> None:
        for place, status, units in (
            (moved.source, moved.source_status, -moved.quantity),
            (moved.destination, moved.destination_status, moved.quantity),
        ):
            if place not in VIRTUAL_LOCATIONS:
                held = self._held.setdefault(sku, {}).setdefault(place, Counter())
                held[moved.lot, status] += units
        if moved.biz_step == "picking":
            self._picked.add((sku, moved.destination))


def _steps(conn: Connection) -> Iterator[_Step]:
    """Every movement, each followed by the witnesses that were kept behind it."""
    told = witnesses.everything(conn)
    waiting = next(told, None)
    after = no = 0
    while found := conn.execute(_MOVED, {"after": after, "limit": _PAGE}).all():
        for row in found:
            epcs, moved = _epcs(row.epcs), _Moved(row.lot, row.quantity, *row[6:])
            bound = Bound(row.seq, no)
            yield _Step(bound, row.log_id, row.sku, epcs, row.destination, moved)
            while waiting is not None and waiting.after_seq == row.seq:
                no = waiting.no
                bound = Bound(row.seq, no)
                yield _Step(bound, waiting.log_id, waiting.sku, waiting.epcs, waiting.location)
                waiting = next(told, None)
        after = found[-1].seq
