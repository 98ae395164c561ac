"""Reservations: set stock aside, hold it longer, give it back, let it leave."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Response
from pydantic import AwareDatetime, ConfigDict, Field
from sqlalchemy import Connection

from central.api.acting import Telling
from central.api.bodies import Body, Code, CommandId, Quantity, Said, Sku
from central.api.pages import Limit, following, page
from central.api.permits import needs
from central.api.problems import shown_as
from central.api.quick import QuickRoute
from central.api.services import Services, json_answer, now_us
from central.api.stock.commands import Key, command_id
from central.database.moments import from_us, to_us
from central.orders.watching import OrderWatcher
from central.reservations import ending, promising, store, substituting
from central.reservations.holdings import parts_of
from central.reservations.model import Part, Reservation
from central.reservations.reserving import Wish
from central.reservations.settling import settle
from central.reservations.shipping import Leaving, ship

_READ = needs("read:orders", "own")
_WRITE = needs("write:orders", "own")
_RENAMED = {"within", "order_id", "created_us", "changed_us", "expires_us"}
_PLAIN = [name for name in Reservation.__struct_fields__ if name not in _RENAMED]
"""What is told of a reservation by its own name and as it is."""
Status = Literal["open", "fulfilled", "released", "expired", "all"]


class ReserveBody(Body):
    """Stock that is to be set aside."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "id": "basket-8f14e45f",
                    "sku": "ABC-12345",
                    "quantity": 2,
                    "location": "WH-01",
                    "expires_at": "2030-01-31T12:15:00Z",
                    "reference": "basket 8f14e45f",
                }
            ]
        },
    )

    id: CommandId | None = None
    sku: Sku
    quantity: Quantity
    lot: Annotated[Said, Field(max_length=64, description="Empty: of any lot.")] = ""
    location: Annotated[
        Code | None, Field(description="Only what lies in it or within it; left out: anywhere.")
    ] = None
    expires_at: AwareDatetime | None = None
    backorder: Annotated[bool, Field(description="Take what there is, and wait for the rest.")] = (
        False
    )
    substitution: Annotated[
        Literal["none", "allowed"],
        Field(description="Whether other items may be set aside for what lacks."),
    ] = "none"
    priority: Annotated[int, Field(ge=0, le=9, description="9 is served first.")] = 0
    reference: Annotated[Said, Field(max_length=100)] = ""


class ExtendBody(Body):
    """Until when it is held; left out: for ever."""

    expires_at: AwareDatetime | None = None


