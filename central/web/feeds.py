"""The page of sensor feeds. Everything on it is asked for from ``/series`` by its own scripts, and
stands in its address, so that a link shows the same chart.
"""

from __future__ import annotations

from fastapi import APIRouter, Response

from central.api.permits import needs
from central.web.pages import Pages

__all__ = ["FeedsPage"]

_SPANS = (
    (300, "5 min"),
    (3_600, "1 h"),
    (21_600, "6 h"),
    (86_400, "24 h"),
    (604_800, "7 d"),
    (2_592_000, "30 d"),
    (31_622_400, "1 year"),
)


class FeedsPage:
    """The page's route."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    def router(self) -> APIRouter:
        """The page, which is no part of the API's description."""
        made = APIRouter(include_in_schema=False)
        made.add_api_route("/feeds", self.page, openapi_extra=needs("read:screens", "own"))
        return made

    async def page(self) -> Response:
        """The frame of the chart."""
        return self._pages.page("feeds/feeds.html", {"spans": _SPANS})
