"""The tree of places, and the page of one."""

from __future__ import annotations

import time
from collections.abc import Mapping

from fastapi import APIRouter
from fastapi.responses import Response
from sqlalchemy import Connection

from central.catalogue.errors import NotFound
from central.web.ops.ground import OWN, Ground
from central.web.views import place_page, place_tree
from central.web.views.units import PlaceUnits

__all__ = ["PlacePages"]


class PlacePages:
    """The routes. None of them belongs to the API's description."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._units = PlaceUnits()

    def router(self) -> APIRouter:
        """The tree, its branches, a place and what of it changes."""
        made = APIRouter(include_in_schema=False)
        for path, page in (
            ("/screen/places", self.tree),
            ("/screen/places/{code}/branch", self.branch),
            ("/screen/places/{code}/now", self.now),
            ("/screen/places/{code}", self.one),
        ):
            made.add_api_route(path, page, openapi_extra=OWN)
        return made

    async def tree(self) -> Response:
        """All of it; of a large one the outer places, and each one's inner ones when it opens."""

        def read(connection: Connection) -> Mapping[str, object]:
            found = place_tree.forest(connection, self._units.at(connection))
            roots = place_tree.grown(found)
            return {
                "roots": roots,
                "count": len(found),
                "depth": place_tree.depth_of(found, roots),
            }

        return await self._ground.shown("ops/places.html", read)

    async def branch(self, code: str) -> Response:
        """What lies right within a place, for the tree."""

        def read(connection: Connection) -> Mapping[str, object]:
            units = self._units.at(connection)
            found = place_tree.forest(connection, units, within=code).get(code)
            if found is None:
                raise NotFound(f"there is no place {code}")
            return {"one": found}

        return await self._ground.shown("ops/tree_branch.html", read)

    async def one(self, code: str) -> Response:
        """All that is known of a place."""
        return await self._place("ops/place.html", code)

    async def now(self, code: str) -> Response:
        """What of it changes as goods move."""
        return await self._place("ops/place_now.html", code)

    async def _place(self, template: str, code: str) -> Response:
        def read(connection: Connection) -> Mapping[str, object]:
            units = self._units.at(connection)
            found = place_page.facts(connection, code, units, at_us=time.time_ns() // 1_000)
            return found | {"printers": self._ground.printers(connection)}

        return await self._ground.shown(template, read)
