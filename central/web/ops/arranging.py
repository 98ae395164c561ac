"""Saying how a shelf stands: its plates arranged on a page, and one plate set up by itself."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path, Query
from fastapi.responses import Response
from sqlalchemy import Connection

from central.api.permits import needs
from central.api.services import now_us
from central.catalogue.errors import NotFound
from central.web.ops.ground import Ground
from central.web.views import shelf_setup, stock

__all__ = ["ArrangePages"]

CHANGE = needs("write:plates", "own")
Plate = Annotated[int, Path(ge=-(2**31), lt=2**31)]
Said = Annotated[str, Query(max_length=200)]


class ArrangePages:
    """The routes. None of them belongs to the API's description; what they save goes there."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def router(self) -> APIRouter:
        """The page of all plates, the part about one, and what is chosen from."""
        made = APIRouter(include_in_schema=False)
        for path, page in (
            ("/screen/shelves/{code}/arrange", self.arrange),
            ("/screen/shelves/{code}/{plate}/setup", self.setup),
            ("/screen/shelves/{code}/{plate}/setup/items", self.items),
            ("/screen/shelves/{code}/{plate}/setup/places", self.places),
        ):
            made.add_api_route(path, page, openapi_extra=CHANGE)
        return made

    async def arrange(self, code: str) -> Response:
        """All plates of a shelf, to be put where they lie."""

        def read(connection: Connection) -> dict[str, Any]:
            if shelf_setup.shelf_place(connection, code) is None:
                raise NotFound(f"there is no shelf {code}")
            known = shelf_setup.known_of(connection, code, at_us=now_us())
            return {"code": code, "known": msgspec.to_builtins(known)}

        return await self._ground.shown("ops/arrange.html", read)

    async def setup(self, code: str, plate: Plate) -> Response:
        """A part of a page: what lies on a plate and where it lies, each said by one click."""

        def read(connection: Connection) -> dict[str, Any]:
            place = shelf_setup.shelf_place(connection, code)
            known = shelf_setup.known_of(connection, code, at_us=now_us()) if place else []
            names = stock.location_names(connection, {place} if place else set())
            return {
                "code": code,
                "plate": plate,
                "place": names.get(place or "", place),
                "held": next((one for one in known if one.plate == plate and one.sku), None),
            }

        return await self._ground.shown("ops/plate_setup.html", read)

    async def items(self, code: str, plate: Plate, q: Said = "") -> Response:
        """Rows of items that may lie on it."""

        def read(connection: Connection) -> dict[str, Any]:
            shelf_setup.shelf_place(connection, code)
            found = shelf_setup.items_like(connection, q)
            return {"code": code, "plate": plate, "items": found, "q": q.strip()}

        return await self._ground.shown("ops/plate_items.html", read)

    async def places(self, code: str, plate: Plate, q: Said = "") -> Response:
        """Rows of places that a new shelf may be."""

        def read(connection: Connection) -> dict[str, Any]:
            found = shelf_setup.places_like(connection, q)
            return {"code": code, "plate": plate, "places": found, "q": q.strip()}

        return await self._ground.shown("ops/plate_places.html", read)
