"""The page of all devices of all edges, live, and the routes of every edge's console."""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import APIRouter, Depends
from fastapi.responses import Response
from fastapi.routing import APIRoute
from sqlalchemy import Connection, select
from starlette.datastructures import Headers
from starlette.routing import Match
from starlette.types import Scope

from central import schema
from central.access import behalf, reach
from central.api.permits import needs
from central.api.services import Services
from central.console import kept
from central.console.consoles import PageConsoles
from central.web.live import Live
from central.web.pages import Pages
from central.web.views.devices import DeviceRow, devices
from screens.console.asks import answer
from screens.console.routes import ways
from screens.events import event_stream, too_many

__all__ = ["DevicesPage", "EdgeRow", "edges"]

_FIRST = 100
"""So many devices that need somebody are listed; what comes behind them can wait."""
_LEVELS = ("bad", "warn", "good")


class EdgeRow(msgspec.Struct, frozen=True, kw_only=True):
    """One edge with its devices' levels counted; ``level`` is the worst of all."""

    edge: str
    state: str
    reason: str
    version: str
    since_us: int | None
    level: str
    counts: dict[str, int]


def edges(connection: Connection, found: tuple[DeviceRow, ...]) -> list[EdgeRow]:
    """Every edge that was ever heard, those that need somebody first."""
    there = {row.edge: row for row in connection.execute(select(schema.edge_presence))}
    rows = []
    for name in sorted({*there, *(one.edge for one in found)}):
        own = [one for one in found if one.edge == name]
        presence = there.get(name)
        state = "unknown" if presence is None else presence.state
        level = next((one for one in _LEVELS if any(d.level == one for d in own)), "good")
        rows.append(
            EdgeRow(
                edge=name,
                state=state,
                reason="" if presence is None else presence.reason,
                version="" if presence is None else presence.version,
                since_us=None if presence is None else presence.since_us,
                level=level if state == "online" else "bad",
                counts=_counts([d for d in own if d.device != name]),
            )
        )
    return sorted(rows, key=lambda one: _LEVELS.index(one.level))


def _counts(devices: list[DeviceRow]) -> dict[str, int]:
    """By level; what a technician holds is counted apart, for it is nobody's trouble."""
    held = sum(one.state == "held" for one in devices)
    found = {level: sum(one.level == level for one in devices) for level in _LEVELS}
    return found | {"warn": found["warn"] - held, "held": held}


class _Screen:
    """The sections of the page (``central.web.live.Live``)."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._drawn = 0

    def draw(self, connection: Connection) -> tuple[int, dict[str, str]]:
        found = devices(connection)
        all_edges = edges(connection, found)
        if (within := reach.edges(connection)) is not None:
            found = tuple(one for one in found if one.edge in within)
            all_edges = [one for one in all_edges if one.edge in within]
        away = {one.edge for one in all_edges if one.state != "online"}
        first = [one for one in found if one.level != "good" and one.edge not in away]
        facts: dict[str, Any] = {
            "edges": all_edges,
            "devices": found,
            "first": first[:_FIRST],
            "more": max(0, len(first) - _FIRST),
            "away": [one for one in all_edges if one.edge in away],
        }
        self._drawn += 1
        names = ("figures", "first", "edges")
        return self._drawn, {
            f"fleet-{name}": self._pages.html(f"devices/{name}.html", facts) for name in names
        }


class _ForBrowsers(APIRoute):
    """A page under an address where programs find a listing: who wants HTML gets the page."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether a request is for this page."""
        accepted = Headers(scope=scope).get("accept", "")
        return super().matches(scope) if "text/html" in accepted else (Match.NONE, {})


class DevicesPage:
    """The routes."""

    def __init__(self, services: Services, pages: Pages) -> None:
        self._services = services
        self._pages = pages
        self.live = Live(database=services.database, tide=services.tide, screen=_Screen(pages))
        self._ways, self._asks = ways(PageConsoles(services, pages))
        pages.streams.append(self.live)
        pages.when_stopped.append(self._asks.stop)

    def router(self) -> APIRouter:
        """The page of all, and every edge's."""
        made = APIRouter(include_in_schema=False)
        read, change = needs("read:devices", "own"), needs("write:devices", "own")
        here = [Depends(self._reached)]
        listed = APIRouter(include_in_schema=False, route_class=_ForBrowsers)
        listed.add_api_route("/devices", self.listed, openapi_extra=read)
        made.routes += listed.routes
        made.add_api_route("/screen/devices/live", self.stream, openapi_extra=needs("read:devices"))
        made.add_api_route(
            "/devices/{edge}/asked", self.asked, openapi_extra=read, dependencies=here
        )
        for way in self._ways:
            made.add_api_route(
                way.path, way.handler, methods=[way.method], response_model=None,
                openapi_extra=change if way.changes else read, dependencies=here,
            )  # fmt: skip
        return made

    async def _reached(self, edge: str) -> None:
        """Raises ``OutOfReach`` where not all of an edge's devices stand within reach."""
        if behalf.roots() is not None:
            await self._services.read(lambda c: reach.check_edge(c, edge))

    async def listed(self) -> Response:
        """The page of all devices; for who was granted some places, of the edges there, as they
        are now: what everybody follows is drawn once, with all of it.
        """
        everywhere = behalf.roots() is None
        if everywhere:
            sections = await self.live.sections()
        else:
            sections = await self._services.read(lambda c: _Screen(self._pages).draw(c)[1])
        page = self._pages.page("devices/index.html", {"sections": sections, "live": everywhere})
        page.headers["vary"] = "accept"
        return page

    async def asked(self, edge: str) -> Response:
        """What was asked of an edge lately, and how it ended, the newest first."""
        return answer({"asked": await self._services.read(lambda c: kept.newest(c, edge))})

    async def stream(self) -> Response:
        """What changes on it, as server-sent events."""
        return too_many() if self.live.full else event_stream(self.live.stream())