class FulfilBody(Body):
    """What leaves of it; left out: all that it holds."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={"examples": [{"id": "handed-out-17", "quantity": 2}]},
    )

    id: CommandId | None = None
    quantity: Quantity | None = None
    destination: Code = "customer"
    event_time: AwareDatetime | None = None


def router(services: Services) -> APIRouter:
    """Routes of reservations."""
    made = APIRouter(tags=["reservations"], route_class=QuickRoute)
    _add_lookups(made, services)
    _add_reserving(made, services)
    _add_endings(made, services)
    return made


def _add_lookups(made: APIRouter, services: Services) -> None:
    @made.get(
        "/stock/{sku}/available",
        summary="What of an item can be promised",
        responses=shown_as(404, 422),
        openapi_extra=needs("read:stock", "own"),
    )
    async def available(sku: str) -> Response:
        """On hand, reserved, and available (the difference), by lot and place; and how many units
        orders and reservations wait for: in the places that you were granted.
        """
        return json_answer(await services.read(lambda c: promising.available(c, sku)))

    @made.get(
        "/reservations",
        summary="List reservations",
        responses=shown_as(422),
        openapi_extra=_READ,
    )
    async def listed(  # noqa: PLR0917 (a listing's questions)
        status: Status = "open",
        sku: str | None = None,
        order: str | None = None,
        backordered: bool | None = None,
        after: str = "",
        limit: Limit = 100,
    ) -> Response:
        """By id. `backordered=true` lists those that wait for units."""

        def work(connection: Connection) -> list[Reservation]:
            return store.page(
                connection,
                sku=sku,
                order=order,
                status=None if status == "all" else status,
                missing=backordered,
                after=after,
                limit=limit,
            )

        found = await services.read(work)
        return page([_shown(one) for one in found], following(found, limit, lambda one: one.id))

    @made.get(
        "/reservations/{reservation_id}",
        summary="One reservation",
        responses=shown_as(404),
        openapi_extra=_READ,
    )
    async def one(reservation_id: str) -> Response:
        """With the places where it holds what it holds."""

        def work(connection: Connection) -> dict[str, object]:
            return _with_parts(connection, store.get(connection, reservation_id))

        return json_answer(await services.read(work))


def _add_reserving(made: APIRouter, services: Services) -> None:
    @made.post(
        "/reservations",
        status_code=201,
        summary="Reserve stock",
        responses=shown_as(404, 409, 422),
        openapi_extra=_WRITE,
    )
    async def reserve(body: ReserveBody, told: Telling, key: Key = None) -> Response:
        """Sets stock aside: what expires first or came first, wherever it lies. All of it, or 409
        that says how many are available; with `backorder` what there is, and the rest as soon as
        it comes. Nothing is promised twice, however many ask at a time. A repeat of a known id
        answers 200 with how the reservation stands.
        """
        claim = Reservation(
            id=body.id or command_id(key),
            sku=body.sku,
            quantity=body.quantity,
            lot=body.lot,
            within=body.location or "",
            expires_us=None if body.expires_at is None else to_us(body.expires_at),
            priority=body.priority,
            reference=body.reference,
            actor=told.by,
        )
        wish = Wish(claim, body.backorder)
        others: list[dict[str, object]] = []
        if body.substitution == "allowed":
            done, standing_in = await services.write(
                lambda c: substituting.reserve(c, wish, at_us=now_us())
            )
            others = [_shown(one, parts) for one, parts in standing_in]
        else:
            done = await services.reserving.do(wish)
        shown = _shown(done.reservation, done.parts) | {"repeated": done.repeated}
        return json_answer(shown | {"substitutes": others}, 200 if done.repeated else 201)


def _add_endings(made: APIRouter, services: Services) -> None:
    refused = shown_as(404, 409, 422)

    @made.post(
        "/reservations/{reservation_id}/release",
        summary="Give back what a reservation holds",
        responses=refused,
        openapi_extra=_WRITE,
    )
    async def release(reservation_id: str) -> Response:
        """For others, at once. Of one that ended before nothing changes."""

        def work(connection: Connection) -> dict[str, object]:
            before = store.get(connection, reservation_id)
            others = store.standing_in(connection, before.id)
            names = [before.id, *(one.id for one in others)]
            ended = ending.release(connection, names, at_us=now_us())
            after = next(one for one in ended if one.id == before.id)
            skus = [before.sku, *(one.sku for one in others)]
            given = settle(connection, skus, at_us=now_us())
            OrderWatcher().settled(connection, given, now_us())
            return _with_parts(connection, after)

        return json_answer(await services.write(work))

    @made.post(
        "/reservations/{reservation_id}/extend",
        summary="Hold a reservation longer",
        responses=refused,
        openapi_extra=_WRITE,
    )
    async def extend(reservation_id: str, body: ExtendBody) -> Response:
        """Until `expires_at`, or for ever without it. One that ran out is not brought back."""
        until_us = None if body.expires_at is None else to_us(body.expires_at)

        def work(connection: Connection) -> dict[str, object]:
            after = ending.extend(connection, reservation_id, until_us, at_us=now_us())
            for one in store.standing_in(connection, reservation_id):
                if one.status == "open":
                    ending.extend(connection, one.id, until_us, at_us=now_us())
            return _with_parts(connection, after)

        return json_answer(await services.write(work))

    @made.post(
        "/reservations/{reservation_id}/fulfil",
        status_code=201,
        summary="Let reserved goods leave",
        responses=refused,
        openapi_extra=_WRITE,
    )
    async def fulfil(
        reservation_id: str, body: FulfilBody, told: Telling, key: Key = None
    ) -> Response:
        """Posts the movements from where they are held, and settles the reservation with them."""
        leaving = Leaving(
            id=body.id or command_id(key),
            reservation=reservation_id,
            quantity=body.quantity,
            destination=body.destination,
            event_time=body.event_time or datetime.now(UTC),
            actor=told.by,
        )

        def work(connection: Connection) -> tuple[dict[str, object], bool]:
            done = ship(connection, leaving, at_us=now_us())
            shown = _with_parts(connection, done.reservation)
            return shown | {"repeated": done.repeated}, done.repeated

        shown, repeated = await services.write(work)
        return json_answer(shown, 200 if repeated else 201)


def _with_parts(connection: Connection, found: Reservation) -> dict[str, object]:
    return _shown(found, parts_of(connection, [found.id]).get(found.id, ()))


def _shown(found: Reservation, parts: Sequence[Part] | None = None) -> dict[str, object]:
    """A reservation as clients see it."""
    shown: dict[str, object] = {name: getattr(found, name) for name in _PLAIN}
    shown["location"] = found.within
    shown["order"] = found.order_id
    shown["created_at"] = from_us(found.created_us)
    shown["changed_at"] = from_us(found.changed_us)
    shown["expires_at"] = None if found.expires_us is None else from_us(found.expires_us)
    if parts is not None:
        shown["parts"] = [{"lot": lot, "location": at, "units": n} for lot, at, n in parts]
    return shown
