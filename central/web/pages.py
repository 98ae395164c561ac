"""The pages: the live screen, its stream, and what its links open."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from central.access import behalf
from central.access.model import PUBLIC, SIGNED_IN
from central.api.kpis import told
from central.api.permits import needs
from central.api.services import now_us
from central.database.moments import from_us
from central.database.store import Database
from central.database.tide import Tide
from central.insight.kpi_book import MOST_DAYS, KpiBook
from central.web.changes import Changes, Topic
from central.web.live import Live
from central.web.nav import groups
from central.web.rights import may
from central.web.sections import Screen
from central.web.stream import Stream
from central.web.views.needs import TAPS
from screens.events import event_stream, too_many
from screens.static_files import static_address
from screens.templating import environment

_Since = Annotated[int, Query(ge=0, le=2**62)]
_Name = Annotated[str, Query(max_length=64)]


class Pages:
    """The screens' routes and the streams behind them."""

    def __init__(self, *, database: Database, tide: Tide, time_zone: str = "") -> None:
        self._database = database
        self._templates = environment(
            "central.web", nav=groups, time_zone=time_zone, find="/screen/find"
        )
        self._book = KpiBook()
        self.zone = time_zone
        self.live = Live(database=database, tide=tide, screen=Screen(self._templates))
        self.changes = Changes(database=database, tide=tide)
        self.streams: list[Stream] = [self.live, self.changes]
        """Those of every page; a page with one of its own adds it before ``run``."""
        self.when_stopped: list[Callable[[], None]] = []
        """Told when streams are to end: what else is sent for ever ends with them."""

    async def run(self) -> None:
        """Keep every page that somebody looks at up to date; ends by cancellation."""
        async with asyncio.TaskGroup() as group:
            for stream in self.streams:
                group.create_task(stream.run())

    def stop(self) -> None:
        """End every stream, so that the server can close its connections."""
        for stop in (*(stream.stop for stream in self.streams), *self.when_stopped):
            stop()

    @property
    def clients(self) -> int:
        """How many pages are live."""
        return sum(stream.clients for stream in self.streams)

    def router(self) -> APIRouter:
        """Every page's route; none of them belongs to the API's description."""
        router = APIRouter(include_in_schema=False)
        for path, page, needed in (
            ("/", self.index, needs("read:screens")),
            ("/live", self.stream, needs("read:screens")),
            ("/screen/changes", self.changed, needs("read:screens", "own")),
            ("/accuracy", self.accuracy, needs("read:insight")),
            ("/docs", self.docs, needs(SIGNED_IN)),
            ("/favicon.ico", self.icon, needs(PUBLIC)),
        ):
            router.add_api_route(path, page, openapi_extra=needed)
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
        taps = [one for one in TAPS if may(one)]
        return self.page("index.html", {"sections": await self.live.sections(), "taps": taps})

    async def stream(self) -> Response:
        """What changes on the live screen, as server-sent events."""
        return too_many() if self.live.full else event_stream(self.live.stream())

    async def changed(
        self, since: _Since = 0, *, about: _Name = "stock", name: _Name = ""
    ) -> Response:
        """``moved`` whenever the ``Topic`` that ``about`` and ``name`` say did."""
        if self.changes.full:
            return too_many()
        return event_stream(self.changes.stream(Topic(about, name), behalf.roots(), since))

    async def docs(self, request: Request) -> Response:
        """The API, described for people."""
        api = await asyncio.to_thread(request.app.openapi)
        return self.page("docs.html", {"api": api})

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
