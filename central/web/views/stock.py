"""Items with what is on hand, and the movements that made it so."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, func, select

from central import schema
from central.access import reach
from central.stock.model import VIRTUAL_LOCATIONS, Cause

STOCK_ROWS = 8
MOVEMENTS_SHOWN = 12
VIRTUAL = tuple(str(kind) for kind in VIRTUAL_LOCATIONS)
_CAUSES = msgspec.json.Decoder(tuple[Cause, ...])
_EPCS = msgspec.json.Decoder(tuple[str, ...])
_EVIDENCE = msgspec.json.Decoder(dict[str, Any])


class StockRow(msgspec.Struct, frozen=True, kw_only=True):
    """One item and its units on hand."""

    sku: str
    name: str
    total: int


class StockTable(msgspec.Struct, frozen=True, kw_only=True):
    """The items that moved last, in a stable order, and how many there are."""

    rows: tuple[StockRow, ...]
    items: int


def stock_table(connection: Connection) -> StockTable:
    """Items with what is on hand of them."""
    balance = schema.balance
    skus = _skus_moved_last(connection)
    amounts = (
        select(balance.c.sku, func.sum(balance.c.on_hand))
        .where(balance.c.location.not_in(VIRTUAL), balance.c.sku.in_(skus))
        .group_by(balance.c.sku)
    )
    held = {sku: int(amount) for sku, amount in connection.execute(amounts)}
    items = select(schema.item).where(schema.item.c.sku.in_(skus)).order_by(schema.item.c.sku)
    rows = tuple(
        StockRow(sku=row.sku, name=row.name, total=held.get(row.sku, 0))
        for row in connection.execute(items)
    )
    count = connection.execute(select(func.count()).select_from(schema.item)).scalar_one()
    return StockTable(rows=rows, items=count)


def _skus_moved_last(connection: Connection) -> list[str]:
    """The items of the newest movements; a young catalogue is filled up with the rest."""
    recent = select(schema.movement.c.sku, schema.movement.c.seq)
    recent = recent.order_by(schema.movement.c.seq.desc()).limit(2_000)
    newest: dict[str, int] = {}
    for sku, seq in connection.execute(recent):
        newest.setdefault(sku, seq)
    skus = sorted(newest, key=lambda sku: newest[sku], reverse=True)[:STOCK_ROWS]
    if len(skus) < STOCK_ROWS:
        rest = select(schema.item.c.sku).where(schema.item.c.sku.not_in(skus))
        rest = rest.order_by(schema.item.c.sku).limit(STOCK_ROWS - len(skus))
        skus += connection.execute(rest).scalars().all()
    return skus


def location_names(connection: Connection, codes: Iterable[str]) -> dict[str, str]:
    """Names of locations by code."""
    place = schema.location.c
    rows = connection.execute(select(place.code, place.name).where(place.code.in_(list(codes))))
    return {row[0]: row[1] for row in rows}


def item_names(connection: Connection, skus: Iterable[str]) -> dict[str, str]:
    """Names of items by SKU."""
    item = schema.item.c
    rows = connection.execute(select(item.sku, item.name).where(item.sku.in_(list(skus))))
    return {row[0]: row[1] for row in rows}


class MovementRow(msgspec.Struct, frozen=True, kw_only=True):
    """One movement as a person reads it."""

    seq: int
    id: str
    sku: str
    name: str
    quantity: int
    source: str
    destination: str
    way: str
    origin: str
    confidence: float
    event_us: int
    record_us: int
    biz_step: str
    disposition: str
    lot: str
    reason: str
    corrects: str | None
    evidence: dict[str, Any]
    causes: tuple[Cause, ...]
    epcs: tuple[str, ...]


def last_movements(connection: Connection) -> tuple[MovementRow, ...]:
    """The newest movements, newest first."""
    newest = select(schema.movement).order_by(schema.movement.c.seq.desc())
    return _rows(connection, connection.execute(newest.limit(MOVEMENTS_SHOWN)).all())


def movements(
    connection: Connection,
    *,
    sku: str | None = None,
    seqs: Collection[int] | None = None,
    before_seq: int | None = None,
    limit: int = MOVEMENTS_SHOWN,
) -> tuple[MovementRow, ...]:
    """Movements with an end within reach, newest first: of an item, or of these numbers; those
    before ``before_seq``.
    """
    moved = schema.movement.c
    query = select(schema.movement).order_by(moved.seq.desc()).limit(limit)
    if before_seq is not None:
        query = query.where(moved.seq < before_seq)
    if sku is not None:
        query = query.where(moved.sku == sku)
    if seqs is not None:
        query = query.where(moved.seq.in_(seqs))
    if (granted := reach.within(moved.source, moved.destination)) is not None:
        query = query.where(granted)
    return _rows(connection, connection.execute(query).all())


def one_movement(connection: Connection, movement_id: str) -> MovementRow | None:
    """One movement with all that led to it, or ``None``."""
    wanted = select(schema.movement).where(schema.movement.c.id == movement_id)
    return next(iter(_rows(connection, connection.execute(wanted).all())), None)


def _rows(connection: Connection, found: Iterable[Row[Any]]) -> tuple[MovementRow, ...]:
    found = list(found)
    places = location_names(connection, {r.source for r in found} | {r.destination for r in found})
    items = item_names(connection, {r.sku for r in found})
    return tuple(_movement_row(row, places, items) for row in found)


def _movement_row(row: Row[Any], places: dict[str, str], items: dict[str, str]) -> MovementRow:
    return MovementRow(
        seq=row.seq,
        id=row.id,
        sku=row.sku,
        name=items.get(row.sku, row.sku),
        quantity=row.quantity,
        source=places.get(row.source, row.source),
        destination=places.get(row.destination, row.destination),
        way=_way(row.source, row.destination),
        origin=row.origin,
        confidence=row.confidence,
        event_us=row.event_us,
        record_us=row.record_us,
        biz_step=row.biz_step,
        disposition=row.disposition,
        lot=row.lot,
        reason=row.reason,
        corrects=row.corrects,
        evidence=_EVIDENCE.decode(row.evidence),
        causes=_CAUSES.decode(row.causes),
        epcs=_EPCS.decode(row.epcs),
    )


def _way(source: str, destination: str) -> str:
    """Whether stock came in, went out, or moved within the house."""
    if source in VIRTUAL:
        return "in"
    return "out" if destination in VIRTUAL else "within"
