"""Why one movement was posted: the page of a movement."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response
from sqlalchemy import Connection

from central.api.permits import needs
from central.api.services import Services
from central.web.pages import Pages
from central.web.portals.passes import shown_story
from central.web.views import stock
from central.why.story import why

__all__ = ["MovementPage"]


class MovementPage:
    """Its route, which does not belong to the API's description."""

    def __init__(self, services: Services, pages: Pages) -> None:
        self._services, self._pages = services, pages

    def router(self) -> APIRouter:
        """The page."""
        made = APIRouter(include_in_schema=False)
        made.add_api_route(
            "/screen/movements/{movement_id}", self.one, openapi_extra=needs("read:screens", "own")
        )
        return made

    async def one(self, movement_id: str) -> Response:
        """What moved, why, and what corrected it."""
        facts = await self._services.read(lambda c: _read(c, movement_id))
        if facts is None:
            what = {"what": "No movement on the ledger has this id."}
            return self._pages.page("missing.html", what, 404)
        return self._pages.page("movement.html", facts)


def _read(conn: Connection, movement_id: str) -> dict[str, Any] | None:
    found = stock.one_movement(conn, movement_id)
    if found is None:
        return None
    story = why(conn, movement_id)
    return {
        "move": found,
        "pass_id": found.evidence.get("pass"),
        "review_id": story.review or found.evidence.get("review"),
        "corrected_by": story.corrected_by,
    } | shown_story(story)
