"""What a phone takes along, and what a code means: reading only. What people do on the floor goes
through the routes of receiving, stock, picking and counts as everybody's commands do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, TypeVar

from fastapi import APIRouter, Header, Query, Request, Response
from sqlalchemy import Connection

from central.access.behalf import reaching
from central.access.model import reach
from central.api.access.gate import actor_of
from central.api.bodies import Said, Sku
from central.api.etags import etag, tagged
from central.api.permits import needs
from central.api.problems import shown_as
from central.api.services import Services, json_answer, now_us
from central.scan import package, reading
from central.stock import queries

T = TypeVar("T")


def router(services: Services) -> APIRouter:
    """The routes."""
    made = APIRouter(prefix="/api/scan", tags=["scanning"])
    _add_package(made, services)
    _add_catalogue(made, services)
    _add_codes(made, services)
    return made


def _add_package(made: APIRouter, services: Services) -> None:
    @made.get(
        "/package",
        summary="The tasks that a phone takes along",
        openapi_extra=needs("read:stock", places="own"),
    )
    async def packed(request: Request) -> Response:
        """Open inbound orders, picking tasks, counts, and what waits to be put away, as they stand
        at `ledger_seq`. Each part is there only for who may read it (`read:orders`, `read:counts`),
        and only of places within reach; else it is null. The header `X-Central-Time-Us` is
        central's clock in microseconds since 1970, for phones whose own is wrong.
        """
        asked = _Asked(services, request)
        orders = await asked.part("read:orders", package.receiving)
        picking = await asked.part("read:orders", package.walks)
        counts = await asked.part("read:counts", package.counting)
        doors = [one["location"] for one in orders or []]
        lying = await services.read(lambda c: package.lying(c, doors))
        answer = {
            "ledger_seq": await services.read(queries.last_seq),
            "who": asked.actor.name,
            "receiving": orders,
            "picking": picking,
            "counts": counts,
            "putaway": lying,
        }
        told = json_answer(answer)
        told.headers["x-central-time-us"] = str(now_us())
        return told


def _add_catalogue(made: APIRouter, services: Services) -> None:
    @made.get(
        "/catalogue",
        summary="Items, barcodes and places for a phone",
        responses={304: {"description": "It is as you have it"}, **shown_as(422)},
        openapi_extra=needs("read:stock", places="own"),
    )
    async def known(
        wanted: Annotated[
            list[Sku] | None, Query(max_length=500, description="SKUs that must be among them.")
        ] = None,
        if_none_match: Annotated[str | None, Header(max_length=200)] = None,
    ) -> Response:
        """`items` are `[sku, name, unit, tracking]`, `packs` `[gtin, place in items, units]`,
        `places` `[code, name, parent, type]`. `whole` is false of what was too much to send: then
        `wanted` items come first. Send the `ETag` as `If-None-Match` and get 304 where nothing
        changed.
        """
        found = await services.read(lambda c: package.catalogue(c, wanted or ()))
        if if_none_match is not None and if_none_match == etag(found):
            return Response(status_code=304, headers={"etag": if_none_match})
        return tagged(found)


def _add_codes(made: APIRouter, services: Services) -> None:
    @made.get(
        "/code",
        summary="What a scanned code means",
        responses=shown_as(422),
        openapi_extra=needs("read:stock", places="own"),
    )
    async def meaning(
        code: Annotated[Said, Query(min_length=1, max_length=4_096)],
        symbology: Annotated[Said | None, Query(pattern=r"^\][A-Za-z][0-9a-zA-Z]$")] = None,
    ) -> Response:
        """`kind` is `goods` (an item with lot, expiry, serials and units), `unit` (an SSCC),
        `place`, `command` (a label of ours) or `unknown`, of which `says` tells why.
        """
        glns = services.epcis.locations
        found = await services.read(lambda c: reading.read(c, code, symbology, glns))
        return json_answer(found)


class _Asked:
    """Who asks, and the parts of an answer that they may have."""

    def __init__(self, services: Services, request: Request) -> None:
        self._services = services
        self.actor = actor_of(request)

    async def part(self, permission: str, work: Callable[[Connection], T]) -> T | None:
        """A part that needs this permission, as far as that was granted; ``None`` without it."""
        places = reach(self.actor, permission)
        if places is not None and not places:
            return None
        with reaching(places):
            return await self._services.read(work)
