"""The pages: the live screen, its stream, and what its links open."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse

from central.access.model import PUBLIC, SIGNED_IN
from central.api.kpis import told
from central.api.permits import needs
from central.api.services import now_us
from central.database.moments import from_us
from central.database.store import Database
from central.database.tide import Tide
from central.insight.kpi_book import MOST_DAYS, KpiBook
from central.web.changes import Changes
from central.web.live import Live
from central.web.nav import groups
from central.web.pulse import Pulse
from central.web.sections import Screen
from screens.static_files import static_address
from screens.templating import environment


class Pages:
    """The screens' routes and the stream behind them."""

    def __init__(self, *, database: Database, tide: Tide, time_zone: str = "") -> None:
        self._database = database
        self._templates = environment(
            "central.web", nav=groups, time_zone=time_zone, find="/screen/find"
        )
        self._book = KpiBook()
        self.zone = time_zone
        self.pulse = Pulse(database, tide)
        self.live = Live(database=database, tide=tide, screen=Screen(self._templates))
        self.changes = Changes(database=database, tide=tide)

    def router(self) -> APIRouter:
        """Every page's route; none of them belongs to the API's description."""
        router = APIRouter(include_in_schema=False)
        for path, page, permission in (
            ("/", self.index, "read:screens"),
            ("/live", self.stream, "read:screens"),
            ("/accuracy", self.accuracy, "read:insight"),
            ("/docs", self.docs, SIGNED_IN),
            ("/favicon.ico", self.icon, PUBLIC),
        ):
            router.add_api_route(path, page, openapi_extra=needs(permission))
        return router

    def page(self, template: str, facts: Mapping[str, object], status: int = 200) -> HTMLResponse:
        """A rendered template, which nobody keeps."""
        return HTMLResponse(
            self.html(template, facts), status, headers={"cache-control": "no-store"}
        )

    def html(self, template: str, facts: Mapping[str, object]) -> str:
        """A rendered template, whole page or part of one."""
        return self._templates.get_template(template).render(facts)

    async def index(self) -> Response:
        """The live screen."""
        return self.page("index.html", {"sections": await self.live.sections()})

    async def stream(self) -> Response:
        """What changes on the live screen, as server-sent events."""
        if self.live.full:
            return Response("Too many screens are open.", 503, {"retry-after": "10"})
        return StreamingResponse(
            self.live.stream(),
            media_type="text/event-stream",
            headers={"cache-control": "no-store", "x-accel-buffering": "no"},
        )

    async def docs(self, request: Request) -> Response:
        """The API, described for people."""
        return self.page("docs.html", {"api": request.app.openapi()})

    async def accuracy(self, days: Annotated[int, Query(ge=1, le=MOST_DAYS)] = 7) -> Response:
        """How accurate the last days were."""
        found = await self._database.read(
            lambda connection: self._book.window(connection, now_us=now_us(), days=days)
        )
        kpis = told(found)
        named = [(f"{from_us(day):%Y-%m-%d}", one.told()) for day, one in found.by_day().items()]
        return self.page("accuracy.html", {"kpis": kpis, "days": days, "named_days": named})

    async def icon(self) -> Response:
        """Browsers ask for this by themselves."""
        return RedirectResponse(static_address("favicon.svg"), 308)
