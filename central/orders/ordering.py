"""Taking orders: stock is set aside for each as it comes.

Many orders are taken in one transaction, each with its own verdict; what is not there is on
backorder, and comes to them by priority and age (``central.reservations.settling``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

import msgspec
from sqlalchemy import Connection

from central.access import reach
from central.database.bulk import BulkLookup
from central.events import log as events
from central.orders import store, substituting
from central.orders.claiming import claim_id, claim_of
from central.orders.model import Order, OrderError
from central.reservations import store as reservations
from central.reservations.reserving import Reserved, Wish, reserve_each
from central.stock.model import (
    ConflictingRepeat,
    OutOfReach,
    StockError,
    UnknownItem,
    UnknownLocation,
)

__all__ = ["Taken", "check_each", "claim_id", "take_each", "told_of"]

MOST_LINES = 1_000
_ITEMS = BulkLookup(
    "SELECT i.sku FROM {keys} JOIN item i ON i.sku = k.sku WHERE NOT i.family", (("sku", "text"),)
)
_PLACES = BulkLookup(
    "SELECT l.code FROM {keys} JOIN location l ON l.code = k.code WHERE l.kind = 'internal'",
    (("code", "text"),),
)


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """An order that stands. ``repeated``: it stood before."""

    order: Order
    repeated: bool = False


def take_each(conn: Connection, orders: Sequence[Order], *, at_us: int) -> list[Taken | StockError]:
    """Take what can be, in order, and set stock aside for it; for each order how it stands, or
    why it was refused.
    """
    known = _Known(conn, orders)
    there = store.find(conn, (one.id for one in orders))
    told: list[Taken | StockError] = []
    fresh: dict[str, Order] = {}
    for one in orders:
        before = there.get(one.id)
        if before is None:
            refusal = known.refusal(one)
            if refusal is not None:
                told.append(refusal)
                continue
            there[one.id] = fresh[one.id] = msgspec.structs.replace(
                one, created_us=at_us, changed_us=at_us
            )
            told.append(Taken(order=one))
        elif before.asked() == one.asked():
            told.append(Taken(order=before, repeated=True))
        else:
            told.append(ConflictingRepeat(
                f"order {one.id} was taken before with other content: use another id"
            ))  # fmt: skip
    there |= _kept(conn, list(fresh.values()), at_us)
    return [
        Taken(order=there[one.order.id], repeated=one.repeated) if isinstance(one, Taken) else one
        for one in told
    ]


def check_each(conn: Connection, orders: Sequence[Order]) -> list[StockError]:
    """Why some orders could not be taken, each for the first reason that there is."""
    known = _Known(conn, orders)
    return [refusal for one in orders if (refusal := known.refusal(one)) is not None]


def told_of(order: Order, held: Mapping[str, int] | None = None) -> dict[str, object]:
    """An order as events tell of it: nothing of the customer but the name. ``held`` are units that
    were set aside for its lines when it came.
    """
    return {
        "id": order.id,
        "customer": order.customer,
        "reference": order.reference,
        "location": order.warehouse,
        "priority": order.priority,
        "due_us": order.due_us,
        "state": order.state,
        "wave": order.wave,
        "lines": [
            {
                "line": one.line,
                "sku": one.sku,
                "lot": one.lot,
                "quantity": one.quantity,
                "substituted": one.substituted,
                "substituted_for": one.substituted_for,
                **({} if held is None else {"reserved": held.get(one.line, 0)}),
            }
            for one in order.lines
        ],
    }


def _kept(conn: Connection, taken: Sequence[Order], at_us: int) -> dict[str, Order]:
    """New orders with what could be set aside for them: in order, those together for which nothing
    but what they ask for is given.
    """
    fresh: list[Order] = []
    missing: set[str] = set()
    held: dict[str, dict[str, int]] = {}
    substituted: list[events.Happening] = []
    for careful, some in groupby(taken, key=_may_substitute):
        for one in some if careful else ():
            made, lacks = substituting.reserve_lines(conn, one, at_us=at_us)
            fresh.append(made)
            substituted += substituting.told_of(made, made.lines)
            missing.update([made.id] if lacks else [])
            held[made.id] = {
                claim.line: claim.held for claim in reservations.of_order(conn, made.id)
            }
        if not careful:
            together = list(some)
            fresh += together
            missing |= _reserved(conn, together, held, at_us)
    kept = [
        one if one.id in missing else msgspec.structs.replace(one, state="allocated")
        for one in fresh
    ]
    store.insert(conn, kept)
    told = [
        events.Happening("OrderCreated", one.id, told_of(one, held.get(one.id, {}))) for one in kept
    ]
    told += substituted
    told += [
        events.Happening("OrderReserved", one.id, told_of(one))
        for one in kept
        if one.state == "allocated"
    ]
    events.record_each(conn, told, at_us=at_us)
    return {one.id: one for one in kept}


def _reserved(
    conn: Connection, orders: Sequence[Order], held: dict[str, dict[str, int]], at_us: int
) -> set[str]:
    """Set stock aside for some orders (``held``, by order and line); those that miss some."""
    wishes = [Wish(claim_of(one, line), backorder=True) for one in orders for line in one.lines]
    missing = set[str]()
    for wish, result in zip(wishes, reserve_each(conn, wishes, at_us=at_us), strict=True):
        order = wish.claim.order_id
        if isinstance(result, Reserved):
            made = result.reservation
            held.setdefault(order, {})[made.line] = made.held
        if not isinstance(result, Reserved) or made.missing:
            missing.add(order)
    return missing


def _may_substitute(order: Order) -> bool:
    return any(order.may_substitute(line) for line in order.lines)


class _Known:
    """What of the catalogue and the places some orders name there is."""

    def __init__(self, conn: Connection, orders: Sequence[Order]) -> None:
        skus = dict.fromkeys(line.sku for one in orders for line in one.lines)
        codes = dict.fromkeys(code for one in orders for code in (one.warehouse, one.ship_from))
        self._skus = {row[0] for row in _ITEMS.run(conn, [(sku,) for sku in skus])}
        self._codes = {row[0] for row in _PLACES.run(conn, [(code,) for code in codes])}
        self._beyond: dict[str, OutOfReach] = {}
        for code in codes:
            try:
                reach.check(conn, [code])
            except OutOfReach as error:
                self._beyond[code] = error

    def refusal(self, order: Order) -> StockError | None:
        """Why an order cannot be taken."""
        for code in (order.warehouse, order.ship_from):
            if code not in self._codes:
                return UnknownLocation(f"there is no place {code}: add it first")
            if code in self._beyond:
                return self._beyond[code]
        names = [line.line for line in order.lines]
        if not names or len(set(names)) != len(names) or len(names) > MOST_LINES:
            return OrderError(f"an order has 1 to {MOST_LINES} lines, each with a name of its own")
        for line in order.lines:
            if line.sku not in self._skus:
                return UnknownItem(
                    f"there is no item {line.sku} that has stock: add it to the catalogue first"
                )
        return None
