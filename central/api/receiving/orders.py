"""Inbound orders: make, look up, announce parts of, close, cancel."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Query, Response
from sqlalchemy import Connection

from central.api import documents
from central.api.acting import Telling
from central.api.bodies import Said
from central.api.etags import tagged
from central.api.pages import Limit, following, page
from central.api.permits import needs
from central.api.problems import shown_as
from central.api.receiving.bodies import AsnBody, CloseBody, InboundOrderBody
from central.api.services import Services, json_answer
from central.api.stock.commands import Key, command_id
from central.catalogue.items import MICROS
from central.database.moments import from_us
from central.receiving import closing, orders, sessions
from central.receiving.model import Order, state

Text = Annotated[Said | None, Query(max_length=200)]


def router(services: Services) -> APIRouter:
    """The routes of inbound orders."""
    made = APIRouter(prefix="/api/orders/inbound", tags=["receiving"])
    _add_lookups(made, services)
    _add_creation(made, services)
    _add_ends(made, services)
    return made


def _add_lookups(made: APIRouter, services: Services) -> None:
    @made.get(
        "",
        summary="List inbound orders",
        responses=shown_as(422),
        openapi_extra=needs("read:orders", places="own"),
    )
    async def listed(
        status: Literal["open", "closed", "cancelled", "all"] = "open",
        supplier: Text = None,
        reference: Text = None,
        after: Annotated[Said, Query(max_length=64)] = "",
        limit: Limit = 100,
    ) -> Response:
        """By id, each with how it stands."""

        def work(connection: Connection) -> tuple[list[dict[str, Any]], str | None]:
            found = orders.list_orders(
                connection, status=None if status == "all" else status, supplier=supplier,
                reference=reference, after=after, limit=limit,
            )  # fmt: skip
            rows = [shown(connection, order) for order in found]
            return rows, following(found, limit, lambda order: order.id)

        return page(*await services.read(work))

    @made.get(
        "/{order_id}",
        summary="One inbound order",
        responses=shown_as(404),
        openapi_extra=needs("read:orders", places="own"),
    )
    async def one(order_id: str) -> Response:
        """Its lines with what sensors and people took in of each, its sessions and notices, what
        was set aside, and once it is closed, how it differed. Its `ETag` is what a change of it
        asks for.
        """
        return tagged(await services.read(lambda c: whole(c, order_id)))


def _add_creation(made: APIRouter, services: Services) -> None:
    @made.post(
        "",
        status_code=201,
        summary="Order goods",
        responses=shown_as(404, 409, 422),
        openapi_extra=needs("write:orders", places="own"),
    )
    async def add(body: InboundOrderBody, told: Telling, key: Key = None) -> Response:
        """From the next observation on portals and scanners tick its lines off. Nothing is
        received by it. A repeat answers 200; the same id with other content is refused with 409.
        """
        wanted = body.order(None if key is None else command_id(key))

        def work(connection: Connection) -> tuple[dict[str, Any], bool]:
            order, known = orders.add_order(connection, wanted, told)
            return shown(connection, order), known

        answer, known = await services.write(work)
        return json_answer(answer, 200 if known else 201)

    @made.post(
        "/{order_id}/asns",
        status_code=201,
        summary="Announce a part of an order",
        responses=shown_as(404, 409, 422),
        openapi_extra=needs("write:orders", places="own"),
    )
    async def announce(order_id: str, body: AsnBody, told: Telling) -> Response:
        """An advance shipping notice: which of it is on its way, on which pallets, with which
        tags. The order itself expects that much less; the line's count is of both together.
        """

        def work(connection: Connection) -> tuple[object, bool]:
            asn = orders.Asn(
                id=body.id,
                lines=documents.lines_of(connection, body.lines, numbered=False),
                units=documents.units_of(connection, body.units),
                read_point=body.read_point,
            )
            return orders.add_asn(connection, order_id, asn, told)

        document, known = await services.write(work)
        return json_answer(document, 200 if known else 201)


def _add_ends(made: APIRouter, services: Services) -> None:
    @made.post(
        "/{order_id}/close",
        summary="Expect nothing more of an order",
        responses=shown_as(404, 409, 422),
        openapi_extra=needs("write:orders", places="own"),
    )
    async def close(order_id: str, body: CloseBody, told: Telling) -> Response:
        """Its sessions end. Every line that is short or over, damaged goods and what was set
        aside need a reason, which is kept. Closing again changes nothing.
        """
        reasons: dict[str, str] = {**body.reasons, "": body.reason or ""}

        def work(connection: Connection) -> dict[str, Any]:
            order, found = closing.close(connection, order_id, reasons, told)
            return shown(connection, order) | {"discrepancies": found}

        return json_answer(await services.write(work))

    @made.post(
        "/{order_id}/cancel",
        summary="Cancel an order of which nothing came",
        responses=shown_as(404, 409),
        openapi_extra=needs("write:orders", places="own"),
    )
    async def cancel(order_id: str, told: Telling) -> Response:
        """Refused with 409 once something was received. Cancelling again changes nothing."""
        order = await services.write(lambda c: shown(c, orders.cancel(c, order_id, told)))
        return json_answer(order)


def whole(connection: Connection, name: str) -> dict[str, Any]:
    """An order of goods from a supplier with all that became of it. Raises ``NotFound``,
    ``OutOfReach``.
    """
    order = orders.get_purchase(connection, name)
    return shown(connection, order) | {
        "sessions": sessions.list_sessions(connection, name),
        "aside": [one._asdict() for one in orders.aside_of(connection, name)],
        "discrepancies": closing.discrepancies_of(connection, name),
    }


def shown(connection: Connection, order: Order) -> dict[str, Any]:
    """An order as clients see it."""
    counts = orders.counts_of(connection, order)
    statuses = orders.sessions_of(connection, order.id)
    lines = []
    for line in order.lines:
        count = counts[line.line]
        price = line.price_micros
        lines.append(
            {
                "line": line.line,
                "sku": line.sku,
                "lot": line.lot,
                "quantity": line.quantity,
                "unit_price": None if price is None else price / MICROS,
                "received": count.received,
                "received_value": None if price is None else price * count.received / MICROS,
                **count._asdict(),
            }
        )
    return msgspec.structs.asdict(order) | {
        "state": state(order, counts, sessions=statuses),
        "expected_date": None if order.expected_us is None else from_us(order.expected_us),
        "lines": lines,
    }
