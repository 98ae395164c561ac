"""Lots with their dates, their recall, and where single pieces lie."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import ConfigDict, Field
from sqlalchemy import Connection

from central.access import reach
from central.api.acting import Telling
from central.api.bodies import Body, Said
from central.api.pages import Cursor, following, page
from central.api.permits import needs
from central.api.problems import Problem, shown_as
from central.api.services import Services, json_answer
from central.api.stock.commands import posted
from central.catalogue.items import get_item
from central.lots import store
from central.lots.model import LotStatus
from central.stock import serials
from central.stock.model import AVAILABLE, OutOfReach, Status

__all__ = ["router"]

Limit = Annotated[int, Query(ge=1, le=1000)]
_CURSOR = Cursor(tuple[str, str])


class LotBody(Body):
    """What is known of a lot; what is left out stays as it was."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={"examples": [{"expires_on": "2026-12-24", "supplier_lot": "A-77"}]},
    )

    expires_on: Annotated[
        date | None, Field(description="The last day on which it may be sold.")
    ] = None
    made_on: date | None = None
    supplier_lot: Annotated[Said, Field(max_length=64)] | None = None
    status: LotStatus | None = None


class RecallBody(Body):
    """Why a lot is called back."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, json_schema_extra={"examples": [{"reason": "glass found"}]}
    )

    reason: Annotated[Said, Field(min_length=1, max_length=500)]


def router(services: Services) -> APIRouter:
    """The routes of lots and pieces."""
    made = APIRouter(tags=["stock"])
    _add_lookups(made, services)
    _add_changes(made, services)
    _add_pieces(made, services)
    return made


def _add_lookups(made: APIRouter, services: Services) -> None:
    @made.get(
        "/lots", summary="List lots", responses=shown_as(422),
        openapi_extra=needs("read:stock", "own"),
    )  # fmt: skip
    async def listed(
        sku: Annotated[Said | None, Query(max_length=64)] = None,
        status: LotStatus | None = None,
        expires_before: date | None = None,
        after: str | None = None,
        limit: Limit = 200,
    ) -> Response:
        """By item and name; `expires_before` a day asks for those whose last day is earlier."""
        wanted = store.Asked(sku=sku, status=status, expires_before=expires_before)
        seen = _CURSOR.read(after)
        found = await services.read(lambda c: store.page(c, wanted, after=seen, limit=limit))
        return page(found, following(found, limit, lambda one: _CURSOR.told((one.sku, one.lot))))

    @made.get(
        "/lots/{sku}/{lot}", summary="One lot", responses=shown_as(404),
        openapi_extra=needs("read:stock", "own"),
    )  # fmt: skip
    async def one(sku: Said, lot: Said) -> Response:
        """What is known of it."""
        found = await services.read(lambda c: store.find(c, sku, lot, granted=True))
        if found is None:
            raise Problem(404, f"nothing is known of lot {lot} of {sku}")
        return json_answer(found)


def _add_changes(made: APIRouter, services: Services) -> None:
    @made.put(
        "/lots/{sku}/{lot}", summary="Say what is known of a lot", responses=shown_as(404, 422),
        openapi_extra=needs("write:stock"),
    )  # fmt: skip
    async def put(sku: Said, lot: Said, body: LotBody, told: Telling) -> Response:
        """It need not be there yet. When its last day is over, what of it can be sold goes to the
        status `expired` within the hour.
        """
        known = body.model_dump(exclude_none=True)
        return json_answer(await services.write(lambda c: store.keep(c, sku, lot, told, **known)))

    @made.post(
        "/lots/{sku}/{lot}/recall", summary="Call a lot back", responses=shown_as(404, 422),
        openapi_extra=needs("write:stock"),
    )  # fmt: skip
    async def recall(sku: Said, lot: Said, body: RecallBody, told: Telling) -> Response:
        """What of it can be sold is quarantined wherever it lies, at once; so is what is received
        of it later, within the hour.
        """

        def work(connection: Connection) -> list[dict[str, object]]:
            done = store.recall(connection, sku, lot, told, reason=body.reason)
            return [posted(each) for each in done]

        return json_answer({"movements": await services.write(work)})


def _add_pieces(made: APIRouter, services: Services) -> None:
    @made.get(
        "/stock/{sku}/serials", summary="Pieces at a place", responses=shown_as(404),
        openapi_extra=needs("read:stock", "own"),
    )  # fmt: skip
    async def at(sku: Said, location: Said, lot: Said = "", status: Status = AVAILABLE) -> Response:
        """The serial numbers of an item's pieces in one account."""

        def work(connection: Connection) -> tuple[str, ...]:
            get_item(connection, sku)
            if not reach.holds(connection, location):
                raise OutOfReach(f"{location} is none of the places that you were granted this for")
            return serials.pieces_at(connection, sku, lot, location, status)

        return json_answer({"serials": await services.read(work)})

    @made.get(
        "/stock/{sku}/serials/{serial}", summary="Where a piece lies", responses=shown_as(404),
        openapi_extra=needs("read:stock", "own"),
    )  # fmt: skip
    async def piece(sku: Said, serial: Said) -> Response:
        """Its place, lot and status, and the number of the movement that put it there."""

        def work(connection: Connection) -> serials.Piece | None:
            lies = serials.piece(connection, sku, serial)
            return lies if lies and reach.holds(connection, lies.location) else None

        found = await services.read(work)
        if found is None:
            raise Problem(404, f"no movement names a piece {serial} of {sku}")
        return json_answer({"sku": sku, "serial": serial, **found._asdict()})
