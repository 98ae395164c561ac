"""The movements on the ledger, each with its evidence."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from central.api.pages import Number, following, page
from central.api.permits import needs
from central.api.problems import Problem
from central.api.services import Services, json_answer
from central.api.stock.commands import posted
from central.stock import queries
from central.stock.witnesses import of_movement

__all__ = ["router"]

Limit = Annotated[int, Query(ge=1, le=1000)]
_MAY = needs("read:stock", "own")


def router(services: Services) -> APIRouter:
    """The routes of movements."""
    made = APIRouter(tags=["stock"])

    @made.get("/movements", summary="List movements", openapi_extra=_MAY)
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
        rows: list[object] = [posted(one) for one in found]
        return page(rows, following(found, limit, lambda one: one.seq))

    @made.get("/movements/{movement_id}", summary="One movement", openapi_extra=_MAY)
    async def movement(movement_id: str) -> Response:
        """With its evidence: why it was posted, and what other sensors said of it later."""
        found, seen = await services.read(
            lambda c: (queries.movement_by_id(c, movement_id), of_movement(c, movement_id))
        )
        if found is None:
            raise Problem(404, f"no movement on the ledger has the id {movement_id}")
        return json_answer(posted(found) | {"witnesses": seen})

    return made
