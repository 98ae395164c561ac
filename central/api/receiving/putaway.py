"""Putting away: where received goods should go, and that they went there."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from sqlalchemy import Connection

from central.api.acting import Telling
from central.api.bodies import Code, Sku
from central.api.permits import needs
from central.api.problems import shown_as
from central.api.receiving.bodies import Lot, PutawayBody
from central.api.services import Services, json_answer
from central.api.stock.commands import Key, command_id, posted
from central.catalogue import tree
from central.catalogue.errors import NotValid
from central.receiving import candidates
from central.stock.model import LocationKind

Units = Annotated[int, Query(ge=1, le=2**53)]


def router(services: Services) -> APIRouter:
    """The routes of putting away."""
    made = APIRouter(prefix="/api/putaway", tags=["receiving"])
    _add_proposals(made, services)
    _add_acceptance(made, services)
    return made


def _add_proposals(made: APIRouter, services: Services) -> None:
    @made.get(
        "/proposals",
        summary="Where to put goods away",
        responses=shown_as(404, 422),
        openapi_extra=needs("read:stock", places="own"),
    )
    async def proposed(
        sku: Annotated[Sku, Query()],
        quantity: Units,
        here: Annotated[Code, Query(alias="from", description="Where the goods are now.")],
        lot: Annotated[Lot, Query()] = "",
        limit: Annotated[int, Query(ge=1, le=20)] = 5,
    ) -> Response:
        """The best places first, each with how many units it takes and why. They are
        alternatives; nothing is set aside for the goods.
        """
        found = await services.read(
            lambda c: candidates.proposals(c, sku, lot, quantity, here, most=limit)
        )
        return json_answer({
            "sku": sku,
            "lot": lot,
            "quantity": quantity,
            "from": here,
            "proposals": [one._asdict() for one in found],
        })  # fmt: skip


def _add_acceptance(made: APIRouter, services: Services) -> None:
    @made.post(
        "",
        status_code=201,
        summary="Put goods away",
        responses=shown_as(404, 409, 422),
        openapi_extra=needs("write:stock", places="own"),
    )
    async def put_away(body: PutawayBody, told: Telling, key: Key = None) -> Response:
        """Into a place that was proposed, or another one: its rules are asked again, and what
        does not fit is refused with 409. A repeat of a known id answers 200 with the first result.
        """

        def check(connection: Connection) -> None:
            for code in (body.source, body.destination):
                if tree.get_location(connection, code).kind != LocationKind.INTERNAL:
                    raise NotValid(f"{code} is no place: goods are put away from one to another")

        await services.read(check)
        done = await services.posting.do(body.movement(body.id or command_id(key), told))
        return json_answer(posted(done), 200 if done.repeated else 201)
