"""Goods receipts: what came of an order since it was told last, line by line and lot by lot.

What came is counted from the books (``orders.counts_of``), however it came: by hand, through a
portal, past a scanner. What was told is kept beside it, and the difference is told, so that a
subscriber who adds up what he was told has what the books have, also where they were corrected.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, delete, func, insert, select

from central import schema
from central.database import cursors
from central.database.enduring import AT_ONCE, follow
from central.database.store import Database
from central.database.tide import Tide
from central.events import log as events
from central.receiving import orders
from central.receiving.model import Count, Order, state
from central.stock import witnesses
from gateway.clock import Clock, SystemClock

__all__ = ["ReceiptTeller", "tell"]

_CURSOR = "goods receipts"
_MOST = 200
_note = schema.document_note.c
_take = schema.receipt_take.c
_told = schema.goods_told.c
_order = schema.inbound_order.c
Place = tuple[str, str]
"""A line and a lot."""
_encode = msgspec.json.Encoder().encode


class Came(NamedTuple):
    """Units of a line and lot in all, and how many of them are damaged."""

    received: int = 0
    damaged: int = 0


def tell(conn: Connection, order: Order, *, at_us: int) -> bool:
    """Tell subscribers what came of an order since they were told (``GoodsReceived``, of a return
    ``ReturnReceived``); whether something did. Call it from ``Database.write`` alone.
    """
    counts = orders.counts_of(conn, order)
    now, before = _now(conn, order, counts), _before(conn, order.id)
    lines = [
        {
            "line": line,
            "sku": order.line(line).sku,
            "lot": lot,
            "quantity": now[line, lot].received - before[line, lot].received,
            "damaged": now[line, lot].damaged - before[line, lot].damaged,
            "ordered": order.line(line).quantity,
            "received": counts[line].received,
        }
        for line, lot in sorted({*now, *before})
        if line in counts and now[line, lot] != before[line, lot]
    ]
    if not lines:
        return False
    body = {
        "id": order.id,
        "reference": order.reference,
        "customer" if order.is_return else "supplier": order.supplier,
        "location": order.location,
        "state": state(order, counts, sessions=orders.sessions_of(conn, order.id)),
        "lines": lines,
    }
    kind = "ReturnReceived" if order.is_return else "GoodsReceived"
    events.record(conn, kind, order.id, body, at_us=at_us)
    conn.execute(delete(schema.goods_told).where(_told.order_id == order.id))
    rows = [
        {"order_id": order.id, "line": line, "lot": lot, **came._asdict()}
        for (line, lot), came in now.items()
        if came != Came()
    ]
    if rows:
        conn.execute(insert(schema.goods_told), rows)
    return True


def _now(conn: Connection, order: Order, counts: dict[str, Count]) -> defaultdict[Place, Came]:
    """By line and lot. What was sensed and nobody confirmed is of the lot that was ordered."""
    found: defaultdict[Place, Came] = defaultdict(Came)
    query = (
        select(
            _take.line, _take.lot, _take.kind,
            func.sum(_take.confirmed).label("confirmed"), func.sum(_take.posted).label("posted"),
        )
        .where(_take.order_id == order.id, _take.line != "")
        .group_by(_take.line, _take.lot, _take.kind)
    )  # fmt: skip
    confirmed: Counter[str] = Counter()
    for row in conn.execute(query):
        units = int(row.confirmed) + int(row.posted)
        lot = row.lot or order.line(row.line).lot
        came = found[row.line, lot]
        found[row.line, lot] = Came(
            came.received + units, came.damaged + (units if row.kind == "damaged" else 0)
        )
        confirmed[row.line] += int(row.confirmed)
    for line in order.lines:
        came = found[line.line, line.lot]
        unseen = counts[line.line].sensed - confirmed[line.line]
        found[line.line, line.lot] = came._replace(received=came.received + unseen)
    return found


def _before(conn: Connection, order: str) -> defaultdict[Place, Came]:
    query = select(schema.goods_told).where(_told.order_id == order)
    found: defaultdict[Place, Came] = defaultdict(Came)
    for row in conn.execute(query):
        found[row.line, row.lot] = Came(row.received, row.damaged)
    return found


class ReceiptTeller:
    """Tells what sensors found of orders: what people take in is told where they do.

    ``counters``: ``told`` orders, and ``retries`` while the database was away.
    """

    def __init__(self, database: Database, tide: Tide, *, clock: Clock | None = None) -> None:
        self._database, self._tide = database, tide
        self._clock = clock or SystemClock()
        self.counters: Counter[str] = Counter()

    async def run(self) -> None:
        """Until cancelled."""
        await follow(
            "goods receipts", self.step, tide=self._tide, counters=self.counters, pace_s=0.2
        )

    async def step(self) -> float | None:
        """Tell of the next notes that judging made of documents. Raises ``DBAPIError``."""
        if not await self._database.read(_is_behind):
            return None
        told = await self._database.write(lambda c: _catch_up(c, self._clock.now_us()))
        if told:
            self.counters["told"] += told
            self._tide.rise()
        return AT_ONCE


def _is_behind(conn: Connection) -> bool:
    there = cursors.place(conn, _CURSOR)
    if there is None:
        return True
    return bool(
        conn.execute(
            select(select(_note.id).where(_note.height > there.position).exists())
        ).scalar()
    )


def _catch_up(conn: Connection, now_us: int) -> int:
    there = cursors.place(conn, _CURSOR)
    if there is None:  # what came before there were receipts is told with what comes next
        cursors.move(conn, _CURSOR, witnesses.height(conn))
        return 0
    # At the last height again: two notes may stand at one, in two transactions.
    heights = select(_note.height).where(_note.height > there.position).distinct()
    upto = list(conn.execute(heights.order_by(_note.height).limit(_MOST)).scalars())
    if not upto:
        return 0
    between = _note.height.between(there.position, upto[-1])
    documents = conn.execute(select(_note.document).where(between).distinct()).scalars().all()
    found = sorted({name for document in documents for name in _orders_of(conn, document)})
    told = sum(tell(conn, orders.get_order(conn, name), at_us=now_us) for name in found)
    cursors.move(conn, _CURSOR, upto[-1])
    return told


def _orders_of(conn: Connection, document: str) -> list[str]:
    """The order that a document is, or that it announces a part of; none for other documents."""
    itself = conn.execute(select(_order.id).where(_order.id == document)).scalar()
    if itself is not None:
        return [itself]
    named = _order.body.contains(_encode(document).decode(), autoescape=True)
    query = select(_order.id, _order.body).where(_order.status == "open", named)
    return [row.id for row in conn.execute(query) if document in orders.of_body(row.body).asns]
