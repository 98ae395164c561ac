"""Questions to the ledger and its balances. Read-only; every answer is paged or bounded."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, bindparam, select

from central import schema
from central.access import reach
from central.stock import rows
from central.stock.balances import KEY, Shape, question, words
from central.stock.model import Balance, Posted

__all__ = [
    "balance_of", "correcting", "first_seq_since", "last_seq", "movement_by_id", "movements",
    "on_hand", "stock_of",
]  # fmt: skip


_movement = schema.movement.c
_balance = schema.balance.c
_columns = [schema.movement.c[name] for name, _type in rows.COLUMNS]
_BY_ID = select(*_columns).where(_movement.id == bindparam("wanted"))
_NEWEST = select(_movement.seq).order_by(_movement.seq.desc()).limit(1)


def on_hand(
    conn: Connection,
    *,
    sku: str | None = None,
    location: str | None = None,
    below: bool = False,
    virtual: bool = False,
    zero: bool = False,
    status: str | None = None,
    after: tuple[str, str, str, str] | None = None,
    limit: int = 200,
) -> list[Balance]:
    """Balances by SKU, lot, location and status, those behind ``after``.

    Only internal locations unless ``virtual``, only what is there unless ``zero``. ``below`` takes
    the locations within ``location`` in as well. Only places within reach (``central.access``).
    """
    said = {"sku": sku, "location": location, "status": status}
    asked = {name: value for name, value in said.items() if value is not None}
    shape = Shape(
        sku=sku is not None,
        location=location is not None,
        below=below,
        virtual=virtual,
        zero=zero,
        status=status is not None,
        after=after is not None,
    )
    granted = reach.within(_balance.location)
    behind = {} if after is None else dict(zip((f"{name}_" for name in KEY), after, strict=True))
    all_asked = {**asked, **behind, "n": limit}
    if granted is None:
        return [balance_of(row) for row in words(shape).rows(conn, all_asked)]
    query = question(shape).where(granted)
    return [balance_of(row) for row in conn.execute(query, all_asked)]


def balance_of(row: Iterable[Any]) -> Balance:
    """The balance that a row holds, its columns in the order of ``Balance``'s."""
    return Balance(*row)


def stock_of(conn: Connection, sku: str, *, virtual: bool = True) -> list[Balance]:
    """Where an item is, by lot, location and status; with the virtual locations its sum is zero."""
    return on_hand(conn, sku=sku, virtual=virtual, zero=virtual, limit=10_000)


def movements(
    conn: Connection,
    *,
    sku: str | None = None,
    location: str | None = None,
    origin: str | None = None,
    after_seq: int | None = None,
    before_seq: int | None = None,
    limit: int = 100,
) -> list[Posted]:
    """Movements with their evidence, newest first; ``before_seq`` asks for the next page.

    With ``after_seq`` they come oldest first from behind that number on: what a consumer
    with a cursor reads. Only those with an end within reach.
    """
    query = select(*_columns).limit(limit)
    if after_seq is not None:
        query = query.where(_movement.seq > after_seq).order_by(_movement.seq)
    else:
        query = query.order_by(_movement.seq.desc())
    if before_seq is not None:
        query = query.where(_movement.seq < before_seq)
    if sku is not None:
        query = query.where(_movement.sku == sku)
    if location is not None:
        query = query.where((_movement.source == location) | (_movement.destination == location))
    if origin is not None:
        query = query.where(_movement.origin == origin)
    if (granted := reach.within(_movement.source, _movement.destination)) is not None:
        query = query.where(granted)
    return [rows.from_row(tuple(row)) for row in conn.execute(query)]


def movement_by_id(conn: Connection, movement_id: str) -> Posted | None:
    """The movement of this id with an end within reach, or ``None``."""
    granted = reach.within(_movement.source, _movement.destination)
    query = _BY_ID if granted is None else _BY_ID.where(granted)
    row = conn.execute(query, {"wanted": movement_id}).one_or_none()
    return None if row is None else rows.from_row(tuple(row))


def correcting(conn: Connection, movement_id: str) -> list[Posted]:
    """What corrects a movement, in order, with an end within reach."""
    query = select(*_columns).where(_movement.corrects == movement_id).order_by(_movement.seq)
    if (granted := reach.within(_movement.source, _movement.destination)) is not None:
        query = query.where(granted)
    return [rows.from_row(tuple(row)) for row in conn.execute(query)]


def is_corrected(conn: Connection, movement_id: str) -> bool:
    """Whether another movement corrects this one."""
    query = select(_movement.seq).where(_movement.corrects == movement_id).limit(1)
    return conn.execute(query).first() is not None


def last_seq(conn: Connection) -> int:
    """The number of the newest movement (numbers are dense, so also how many there are)."""
    return conn.execute(_NEWEST).scalar() or 0


def first_seq_since(conn: Connection, since_us: int) -> int:
    """The number of the first movement recorded since then, by halving: numbers are dense, and
    times grow with them but for a clock that was set back.
    """
    low, high = 1, last_seq(conn) + 1
    while low < high:
        middle = (low + high) // 2
        at_us = conn.execute(select(_movement.record_us).where(_movement.seq == middle)).scalar()
        if at_us is None or at_us >= since_us:
            high = middle
        else:
            low = middle + 1
    return low
