"""Lots in the database, and the movements that follow from their dates.

Every change is audited in its transaction. What moves goes through the ledger as everything does.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple, TypeVar

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    exists,
    select,
)

from central import audit, schema
from central.access import reach
from central.catalogue.changes import Told
from central.catalogue.errors import CatalogueError, NotFound, NotValid
from central.catalogue.items import get_item
from central.database import keyset
from central.database.bulk import BulkInsert, BulkLookup
from central.lots.model import EXPIRY, Lot, held_back
from central.stock import ledger, queries
from central.stock.model import AVAILABLE, Balance, Movement, Posted
from central.stock.serials import pieces_at

__all__ = [
    "Asked", "Kept", "Words", "arrived", "expire", "expiring", "find", "keep", "keep_each", "page",
    "recall",
]  # fmt: skip

T = TypeVar("T", bound=tuple[Any, ...])
_lot, _balance = schema.lot.c, schema.balance.c
_NAMES = Lot.__struct_fields__
_KEY = (("sku", "text"), ("lot", "text"))
_ITEMS = BulkLookup("SELECT i.sku FROM {keys} JOIN item i ON i.sku = k.sku", (("sku", "text"),))
_LOTS = BulkLookup(
    f"SELECT {', '.join('l.' + name for name in _NAMES)} FROM {{keys}} "  # noqa: S608 (our words)
    "JOIN lot l ON l.sku = k.sku AND l.lot = k.lot",
    _KEY,
)
_WRITE = BulkInsert(
    "lot",
    [(name, "bigint" if name == "created_us" else "text") for name in _NAMES],
    "ON CONFLICT (sku, lot) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in _NAMES[2:]),
)
_MOST_AT_ONCE = 500
"""Balances that one transaction moves when their day is over."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Which lots a listing is of; empty: all."""

    sku: str | None = None
    status: str | None = None
    expires_before: date | None = None


def find(conn: Connection, sku: str, lot: str, *, granted: bool = False) -> Lot | None:
    """A lot, if anything is known of it; ``granted``: if something of it lies within reach, too."""
    query = select(schema.lot).where(_lot.sku == sku, _lot.lot == lot)
    if granted:
        query = _within_reach(query)
    row = conn.execute(query).mappings().one_or_none()
    return None if row is None else _read(row)


def expiring(conn: Connection, skus: Collection[str]) -> dict[tuple[str, str], date]:
    """The last days of the lots of some items, those that have one, by item and lot."""
    query = select(_lot.sku, _lot.lot, _lot.expires_on).where(
        _lot.sku.in_(skus), _lot.expires_on.is_not(None)
    )
    return {(sku, lot): date.fromisoformat(day) for sku, lot, day in conn.execute(query) if day}


def page(
    conn: Connection, wanted: Asked, *, after: tuple[str, str] | None = None, limit: int = 200
) -> list[Lot]:
    """Lots of which something lies within reach by item and name, those behind ``after``."""
    query = _within_reach(select(schema.lot))
    query = keyset.ascending(query, (_lot.sku, _lot.lot), after, limit)
    if wanted.sku is not None:
        query = query.where(_lot.sku == wanted.sku)
    if wanted.status is not None:
        query = query.where(_lot.status == wanted.status)
    if wanted.expires_before is not None:
        query = query.where(_lot.expires_on < wanted.expires_before.isoformat())
    return [_read(row) for row in conn.execute(query).mappings()]


def _within_reach(query: Select[T]) -> Select[T]:
    granted = reach.within(_balance.location)
    if granted is None:
        return query
    same = (_balance.sku == _lot.sku, _balance.lot == _lot.lot, _balance.on_hand != 0)
    return query.where(exists().where(*same, granted).correlate(schema.lot))


class Words(NamedTuple):
    """What is told of a lot, by the names of its fields."""

    sku: str
    lot: str
    known: Mapping[str, object]


class Kept(NamedTuple):
    """A lot as it was (``None``: not known), and as it is."""

    before: Lot | None
    after: Lot


def keep(conn: Connection, sku: str, lot: str, told: Told, **known: object) -> Lot:
    """Let a lot be known with these words of it; what is not told stays. Raises ``NotFound`` for
    the item, ``NotValid`` where it expires before it was made.
    """
    (kept,) = keep_each(conn, [Words(sku, lot, known)], told)
    if isinstance(kept, CatalogueError):
        raise kept
    return kept.after


