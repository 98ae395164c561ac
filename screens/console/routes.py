"""Every address of the technician's pages, below the base of an edge: a new page is a line here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from screens.console.asks import Asks, refusal
from screens.console.bundle import Bundles
from screens.console.port import Consoles, NoSuchEdge

__all__ = ["PAGES", "TABS", "Page", "Tab", "Way", "ways"]

Handler = Callable[[Request], Awaitable[Response]]


class Page(NamedTuple):
    """A page: its path below the base, its template, and which tab it belongs to."""

    path: str
    template: str
    here: str = "devices"
    changes: bool = False
    """Only for who may have something changed."""


class Tab(NamedTuple):
    """A place of the console: in the navigation of an edge, in the tabs at central."""

    key: str
    label: str
    path: str
    icon: str


class Way(NamedTuple):
    """A route: ``changes`` says that it needs the permission to change devices."""

    path: str
    method: str
    handler: Handler
    changes: bool


TABS: tuple[Tab, ...] = (
    Tab("devices", "Devices", "", "device"),
    Tab("health", "Health", "/health", "check"),
    Tab("find", "Add a device", "/find", "plus"),
    Tab("settings", "Settings", "/settings", "book"),
    Tab("records", "Records", "/records", "ledger"),
    Tab("logs", "Log", "/logs", "feed"),
)

PAGES: tuple[Page, ...] = (
    Page("", "console/devices.html"),
    Page("/device/{device}", "console/device.html"),
    Page("/find", "console/find.html", "find", changes=True),
    Page("/settings", "console/settings.html", "settings", changes=True),
    Page("/device/{device}/calibrate", "console/calibrate.html", changes=True),
    Page("/device/{device}/read", "console/read.html", changes=True),
    Page("/device/{device}/sweep", "console/sweep.html", changes=True),
    Page("/device/{device}/walk", "console/walk.html", changes=True),
    Page("/records", "console/records.html", here="records"),
    Page("/health", "console/health.html", "health"),
    Page("/logs", "console/logs.html", "logs"),
)


def ways(consoles: Consoles) -> tuple[list[Way], Asks]:
    """Every route, under paths that begin with the consoles' base; and what streams."""
    asks, bundles = Asks(consoles), Bundles(consoles)
    base = consoles.base
    found = [
        Way(base + one.path or "/", "GET", _shown(consoles, one), one.changes) for one in PAGES
    ]
    found += [
        Way(base + "/ask/{op}", "POST", asks.ask, False),
        Way(base + "/do/{op}", "POST", asks.do, True),
        Way(base + "/ask/{ask_id}", "GET", asks.newest, False),
        Way(base + "/ask/{ask_id}/live", "GET", asks.live, False),
        Way(base + "/ask/{ask_id}", "DELETE", asks.cancel, False),
        Way(base + "/diagnostics.tar.gz", "GET", bundles.download, False),
    ]
    return found, asks


def _shown(consoles: Consoles, page: Page) -> Handler:
    async def show(request: Request) -> Response:
        try:
            edge = consoles.edge(request)
            consoles.desk(edge)
        except NoSuchEdge as error:
            return refusal(404, str(error))
        facts = {
            "edge": edge,
            "base": consoles.base.replace("{edge}", edge),
            "home": consoles.base.replace("{edge}", edge) or "/",
            "at_central": bool(consoles.base),
            "plate_setup": consoles.plate_setup,
            "here": page.here,
            "tabs": _tabs(may_change=consoles.may_change(request)),
            "may_change": consoles.may_change(request),
            "params": dict(request.path_params),
        }
        html = consoles.render(request, page.template, facts)
        return HTMLResponse(html, headers={"cache-control": "no-store"})

    return show


def _tabs(*, may_change: bool) -> list[Tab]:
    """Those that lead somewhere for who asks."""
    closed = {one.here for one in PAGES if one.changes and not may_change}
    return [one for one in TABS if one.key not in closed]
