"""What those ask who watch the ledger by a cursor: what moved, and how all of an item stands.

Read-only. Every question is answered by an index: what it costs grows with what moved and with how
many places the items lie in, and not with the ledger.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from sqlalchemy import Connection, func, select, union_all

from central import schema
from central.stock.model import LocationKind

__all__ = ["Lost", "Lying", "Moved", "balances_of", "first_since", "last_moved", "lost", "moved"]

_movement = schema.movement.c
_balance = schema.balance.c
_NOWHERE = (LocationKind.ADJUSTMENT.value, LocationKind.UNKNOWN.value)


class Moved(NamedTuple):
    """A movement, as far as it tells what to look at again."""

    seq: int
    sku: str
    source: str
    destination: str


class Lying(NamedTuple):
    """A balance; ``last_us`` when the newest movement of it was posted."""

    sku: str
    lot: str
    location: str
    status: str
    on_hand: int
    last_us: int


class Lost(NamedTuple):
    """Units that went to (negative: came from) where nobody knows; ``at_us`` when posted."""

    sku: str
    at_us: int
    units: int


def moved(conn: Connection, after_seq: int, limit: int) -> list[Moved]:
    """Movements behind number ``after_seq``, oldest first."""
    columns = (_movement.seq, _movement.sku, _movement.source, _movement.destination)
    found = select(*columns).where(_movement.seq > after_seq).order_by(_movement.seq).limit(limit)
    return [Moved(*row) for row in conn.execute(found)]


def balances_of(conn: Connection, skus: Collection[str]) -> list[Lying]:
    """Every balance of some items, the virtual locations' too."""
    key = (_balance.sku, _balance.lot, _balance.location, _balance.status)
    found = (
        select(*key, _balance.on_hand, _movement.record_us)
        .join(schema.movement, _movement.seq == _balance.last_seq)
        .where(_balance.sku.in_(skus))
    )
    return [Lying(*row) for row in conn.execute(found)]


def last_moved(conn: Connection, locations: Collection[str]) -> dict[str, int]:
    """When anything last came to or went from places, of those that hold or held stock."""
    newest = (
        select(_balance.location, func.max(_balance.last_seq).label("seq"))
        .where(_balance.location.in_(locations))
        .group_by(_balance.location)
        .subquery()
    )
    found = select(newest.c.location, _movement.record_us).join(
        schema.movement, _movement.seq == newest.c.seq
    )
    return {row.location: row.record_us for row in conn.execute(found)}


def lost(conn: Connection, skus: Iterable[str], since_us: int) -> list[Lost]:
    """What of some items was lost or found since a moment: by adjustments, and unexplained.

    What was scrapped is no loss of this kind: somebody said so.
    """
    since = (_movement.sku.in_(list(skus)), _movement.seq >= first_since(conn, since_us))
    columns = (_movement.sku, _movement.record_us)
    gone = select(*columns, _movement.quantity).where(*since, _movement.destination.in_(_NOWHERE))
    come = select(*columns, -_movement.quantity).where(*since, _movement.source.in_(_NOWHERE))
    return [Lost(*row) for row in conn.execute(union_all(gone, come))]


def first_since(conn: Connection, at_us: int) -> int:
    """The number of the first movement that was posted at or behind a moment; one behind the
    newest when there is none. Numbers are dense and record times never fall, so it is found by
    halving, some 24 look-ups in ten million.
    """
    low = 1
    high = conn.execute(
        select(_movement.seq).order_by(_movement.seq.desc()).limit(1)
    ).scalar() or 0  # fmt: skip
    while low <= high:
        middle = (low + high) // 2
        asked = select(_movement.record_us).where(_movement.seq >= middle)
        if conn.execute(asked.order_by(_movement.seq).limit(1)).scalar_one() < at_us:
            low = middle + 1
        else:
            high = middle - 1
    return low
