"""The list of items with what is on hand: searched, filtered, sorted, a page at a time.

Only what lies within reach is added up. Names, totals and flags of a page's items are asked for
once the page is known, so that a page of 100,000 items costs as much as one of a hundred.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from heapq import nsmallest
from typing import Any, Literal

import msgspec
from sqlalchemy import ColumnElement, Connection, Select, and_, func, or_, select

from central import schema
from central.access import reach
from central.catalogue import packs
from central.catalogue.errors import CatalogueError
from central.stock import queries
from central.web.views.stock import VIRTUAL
from central.web.views.units import ItemUnits, ranks_of

__all__ = ["EXPIRING_DAYS", "ONLY", "ROWS", "SORTS", "STILL_DAYS", "Wanted", "listed", "total"]

ROWS = 50
EXPIRING_DAYS = 30
STILL_DAYS = 90
Only = Literal["", "low", "over", "expiring", "still", "none", "blocked", "retired"]
Sort = Literal["sku", "name", "most", "moved"]
ONLY: dict[Only, str] = {
    "": "All", "low": "Low", "over": "Over", "expiring": "Expiring", "still": "No movement",
    "none": "None on hand", "blocked": "Not available", "retired": "Retired",
}  # fmt: skip
SORTS: dict[Sort, str] = {
    "sku": "SKU", "name": "Name", "most": "Most on hand", "moved": "Moved last",
}  # fmt: skip
_item, _balance, _lot = schema.item.c, schema.balance.c, schema.lot.c
_alert = schema.alert.c
_COLUMNS = (_item.sku, _item.name, _item.category, _item.unit, _item.status)
_GUESSED = 400
Key = tuple[str | int, str]


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which items, and behind which (the last one's sort key and SKU)."""

    search: str = ""
    only: Only = ""
    sort: Sort = "sku"
    after: Key | None = None


class ListRow(msgspec.Struct, frozen=True, kw_only=True):
    """An item: units on hand, of these reserved and free to sell. ``flags`` are kinds of alerts
    that hold. ``key`` is its place in the order that was asked for.
    """

    sku: str
    name: str
    category: str
    unit: str
    retired: bool
    on_hand: int
    reserved: int
    available: int
    flags: tuple[str, ...]
    key: Key


def total(connection: Connection) -> int:
    """How many items there are."""
    return connection.execute(select(func.count()).select_from(schema.item)).scalar_one()


def listed(
    connection: Connection, wanted: Wanted, known: ItemUnits | None = None, *, limit: int = ROWS
) -> list[ListRow]:
    """The items that fit, in order. ``known`` is what lies of each, for the orders by stock."""
    conditions = _conditions(connection, wanted)
    if wanted.sort in {"sku", "name"}:
        query = _by_words(wanted).where(*conditions).limit(limit)
        found = connection.execute(query).all()
        keys: list[Key] = [
            (row.name if wanted.sort == "name" else row.sku, row.sku) for row in found
        ]
    else:
        keys = _by_ranks(connection, wanted, conditions, known or ItemUnits(), limit)
        query = select(*_COLUMNS).where(_item.sku.in_([sku for _, sku in keys]))
        rows = {row.sku: row for row in connection.execute(query)}
        found = [rows[sku] for _, sku in keys]
    skus = [row.sku for row in found]
    held, reserved, flags = (
        _held(connection, skus), _reserved(connection, skus), _flags(connection, skus)
    )  # fmt: skip
    return [
        ListRow(
            sku=row.sku,
            name=row.name,
            category=row.category,
            unit=row.unit,
            retired=row.status == "retired",
            on_hand=sum(held.get(row.sku, {}).values()),
            reserved=reserved.get(row.sku, 0),
            available=held.get(row.sku, {}).get("available", 0) - reserved.get(row.sku, 0),
            flags=tuple(sorted(flags.get(row.sku, ()))),
            key=key,
        )
        for row, key in zip(found, keys, strict=True)
    ]


def _inside() -> ColumnElement[bool]:
    """Balances of places of ours, within reach."""
    granted = reach.within(_balance.location)
    ours = _balance.location.not_in(VIRTUAL)
    return ours if granted is None else and_(ours, granted)


def _by_words(wanted: Wanted) -> Select[Any]:
    """The items by SKU or name, behind the last one that was seen."""
    column, after = _item.sku if wanted.sort == "sku" else _item.name, wanted.after
    query = select(*_COLUMNS).order_by(column, _item.sku)
    if after is None:
        return query
    return query.where(or_(column > after[0], and_(column == after[0], _item.sku > after[1])))


