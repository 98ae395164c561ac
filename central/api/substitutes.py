"""Which items may be given in place of another."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import ConfigDict, Field
from sqlalchemy import Connection

from central.api.acting import Telling
from central.api.bodies import Body, Sku
from central.api.pages import page
from central.api.permits import needs
from central.api.problems import shown_as
from central.api.services import Services
from central.catalogue import items, substitutes
from central.catalogue.substitutes import MOST, Substitute


class SubstituteBody(Body):
    """An item that may stand in for another, from one day to another if these are told."""

    sku: Sku
    from_on: date | None = None
    until_on: date | None = None


class SubstitutesBody(Body):
    """All that may stand in for an item, the first one first."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {"substitutes": [{"sku": "ABC-12346", "until_on": "2030-12-31"}]},
                {"substitutes": []},
            ]
        },
    )

    substitutes: Annotated[list[SubstituteBody], Field(max_length=MOST)]

    def wanted(self) -> list[Substitute]:
        """As the catalogue keeps them."""
        return [Substitute(**one.model_dump()) for one in self.substitutes]


def router(services: Services) -> APIRouter:
    """The routes of substitutes."""
    made = APIRouter(tags=["catalogue"])

    @made.get(
        "/items/{sku}/substitutes",
        summary="What may be given in place of an item",
        responses=shown_as(404),
        openapi_extra=needs("read:catalogue", "none"),
    )
    async def listed(sku: str) -> Response:
        """The first one first, those of other days, too."""

        def work(connection: Connection) -> list[Substitute]:
            items.get_item(connection, sku)
            return substitutes.list_substitutes(connection, sku)

        return page(await services.read(work))

    @made.put(
        "/items/{sku}/substitutes",
        summary="Say what may be given in place of an item",
        responses=shown_as(404, 422),
        openapi_extra=needs("write:catalogue"),
    )
    async def put(sku: str, body: SubstitutesBody, told: Telling) -> Response:
        """Exactly these, in this order, unit for unit and one way. They are given only where an
        order or a reservation allows it.
        """
        wanted = body.wanted()
        return page(
            await services.write(lambda c: substitutes.set_substitutes(c, sku, wanted, told))
        )

    return made
