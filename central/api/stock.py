"""Stock: what is on hand, the movements that made it so, and commands that move it."""

from __future__ import annotations

import hashlib
import uuid
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Annotated

import msgspec
from fastapi import APIRouter, Header, Query, Response
from sqlalchemy import Connection

from central.api.acting import Telling
from central.api.bodies import MoveBody, ReceiveBody
from central.api.pages import Cursor, Number, following, page
from central.api.permits import needs
from central.api.problems import Problem
from central.api.services import Services, json_answer
from central.catalogue import items, tree
from central.catalogue.changes import Told
from central.stock import queries
from central.stock.model import Balance, Movement, Posted, Status
from central.stock.witnesses import of_movement

Limit = Annotated[int, Query(ge=1, le=1000)]
Key = Annotated[
    str | None,
    Header(alias="Idempotency-Key", max_length=255, description="Instead of `id` in the body."),
]
_CURSOR = Cursor(tuple[str, str, str, str])


def router(services: Services) -> APIRouter:
    """Stock's routes."""
    made = APIRouter(tags=["stock"])
    _add_commands(made, services)
    _add_item(made, services)
    _add_inventory(made, services)
    _add_movements(made, services)
    return made


def _add_commands(made: APIRouter, services: Services) -> None:
    async def post(movement: Movement) -> Response:
        posted = await services.posting.do(movement)
        return json_answer(_posted(posted), 200 if posted.repeated else 201)

    @made.post(
        "/stock/receive",
        status_code=201,
        summary="Receive goods",
        openapi_extra=needs("write:stock", "own"),
    )
    async def receive(body: ReceiveBody, told: Telling, key: Key = None) -> Response:
        """From the supplier into a location. A repeat of a known id answers 200 with the
        first result; the same id with other content is refused with 409.
        """
        return await post(_movement(body, key, told, source=body.source, destination=body.location))

    @made.post(
        "/stock/move",
        status_code=201,
        summary="Move goods",
        openapi_extra=needs("write:stock", "own"),
    )
    @made.post(
        "/api/inventory/move",
        status_code=201,
        summary="Move goods (alias)",
        openapi_extra=needs("write:stock", "own"),
    )
    async def move(body: MoveBody, told: Telling, key: Key = None) -> Response:
        """From one location to another. An internal location never goes negative: what is
        not there cannot be moved, and is refused with 409.
        """
        ends = {"source": body.source, "destination": body.destination}
        return await post(_movement(body, key, told, **ends))


def _movement(
    body: ReceiveBody | MoveBody, key: str | None, told: Told, *, source: str, destination: str
) -> Movement:
    outward = destination == "customer"
    step = "receiving" if isinstance(body, ReceiveBody) else "shipping" if outward else "storing"
    return Movement(
        id=body.id or command_id(key),
        sku=body.sku,
        lot=body.lot,
        quantity=body.quantity,
        source=source,
        destination=destination,
        biz_step=step,
        disposition="in_transit" if outward else "in_progress",
        event_time=body.event_time or datetime.now(UTC),
        epcs=tuple(body.epcs),
        reason=body.reason,
        reference=body.reference,
        actor=told.by,
        corrects=body.corrects if isinstance(body, MoveBody) else None,
    )


def command_id(key: str | None) -> str:
    """An id from the header; without one, the command is new every time it is sent."""
    if key is None:
        return uuid.uuid4().hex
    if 8 <= len(key) <= 64:
        return key
    return hashlib.sha256(key.encode()).hexdigest()


def _posted(posted: Posted) -> dict[str, object]:
    """A movement on the ledger, flat."""
    return {
        "seq": posted.seq,
        **msgspec.structs.asdict(posted.movement),
        "record_time": posted.record_time,
        "repeated": posted.repeated,
    }


def _add_item(made: APIRouter, services: Services) -> None:
    @made.get("/stock/{sku}", summary="Stock of one item", openapi_extra=needs("read:stock", "own"))
    async def stock(sku: str) -> Response:
        """On hand in all, by location, by status and by lot; `available` of it can be sold.
        Virtual locations are left out.
        """

        def work(connection: Connection) -> dict[str, object]:
            item = items.get_item(connection, sku)
            held = queries.stock_of(connection, sku, virtual=False)
            by_location: Counter[str] = Counter()
            by_status: Counter[str] = Counter()
            for balance in held:
                by_location[balance.location] += balance.on_hand
                by_status[balance.status] += balance.on_hand
            return {
                "sku": sku,
                "name": item.name,
                "unit": item.unit,
                "on_hand": by_status.total(),
                "available": by_status["available"],
                "by_location": by_location,
                "by_status": by_status,
                "balances": held,
            }

        return json_answer(await services.read(work))


def _add_inventory(made: APIRouter, services: Services) -> None:
    async def inventory(
        find: Callable[..., list[Balance]], after: str | None, limit: int
    ) -> Response:
        seen = _CURSOR.read(after)
        found = await services.read(lambda c: find(c, after=seen, limit=limit))
        behind = following(
            found, limit, lambda b: _CURSOR.told((b.sku, b.lot, b.location, b.status))
        )
        return page(found, behind)

    @made.get(
        "/api/inventory", summary="Stock of all items", openapi_extra=needs("read:stock", "own")
    )
    async def everything(
        sku: str | None = None,
        location: str | None = None,
        status: Status | None = None,
        after: str | None = None,
        limit: Limit = 200,
    ) -> Response:
        """By item, lot, location and status; `next` of an answer goes into `after`."""
        find = partial(queries.on_hand, sku=sku, location=location, status=status)
        return await inventory(find, after, limit)

    @made.get(
        "/locations/{code}/inventory",
        summary="Stock of one location",
        openapi_extra=needs("read:stock", "own"),
    )
    @made.get(
        "/api/locations/{code}/inventory",
        summary="Stock of one location (alias)",
        openapi_extra=needs("read:stock", "own"),
    )
    async def at_location(
        code: str,
        subtree: bool = False,
        status: Status | None = None,
        after: str | None = None,
        limit: Limit = 200,
    ) -> Response:
        """By item, lot and status; `subtree=true` takes all places within this one in as well."""
        await services.read(lambda c: tree.get_location(c, code))
        find = partial(queries.on_hand, location=code, status=status, below=subtree)
        return await inventory(find, after, limit)


def _add_movements(made: APIRouter, services: Services) -> None:
    @made.get("/movements", summary="List movements", openapi_extra=needs("read:stock", "own"))
    async def movements(
        sku: str | None = None,
        location: str | None = None,
        origin: str | None = None,
        after: Number = None,
        limit: Limit = 100,
    ) -> Response:
        """Newest first, each with its evidence and the observations that caused it."""
        found = await services.read(
            lambda c: queries.movements(
                c, sku=sku, location=location, origin=origin, before_seq=after, limit=limit
            )
        )
        rows: list[object] = [_posted(posted) for posted in found]
        return page(rows, following(found, limit, lambda posted: posted.seq))

    @made.get(
        "/movements/{movement_id}", summary="One movement", openapi_extra=needs("read:stock", "own")
    )
    async def movement(movement_id: str) -> Response:
        """With its evidence: why it was posted, and what other sensors said of it later."""
        found, seen = await services.read(
            lambda c: (queries.movement_by_id(c, movement_id), of_movement(c, movement_id))
        )
        if found is None:
            raise Problem(404, f"no movement on the ledger has the id {movement_id}")
        return json_answer(_posted(found) | {"witnesses": seen})