def keep_each(conn: Connection, wanted: Sequence[Words], told: Told) -> list[Kept | CatalogueError]:
    """As ``keep``, of many in order; for each what came of it."""
    items = {row[0] for row in _ITEMS.run(conn, [(sku,) for sku in {one.sku for one in wanted}])}
    keys = list(dict.fromkeys((one.sku, one.lot) for one in wanted))
    there = {row[:2]: _of(row) for row in _LOTS.run(conn, keys)}
    kept: list[Kept | CatalogueError] = []
    for one in wanted:
        before = there.get((one.sku, one.lot))
        first = Lot(sku=one.sku, lot=one.lot, created_us=told.at_us)
        after = msgspec.structs.replace(before or first, **one.known)
        flaw = _flaw(after, items)
        kept.append(flaw or Kept(before, after))
        if flaw is None:
            there[one.sku, one.lot] = after
    changed = [one for one in kept if isinstance(one, Kept) and one.before != one.after]
    last = {(one.after.sku, one.after.lot): one.after for one in changed}
    _WRITE.run(conn, [tuple(msgspec.to_builtins(one).values()) for one in last.values()])
    for action, some in (
        ("add lot", [one for one in changed if one.before is None]),
        ("change lot", [one for one in changed if one.before is not None]),
    ):
        if some:
            audit.record(conn, map(_change, some), actor=told.by, action=action, at_us=told.at_us)
    return kept


def _flaw(lot: Lot, items: Collection[str]) -> CatalogueError | None:
    if lot.sku not in items:
        return NotFound(f"there is no item {lot.sku}")
    if not lot.lot:
        return NotValid("a lot has a name of 1 to 64 characters")
    if lot.made_on and lot.expires_on and lot.expires_on < lot.made_on:
        return NotValid(f"lot {lot.lot} of {lot.sku} cannot expire before it was made")
    return None


def _change(kept: Kept) -> audit.Change:
    before, after = kept
    was = None if before is None else msgspec.to_builtins(before)
    return audit.Change(f"lot {after.sku} {after.lot}", was, msgspec.to_builtins(after))


def arrived(
    conn: Connection, sku: str, lot: str, told: Told, known: Mapping[str, object]
) -> Lot | None:
    """A lot that is received: known from now on, with what its papers say. A word that is known
    otherwise is refused: two dates for one lot are one too many. Raises ``NotValid``.
    """
    before = find(conn, sku, lot)
    for name, value in known.items():
        have = getattr(before, name) if before is not None else None
        if have and have != value:
            raise NotValid(
                f"lot {lot} of {sku} has {name} {have}, not {value}: correct the lot first, or "
                "receive it under another name"
            )
    return keep(conn, sku, lot, told, **known)


def recall(conn: Connection, sku: str, lot: str, told: Told, *, reason: str) -> list[Posted]:
    """Sell it no more: what of it can be sold is quarantined where it lies, in one transaction.

    Again: what came since is quarantined too. Raises ``NotFound``.
    """
    if find(conn, sku, lot) is None and not _lying(conn, sku, lot):
        raise NotFound(f"nothing is known of lot {lot} of {sku}")
    keep(conn, sku, lot, told, status="recalled")
    lying = _lying(conn, sku, lot)
    moved = held_back(lying, "quarantined", actor=told.by, reason=reason, at_us=told.at_us)
    return ledger.post(conn, _with_pieces(conn, moved), record_us=told.at_us)


def expire(conn: Connection, today: date, *, at_us: int) -> list[Posted]:
    """Take what is past its day out of what can be sold, and what came of recalled lots: at most
    500 balances of each; again, until none is left.
    """
    over = _sellable(conn, _lot.expires_on < today.isoformat())
    reason = f"past its day on {today.isoformat()}"
    moved = held_back(over, "expired", actor=EXPIRY, reason=reason, at_us=at_us)
    gone = {(one.sku, one.lot, one.source) for one in moved}
    back = [
        one
        for one in _sellable(conn, _lot.status == "recalled")
        if (one.sku, one.lot, one.location) not in gone
    ]
    moved += held_back(back, "quarantined", actor=EXPIRY, reason="recalled", at_us=at_us)
    return ledger.post(conn, _with_pieces(conn, moved), record_us=at_us)


def _sellable(conn: Connection, of: ColumnElement[bool]) -> list[Balance]:
    """What can be sold of lots that are so."""
    found = (
        select(schema.balance)
        .join(schema.lot, (_lot.sku == _balance.sku) & (_lot.lot == _balance.lot))
        .join(schema.location, schema.location.c.code == _balance.location)
        .where(
            of,
            _balance.status == AVAILABLE,
            _balance.on_hand > 0,
            schema.location.c.kind == "internal",
        )
        .order_by(_balance.sku, _balance.lot, _balance.location)
        .limit(_MOST_AT_ONCE)
    )
    return [queries.balance_of(row) for row in conn.execute(found)]


def _lying(conn: Connection, sku: str, lot: str) -> list[Balance]:
    held = queries.stock_of(conn, sku, virtual=False)
    return [one for one in held if one.lot == lot]


def _with_pieces(conn: Connection, moved: list[Movement]) -> list[Movement]:
    """Where single pieces are tracked, each goes along by name."""
    return [
        msgspec.structs.replace(one, serials=pieces_at(conn, one.sku, one.lot, one.source))
        if get_item(conn, one.sku).tracking == "serial"
        else one
        for one in moved
    ]


def _of(row: Sequence[Any]) -> Lot:
    return msgspec.convert(dict(zip(_NAMES, row, strict=True)), Lot)


def _read(row: RowMapping) -> Lot:
    return msgspec.convert({name: row[name] for name in Lot.__struct_fields__}, Lot)
