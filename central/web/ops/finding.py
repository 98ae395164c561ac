"""Scan or type anything anywhere, and land on its page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy import Connection

from central.web.ops.ground import OWN, Ground
from central.web.views import lookup

__all__ = ["FindPages"]


class FindPages:
    """The routes. None of them belongs to the API's description."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def router(self) -> APIRouter:
        """What is found."""
        made = APIRouter(include_in_schema=False)
        made.add_api_route("/screen/find", self.find, openapi_extra=OWN)
        return made

    async def find(
        self, request: Request, q: Annotated[str, Query(max_length=500)] = ""
    ) -> Response:
        """The page of what is called so; else what looks like it. Asked by htmx: its rows only."""
        part = request.headers.get("hx-request") == "true"
        hit = await self._ground.services.read(lambda c: lookup.exact(c, q))
        if hit is not None and not part:
            return RedirectResponse(hit.address, 303)

        def read(connection: Connection) -> Mapping[str, object]:
            found = lookup.like(connection, q)
            first = [] if hit is None else [hit]
            return {"q": q, "found": first + [one for one in found if one not in first]}

        return await self._ground.shown("ops/find_rows.html" if part else "ops/find.html", read)
