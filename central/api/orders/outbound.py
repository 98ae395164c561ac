"""Outbound orders: take, look up, cancel, ship."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal
from urllib.parse import quote

import msgspec
from fastapi import APIRouter, Response
from sqlalchemy import Connection

from central.api.acting import Telling
from central.api.etags import tagged
from central.api.orders.bodies import BulkBody, CartonBody, OutboundOrderBody, ShipBody
from central.api.pages import Limit, following, page
from central.api.permits import needs
from central.api.problems import shown_as
from central.api.quick import QuickRoute
from central.api.services import Services, json_answer, now_us
from central.api.stock.commands import Key, command_id
from central.database.moments import from_us
from central.orders import cancelling, ordering, packing, shipping, store
from central.orders.model import OPEN, Order
from central.orders.packing import Carton, Numbers
from central.orders.shipping import Shipment, Shipping
from central.orders.watching import look_again
from central.reservations import store as reservations
from central.stock.model import StockError

_READ = needs("read:orders", "own")
_WRITE = needs("write:orders", "own")
_REFUSED = shown_as(404, 409, 422)
State = Literal[
    "open", "all", "new", "allocated", "released", "picking", "packed", "shipped",
    "partly-delivered", "delivered", "cancelled",
]  # fmt: skip


def router(services: Services) -> APIRouter:
    """The routes of outbound orders."""
    made = APIRouter(prefix="/api/orders/outbound", tags=["orders"], route_class=QuickRoute)
    _add_taking(made, services)
    _add_lookups(made, services)
    _add_leaving(made, services)
    return made


def _add_taking(made: APIRouter, services: Services) -> None:
    @made.post(
        "", status_code=201, summary="Take an order", responses=_REFUSED, openapi_extra=_WRITE
    )
    async def take(body: OutboundOrderBody, told: Telling, key: Key = None) -> Response:
        """Stock is set aside for it at once, what expires first or came first; `allocated` says
        that all of it is, `new` that some is on backorder and comes to it by priority and age. Two
        lines may be of one item. A repeat of a known id answers 200 with how the order stands.
        """
        done = await services.ordering.do(body.order(body.id or command_id(key), told.by))
        shown = shown_order(done.order) | {"repeated": done.repeated}
        return json_answer(shown, 200 if done.repeated else 201)

    @made.post(
        "/bulk",
        summary="Take many orders",
        responses=shown_as(422),
        openapi_extra=_WRITE,
    )
    async def take_many(body: BulkBody, told: Telling) -> Response:
        """Up to 1,000, in one transaction and each with its own verdict: `rows` say of each order
        how it stands, or why it was refused. Sending them again does nothing twice.
        """
        orders = [one.order(one.id, told.by) for one in body.orders]
        verdicts = await services.write(lambda c: ordering.take_each(c, orders, at_us=now_us()))
        rows: list[dict[str, object]] = []
        for order, verdict in zip(orders, verdicts, strict=True):
            if isinstance(verdict, StockError):
                why = {"status": verdict.status, "detail": str(verdict)}
                rows.append({"id": order.id, "state": "refused", **why})
            else:
                state = verdict.order.state
                rows.append({"id": order.id, "state": state, "repeated": verdict.repeated})
        return json_answer({"rows": rows})


def _add_lookups(made: APIRouter, services: Services) -> None:
    @made.get("", summary="List outbound orders", responses=shown_as(422), openapi_extra=_READ)
    async def listed(
        state: State = "open",
        customer: str | None = None,
        wave: str | None = None,
        after: str = "",
        limit: Limit = 100,
    ) -> Response:
        """By id. `open`: something of it is still to leave."""
        states = OPEN if state == "open" else () if state == "all" else (state,)
        found = await services.read(
            lambda c: store.page(
                c, states=states, customer=customer, wave=wave, after=after, limit=limit
            )
        )
        rows = [shown_order(one) for one in found]
        return page(rows, following(found, limit, lambda one: one.id))

    @made.get(
        "/{order_id}",
        summary="One outbound order",
        responses=shown_as(404),
        openapi_extra=_READ,
    )
    async def one(order_id: str) -> Response:
        """With what is set aside and missing for each line, its cartons and its shipments, and the
        `ETag` that a change of it asks for.
        """
        return tagged(await services.read(lambda c: whole(c, order_id)))


def _add_leaving(made: APIRouter, services: Services) -> None:
    @made.post(
        "/{order_id}/cancel",
        summary="Cancel an order",
        responses=_REFUSED,
        openapi_extra=_WRITE,
    )
    async def cancel(order_id: str) -> Response:
        """Until something of it has left. What was set aside is free for others; what is picked
        lies where it was brought.
        """
        done = await services.write(lambda c: cancelling.cancel(c, order_id, at_us=now_us()))
        return json_answer(shown_order(done))

    @made.post(
        "/{order_id}/substitute",
        summary="Give other items for what an order waits for",
        responses=_REFUSED,
        openapi_extra=_WRITE,
    )
    async def substitute(order_id: str) -> Response:
        """As far as it allows that and the catalogue names any that are there now. That is done
        when it is taken, and when goods of it are lost; this asks once more.
        """

        def work(connection: Connection) -> dict[str, object]:
            order = store.get(connection, order_id)
            return whole(connection, look_again(connection, order, at_us=now_us()).id)

        return json_answer(await services.write(work))

    @made.post(
        "/{order_id}/cartons",
        status_code=201,
        summary="Pack a carton",
        responses=_REFUSED,
        openapi_extra=_WRITE,
    )
    async def pack(order_id: str, body: CartonBody, key: Key = None) -> Response:
        """Of what is picked. It gets a number of its own (SSCC) from the company prefix of the
        settings. With the last of it the order is `packed`.
        """
        section = services.orders
        numbers = Numbers(company_prefix=section.company_prefix, extension=section.sscc_extension)
        command = body.id or command_id(key)

        def work(connection: Connection) -> tuple[dict[str, object], bool]:
            carton, repeated = packing.pack(
                connection, order_id, command, body.packed(), numbers, now_us()
            )
            return _carton(carton, store.get(connection, order_id)), repeated

        shown, repeated = await services.write(work)
        return json_answer(shown | {"repeated": repeated}, 200 if repeated else 201)

    @made.post(
        "/{order_id}/ship",
        status_code=201,
        summary="Ship what is picked",
        responses=_REFUSED,
        openapi_extra=_WRITE,
    )
    async def ship(order_id: str, body: ShipBody, told: Telling, key: Key = None) -> Response:
        """Posts what is picked and still there as leaving, and settles what was set aside with it.
        What a portal or a scanner saw leave is on the ledger already: it is part of the shipment,
        and not posted again.
        """
        said = Shipping(
            id=body.id or command_id(key),
            order=order_id,
            carrier=body.carrier,
            service=body.service,
            serials=body.serials,
            event_time=body.event_time or datetime.now(UTC),
            by=told.by,
        )
        shipment, repeated = await services.write(lambda c: shipping.ship(c, said, at_us=now_us()))
        return json_answer(_shipment(shipment) | {"repeated": repeated}, 200 if repeated else 201)


def shown_order(order: Order) -> dict[str, object]:
    """An order as clients see it."""
    shown = msgspec.structs.asdict(order)
    for name in ("due", "created", "changed"):
        at_us = shown.pop(f"{name}_us")
        shown[f"{name}_at"] = None if at_us is None else from_us(at_us)
    return shown


def whole(connection: Connection, name: str) -> dict[str, object]:
    """An order with all that became of it. Raises ``NoSuchOrder``, ``OutOfReach``."""
    order = store.get(connection, name)
    held = {one.line: one for one in reservations.of_order(connection, name)}
    lines = [
        msgspec.structs.asdict(line)
        | {
            "reserved": held[line.line].held if line.line in held else 0,
            "missing": held[line.line].missing if line.line in held else 0,
        }
        for line in order.lines
    ]
    return shown_order(order) | {
        "lines": lines,
        "cartons": [_carton(one, order) for one in packing.cartons_of(connection, name)],
        "shipments": [_shipment(one) for one in shipping.shipments_of(connection, name)],
    }


def _carton(carton: Carton, order: Order) -> dict[str, object]:
    """A carton, with what its contents are, and where its label is."""
    contents = []
    for one in carton.contents:
        line = order.line(one.line)
        more = {"sku": line.sku, "substituted_for": order.stands_in_for(line)}
        contents.append(msgspec.structs.asdict(one) | more)
    path = f"/api/orders/outbound/{quote(carton.order_id, safe='')}/cartons/{carton.sscc}/label"
    return msgspec.structs.asdict(carton) | {"contents": contents, "label": path}


def _shipment(shipment: Shipment) -> dict[str, object]:
    shown = msgspec.structs.asdict(shipment)
    for name in ("shipped", "changed"):
        shown[f"{name}_at"] = from_us(shown.pop(f"{name}_us"))
    return shown
