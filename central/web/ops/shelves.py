"""Shelves with scales, and the page of one: its plates, and what each of them weighed."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlencode

import msgspec
from fastapi import APIRouter, Path, Query
from fastapi.responses import Response
from sqlalchemy import Connection

from central.access import behalf, reach
from central.api.services import json_answer
from central.catalogue import layouts, places
from central.catalogue.errors import NotFound
from central.catalogue.geometry import Layout
from central.insight.windows import Window
from central.reconcile.verdict import ReadPoint
from central.web.ops.ground import OWN, Ground
from central.web.views import shelf_page, stock
from central.web.views.devices import PlateLevels, PlateRow
from central.web.views.shelf_drawing import Drawing, draw

__all__ = ["ShelfPages"]

_POINTS = 400
SPANS = {3600: "1 h", 21_600: "6 h", 86_400: "24 h", 604_800: "7 d", 2_592_000: "30 d"}


class ShelfPages:
    """The routes. None of them belongs to the API's description."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._levels = PlateLevels()
        self._busy = threading.Lock()

    def router(self) -> APIRouter:
        """All shelves, one, and a plate's weights."""
        made = APIRouter(include_in_schema=False)
        for path, page in (
            ("/screen/shelves", self.listed),
            ("/screen/shelves/{code}/now", self.now),
            ("/screen/shelves/{code}/{plate}/trace", self.trace),
            ("/screen/shelves/{code}", self.one),
        ):
            made.add_api_route(path, page, openapi_extra=OWN)
        return made

    async def listed(self) -> Response:
        """Every shelf with its plates in order."""

        def read(connection: Connection) -> Mapping[str, object]:
            points = _shelves(connection)
            plates, laid = self._plates(connection), layouts.layouts(connection)
            return {
                "shelves": [
                    (point, plates.get(point.code, ()), _drawn(point.code, plates, laid))
                    for point in points
                ],
                "names": stock.location_names(connection, {one.location for one in points}),
            }

        return await self._ground.shown("ops/shelves.html", read)

    async def one(self, code: str) -> Response:
        """One shelf, with its scales and what of it waits for a person."""
        return await self._shelf("ops/shelf.html", code)

    async def now(self, code: str) -> Response:
        """What of it changes as somebody takes and puts."""
        return await self._shelf("ops/shelf_moved.html", code)

    async def _shelf(self, template: str, code: str) -> Response:
        def read(connection: Connection) -> dict[str, Any]:
            point = _shelf(connection, code)
            names = stock.location_names(connection, {point.location})
            plates = self._plates(connection)
            laid = {code: layouts.layout_of(connection, code)}
            return {
                "point": point,
                "place": names.get(point.location, point.location),
                "plates": plates.get(code, ()),
                "drawing": _drawn(code, plates, laid),
                "devices": shelf_page.devices_of(connection, code),
                "reviews": shelf_page.open_reviews(connection, code),
                "spans": SPANS,
                "feeds": _feed if behalf.roots() is None else None,
            }

        return await self._ground.shown(template, read)

    async def trace(
        self,
        code: str,
        plate: Annotated[int, Path(ge=0, le=10_000)],
        seconds: Annotated[int, Query(ge=60, le=90 * 86_400)] = 3_600,
    ) -> Response:
        """A plate's weight over the last ``seconds``, and what happened meanwhile."""
        stretch_us = max(1, seconds // _POINTS) * 1_000_000
        to_us = (time.time_ns() // 1_000 // stretch_us + 1) * stretch_us
        from_us = to_us - -(-seconds * 1_000_000 // stretch_us) * stretch_us

        def read(connection: Connection) -> list[shelf_page.Event]:
            _shelf(connection, code)
            return shelf_page.events(connection, code, plate, from_us=from_us, to_us=to_us)

        happened = await self._ground.services.read(read)
        window = Window(from_us=from_us, to_us=to_us, stretch_us=stretch_us)
        course = await self._course(code, plate, window)
        return json_answer({
            "from_s": from_us / 1e6,
            "to_s": to_us / 1e6,
            "times_s": [at_us / 1e6 for at_us, _ in course],
            "values": [grams for _, grams in course],
            "events": msgspec.to_builtins(happened),
        })  # fmt: skip

    async def _course(self, code: str, plate: int, window: Window) -> list[tuple[int, float]]:
        """When it weighed what, in grams: from the window's beginning to now. A plate is weighed
        when something changes, so its last weight holds until the next.
        """
        key = ("plate", {"read_point": code, "plate": str(plate)}, "gross_g")
        series = self._ground.services.series
        _, rows = await series.buckets(*key, window)
        before = await series.newest(*key, before_us=window.from_us)
        found = [] if before is None else [(window.from_us, before.value)]
        found += [(row.time_us, row.last) for row in rows]
        if found:
            found.append((time.time_ns() // 1_000, found[-1][1]))
        return found

    def _plates(self, connection: Connection) -> dict[str, tuple[PlateRow, ...]]:
        with self._busy:
            return self._levels.shelves(connection)


def _feed(code: str, plate: int) -> str:
    """Where the same weights can be laid beside other series."""
    key = ["plate", {"plate": str(plate), "read_point": code}, "gross_g"]
    return f"/feeds?{urlencode({'feed': json.dumps(key, sort_keys=True), 'span': 3600})}"


def _drawn(
    code: str, plates: Mapping[str, tuple[PlateRow, ...]], laid: Mapping[str, Layout]
) -> Drawing:
    return draw(laid.get(code, Layout()), plates.get(code, ()))


def _shelves(connection: Connection) -> list[ReadPoint]:
    """Those within reach, by code."""
    found = places.list_read_points(connection, granted=True)
    return [one for one in found if one.kind == "shelf"]


def _shelf(connection: Connection, code: str) -> ReadPoint:
    """Raises ``NotFound``, ``OutOfReach``."""
    reach.check_read_point(connection, code)
    found = next((one for one in _shelves(connection) if one.code == code), None)
    if found is None:
        raise NotFound(f"there is no shelf {code}")
    return found