def _by_ranks(
    connection: Connection,
    wanted: Wanted,
    conditions: Sequence[ColumnElement[bool]],
    known: ItemUnits,
    limit: int,
) -> list[Key]:
    """The SKUs that fit by units or by last movement, most first, behind the last one that was
    seen. The first of all items are looked at before all that fit are: mostly they are enough.
    """
    granted = reach.within(_balance.location)
    found = known.at(connection) if granted is None else ranks_of(connection, _inside())
    ranks = found.units if wanted.sort == "most" else found.moved
    after = None if wanted.after is None else (-int(wanted.after[0]), wanted.after[1])

    def first(skus: Iterable[str], most: int) -> list[tuple[int, str]]:
        keys = ((-ranks.get(sku, 0), sku) for sku in skus)
        return nsmallest(most, keys if after is None else (key for key in keys if key > after))

    fitting = select(_item.sku).where(*conditions)
    some = first((sku for sku, rank in ranks.items() if rank > 0), _GUESSED)
    fit = set(connection.execute(fitting.where(_item.sku.in_([sku for _, sku in some]))).scalars())
    chosen = [key for key in some if key[1] in fit][:limit]
    if len(chosen) < limit:
        chosen = first(connection.execute(fitting).scalars(), limit)
    return [(-rank, sku) for rank, sku in chosen]


def _conditions(connection: Connection, wanted: Wanted) -> list[ColumnElement[bool]]:
    found = []
    if wanted.search:
        found.append(_fits(connection, wanted.search))
    retired = _item.status == "retired"
    found.append(retired if wanted.only == "retired" else _fits_only(connection, wanted.only))
    return found


def _fits(connection: Connection, search: str) -> ColumnElement[bool]:
    """Every word is in SKU, name or category; or all of it is a barcode or a tag of the item."""
    words = [
        or_(*(column.icontains(word, autoescape=True) for column in
              (_item.sku, _item.name, _item.category)))
        for word in search.split()[:8]
    ]  # fmt: skip
    exact = _coded(connection, search.strip())
    return or_(and_(*words), _item.sku.in_(exact)) if exact else and_(*words)


def _coded(connection: Connection, code: str) -> list[str]:
    """The item that a GTIN or a tag stands for."""
    bound = schema.tag_binding.c
    newest = select(bound.sku).where(bound.epc == code.upper()).order_by(bound.id.desc()).limit(1)
    found = [sku for sku in connection.execute(newest).scalars() if sku is not None]
    if code.isdigit() and 8 <= len(code) <= 14:
        try:
            pack = packs.find_pack(connection, code)
        except CatalogueError:
            pack = None  # its check digit says that it is no GTIN
        found += [] if pack is None else [pack.sku]
    return found


def _fits_only(connection: Connection, only: Only) -> ColumnElement[bool]:
    mine = and_(_balance.sku == _item.sku, _balance.on_hand > 0, _inside())
    lying = select(1).where(mine).exists()
    if only in {"low", "over"}:
        return _item.sku.in_(_alerting().where(_alert.kind == only))
    if only == "expiring":
        soon = (datetime.now(UTC) + timedelta(days=EXPIRING_DAYS)).date().isoformat()
        lots = select(1).where(mine, _lot.sku == _balance.sku, _lot.lot == _balance.lot)
        ending = select(_lot.sku).where(_lot.expires_on <= soon)
        return and_(_item.sku.in_(ending), lots.where(_lot.expires_on <= soon).exists())
    if only == "still":
        since_us = time.time_ns() // 1_000 - STILL_DAYS * 86_400_000_000
        first = queries.first_seq_since(connection, since_us)
        moved = schema.movement.c
        lately = select(1).where(moved.sku == _item.sku, moved.seq >= first).exists()
        return and_(lying, ~lately)
    if only == "none":
        return and_(~lying, _item.status == "active", _item.family.is_(False))
    if only == "blocked":
        return select(1).where(mine, _balance.status != "available").exists()
    return or_(_item.status == "active", lying)


def _alerting() -> Select[Any]:
    """The SKUs of alerts that hold, within reach."""
    query = select(_alert.sku).where(_alert.cleared_us.is_(None), _alert.state != "waiting")
    granted = reach.within(_alert.location)
    return query if granted is None else query.where(granted)


def _held(connection: Connection, skus: list[str]) -> dict[str, dict[str, int]]:
    query = (
        select(_balance.sku, _balance.status, func.sum(_balance.on_hand))
        .where(_balance.sku.in_(skus), _inside())
        .group_by(_balance.sku, _balance.status)
    )
    found: dict[str, dict[str, int]] = {}
    for sku, status, units in connection.execute(query):
        found.setdefault(sku, {})[status] = int(units)
    return found


def _reserved(connection: Connection, skus: list[str]) -> dict[str, int]:
    kept = schema.reserved.c
    query = select(kept.sku, func.sum(kept.units)).where(kept.sku.in_(skus)).group_by(kept.sku)
    granted = reach.within(kept.location)
    if granted is not None:
        query = query.where(granted)
    return {row[0]: int(row[1]) for row in connection.execute(query)}


def _flags(connection: Connection, skus: list[str]) -> dict[str, set[str]]:
    query = _alerting().add_columns(_alert.kind).where(_alert.sku.in_(skus))
    found: dict[str, set[str]] = {}
    for sku, kind in connection.execute(query):
        found.setdefault(sku, set()).add(kind)
    return found
