"""Orders that are changed before they leave, and before they have come."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Body, Response
from sqlalchemy import Connection

from central.api.acting import Telling
from central.api.bodies import merged, read_again
from central.api.etags import IfMatch, check, tagged
from central.api.orders import bodies as leaving
from central.api.orders.outbound import whole as shown_leaving
from central.api.permits import needs
from central.api.problems import Problem, shown_as
from central.api.receiving import bodies as coming
from central.api.receiving.orders import whole as shown_coming
from central.api.services import Services
from central.catalogue.changes import Told
from central.orders import changing as changing_leaving
from central.orders import store
from central.receiving import changing as changing_coming
from central.receiving import orders

_WRITE = needs("write:orders", "own")
_REFUSED = shown_as(404, 409, 412, 422, 428)
Patch = dict[str, object]
_PATCHES: dict[str, object] = {
    "later": {"value": {"due_at": "2030-02-03T16:00:00Z"}},
    "other lines": {"value": {"lines": [{"line": "1", "sku": "ABC-12345", "quantity": 120}]}},
}
_OF_SUPPLIERS: dict[str, object] = {
    "later": {"value": {"expected_date": "2030-02-03T08:00:00Z"}},
    "other lines": {"value": {"lines": [{"line": "1", "sku": "ABC-12345", "quantity": 120}]}},
}


def router(services: Services) -> APIRouter:
    """The routes that change orders of both ways."""
    made = APIRouter(prefix="/api/orders")
    _add_leaving(made, services)
    _add_coming(made, services)
    return made


def _add_leaving(made: APIRouter, services: Services) -> None:
    async def change(
        name: str, said: leaving.OutboundOrderBody | Patch, if_match: str | None, told: Told
    ) -> Response:
        def work(connection: Connection) -> dict[str, object]:
            there = store.get(connection, name)
            shown = shown_leaving(connection, name)
            if isinstance(said, leaving.OutboundOrderBody):
                body = said
            else:
                body = read_again(leaving.OutboundOrderBody, merged(leaving.asked_of(there), said))
            _check_name(name, body.id)
            wanted = body.order(name, there.actor)
            # Once more the same is no change, whatever became of it meanwhile.
            if wanted.asked() == there.asked():
                return shown
            check(if_match, shown)
            changing_leaving.change_order(connection, wanted, told)
            return shown_leaving(connection, name)

        return tagged(await services.write(work))

    @made.put(
        "/outbound/{order_id}",
        tags=["orders"],
        summary="Change an order",
        responses=_REFUSED,
        openapi_extra=_WRITE,
    )
    async def put(
        order_id: str, body: leaving.OutboundOrderBody, told: Telling, if_match: IfMatch = None
    ) -> Response:
        """As a whole, until all of it has left: lines by their names, those that are left out are
        dropped. What is set aside, backorders, picks and what judging expects follow at once. What
        was picked, packed or has left stays: a line cannot become less, nor of another item. An
        order that leaves as a whole and is being picked gets no more than is there. `If-Match` says
        which state was seen.
        """
        return await change(order_id, body, if_match, told)

    @made.patch(
        "/outbound/{order_id}",
        tags=["orders"],
        summary="Change a part of an order",
        responses=_REFUSED,
        openapi_extra=_WRITE,
    )
    async def patch(
        order_id: str,
        body: Annotated[Patch, Body(openapi_examples=_PATCHES)],
        told: Telling,
        if_match: IfMatch = None,
    ) -> Response:
        """A merge patch (RFC 7396): what is not named stays, `ship_to` is merged field by field,
        `lines` are replaced together. Else as `PUT`.
        """
        return await change(order_id, body, if_match, told)


def _add_coming(made: APIRouter, services: Services) -> None:
    async def change(
        name: str, said: coming.InboundOrderBody | Patch, if_match: str | None, told: Told
    ) -> Response:
        def work(connection: Connection) -> dict[str, object]:
            there = orders.get_purchase(connection, name)
            shown = shown_coming(connection, name)
            if isinstance(said, coming.InboundOrderBody):
                body = said
            else:
                body = read_again(coming.InboundOrderBody, merged(coming.asked_of(there), said))
            _check_name(name, body.id)
            wanted = msgspec.structs.replace(body.order(None), id=name)
            if orders.content(wanted) == orders.content(there):
                return shown
            check(if_match, shown)
            changing_coming.change_order(connection, wanted, told)
            return shown_coming(connection, name)

        return tagged(await services.write(work))

    @made.put(
        "/inbound/{order_id}",
        tags=["receiving"],
        summary="Change an order of goods that come",
        responses=_REFUSED,
        openapi_extra=_WRITE,
    )
    async def put(
        order_id: str, body: coming.InboundOrderBody, told: Telling, if_match: IfMatch = None
    ) -> Response:
        """As a whole, while it is open: lines by their names, those that are left out are dropped.
        Portals and scanners tick the lines off as they are from then on. What came or was announced
        stays: a line cannot become less, nor of another item or lot. `If-Match` says which state
        was seen.
        """
        return await change(order_id, body, if_match, told)

    @made.patch(
        "/inbound/{order_id}",
        tags=["receiving"],
        summary="Change a part of an order of goods that come",
        responses=_REFUSED,
        openapi_extra=_WRITE,
    )
    async def patch(
        order_id: str,
        body: Annotated[Patch, Body(openapi_examples=_OF_SUPPLIERS)],
        told: Telling,
        if_match: IfMatch = None,
    ) -> Response:
        """A merge patch (RFC 7396): what is not named stays, `lines` are replaced together. Else as
        `PUT`.
        """
        return await change(order_id, body, if_match, told)


def _check_name(name: str, said: str | None) -> None:
    if said not in {None, name}:
        raise Problem(422, f"the order is called {name}, and the body names {said}: an order keeps "
                           "its id")  # fmt: skip
