"""EPCIS 2.0 query interface: ``GET /epcis/events``."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from central.api.epcis.answers import JSON_LD, JSON_ONLY, events_of
from central.api.epcis.asked import Asked
from central.api.epcis.extensions import Prefixes, spelled_out
from central.api.permits import needs
from central.api.problems import shown_as
from central.api.services import Services


def router(services: Services) -> APIRouter:
    """The route of queries."""
    made = APIRouter(tags=["epcis"], dependencies=JSON_ONLY, responses=shown_as(406))

    @made.get(
        "/epcis/events",
        summary="EPCIS events",
        responses={
            200: {"content": {JSON_LD: {"schema": {"type": "object"}}}},
            **shown_as(400, 413, 422),
        },
        openapi_extra=needs("read:epcis", "own"),
    )
    async def events(
        request: Request, asked: Annotated[Asked, Query()], prefixes: Prefixes
    ) -> Response:
        """An EPCISQueryDocument: the ledger's movements, packing and reserving, and what was
        captured, in the order in which they were recorded, or in that of `orderBy`. While there is
        more, `Link` says where.
        """
        return await events_of(
            services, asked.wanted(prefixes), path="/epcis/events",
            said=spelled_out(request.query_params, prefixes),
            token=asked.token, per_page=asked.per_page,
        )  # fmt: skip

    return made
