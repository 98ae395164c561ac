"""Everything a phone needs to work without a network: tasks as they stand, and the catalogue.

Tasks change with every scan and are few; items, barcodes and places change seldom and are many:
two answers, so that the second is sent only when it is another one. Rows are lists, not objects:
100,000 barcodes are 3 MB so, and thrice that with names.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Select, func, select

from central import schema
from central.access import reach
from central.catalogue.packs import NO_PACK
from central.counts import tasks as counts
from central.counts.model import State
from central.counts.model import Task as CountTask
from central.orders import picking
from central.receiving import orders as inbound
from central.receiving.model import Order
from central.stock import queries
from central.stock.model import LocationKind, OutOfReach

__all__ = ["MOST_ITEMS", "MOST_PLACES", "MOST_TASKS", "catalogue", "counting", "lying", "receiving",
           "walks"]  # fmt: skip

MOST_TASKS = 200
MOST_ITEMS = 50_000
MOST_PLACES = 50_000
_MOST_LYING = 500
_MOST_ORDERS = 5_000
_item, _pack, _place = schema.item.c, schema.pack.c, schema.location.c
_pick, _task = schema.pick.c, schema.pick_task.c


# ---- tasks -------------------------------------------------------------------------------
def receiving(conn: Connection) -> list[dict[str, Any]]:
    """Open inbound orders, those that are due first, ``MOST_TASKS`` at most: each line with what
    came of it.
    """
    found = inbound.list_orders(conn, status="open", limit=_MOST_ORDERS)
    found.sort(key=lambda one: (one.expected_us or 2**62, one.id))
    return [_order(conn, one) for one in found[:MOST_TASKS]]


def _order(conn: Connection, order: Order) -> dict[str, Any]:
    counts_ = inbound.counts_of(conn, order)
    return {
        "id": order.id,
        "reference": order.reference,
        "supplier": order.supplier,
        "location": order.location,
        "expected_us": order.expected_us,
        "over_percent": order.over_percent,
        "lines": [
            {
                "line": one.line,
                "sku": one.sku,
                "lot": one.lot,
                "quantity": one.quantity,
                "received": counts_[one.line].received,
                "confirmed": counts_[one.line].confirmed + counts_[one.line].posted,
            }
            for one in order.lines
        ],
        "aside": [one._asdict() for one in inbound.aside_of(conn, order.id)],
    }


def walks(conn: Connection) -> list[dict[str, Any]]:
    """Picking tasks with something left to bring, oldest first: the picks in walking order."""
    left = select(_pick.task).where(_pick.state == "open").distinct()
    query = select(_task.id).where(_task.id.in_(left)).order_by(_task.created_us, _task.id)
    found = []
    for name in conn.execute(query.limit(MOST_TASKS)).scalars().all():
        try:
            task = picking.get(conn, name)
        except OutOfReach:
            continue
        found.append(
            {
                "id": task.id,
                "assigned_to": task.assigned_to,
                "picks": [_shown(one) for one in task.picks],
            }
        )
    return found


def _shown(pick: picking.Pick) -> dict[str, Any]:
    names = ("id", "order_id", "line", "sku", "lot", "location", "quantity", "picked", "state",
             "reason", "substituted_for")  # fmt: skip
    return {name: getattr(pick, name) for name in names}


def counting(conn: Connection) -> list[dict[str, Any]]:
    """Counts that were asked for or have begun; of a blind one nothing of what is expected."""
    found: list[CountTask] = []
    for state in (State.COUNTING, State.REQUESTED):
        found += counts.list_tasks(conn, state=state, limit=MOST_TASKS)
    return [
        {
            "id": one.id,
            "location": one.location,
            "below": one.below,
            "skus": one.skus,
            "blind": one.blind,
            "state": one.state,
            "round": one.round,
            "entries": [
                {"id": entry.id, "sku": entry.key.sku, "lot": entry.key.lot,
                 "location": entry.key.location, "quantity": entry.quantity, "by": entry.by}
                for entry in counts.entries_of(conn, one.id) if entry.round == one.round
            ],
        }
        for one in found[:MOST_TASKS]
    ]  # fmt: skip


def lying(conn: Connection, places: Iterable[str]) -> list[dict[str, Any]]:
    """What lies at these places and at docks, to be put away."""
    docks = select(_place.code).where(_place.type == "dock", _place.status == "active")
    if (granted := reach.within(_place.code)) is not None:
        docks = docks.where(granted)
    wanted = dict.fromkeys([*places, *conn.execute(docks.limit(MOST_TASKS)).scalars()])
    found: list[dict[str, Any]] = []
    for code in wanted:
        found += [
            {"sku": one.sku, "lot": one.lot, "location": one.location, "quantity": one.on_hand}
            for one in queries.on_hand(conn, location=code, status="available", limit=_MOST_LYING)
        ]
    return found[:_MOST_LYING]


# ---- the catalogue -------------------------------------------------------------------------
def catalogue(conn: Connection, wanted: Sequence[str] = ()) -> dict[str, Any]:
    """Items that are not retired, their barcodes, and places within reach. Where there are more
    than a phone should carry, ``whole`` says so, and ``wanted`` SKUs come first.
    """
    found = _items(conn, wanted)
    items = found[:MOST_ITEMS]
    number = {row[0]: at for at, row in enumerate(items)}
    packs = [[gtin, number[sku], units] for gtin, sku, units in _packs(conn) if sku in number]
    places = _places(conn)
    return {
        "items": items,
        "packs": packs,
        "places": places[:MOST_PLACES],
        "whole": {"items": len(found) <= MOST_ITEMS, "places": len(places) <= MOST_PLACES},
    }


def _items(conn: Connection, wanted: Sequence[str]) -> list[list[str]]:
    """``[sku, name, unit, tracking]`` of each; one more than is sent, to know whether all are."""
    columns = (_item.sku, _item.name, _item.unit, _item.tracking)
    sold = select(*columns).where(_item.status == "active", _item.family.is_(False))
    first = [list(row) for row in conn.execute(sold.where(_item.sku.in_(wanted)))] if wanted else []
    known = {row[0] for row in first}
    rest = conn.execute(sold.order_by(_item.sku).limit(MOST_ITEMS + 1))
    return first + [list(row) for row in rest if row[0] not in known]


def _packs(conn: Connection) -> list[tuple[str, str, int]]:
    newest = select(func.max(_pack.id)).group_by(_pack.gtin)
    query = select(_pack.gtin, _pack.sku, _pack.quantity).where(
        _pack.id.in_(newest), _pack.quantity != NO_PACK
    )
    rows = conn.execute(query.order_by(_pack.gtin).limit(2 * MOST_ITEMS))
    return [(row.gtin, row.sku, row.quantity) for row in rows]


def _places(conn: Connection) -> list[list[str | None]]:
    """``[code, name, parent, type]`` of each place that goods may lie in."""
    query: Select[Any] = select(_place.code, _place.name, _place.parent, _place.type).where(
        _place.kind == LocationKind.INTERNAL.value, _place.status == "active"
    )
    if (granted := reach.within(_place.code)) is not None:
        query = query.where(granted)
    return [list(row) for row in conn.execute(query.order_by(_place.code).limit(MOST_PLACES + 1))]
