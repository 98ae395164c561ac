"""The application: the console's pages over this edge's desk, behind the entry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import structlog
from starlette.applications import Starlette
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from edge.page.entry import COOKIE, LASTS_S, Entry
from gateway.console import Ask
from screens.console.asks import Asks, answer, refusal
from screens.console.bundle import asked
from screens.console.port import Desk
from screens.console.routes import TABS, Handler, ways
from screens.headers import SecurityHeaders
from screens.nav import Entry as NavEntry
from screens.nav import Group
from screens.packing import Packed
from screens.static_files import STATIC, KeptFiles, static_address
from screens.templating import environment

__all__ = ["application"]

_log = structlog.get_logger("edge.page")
_MOST_FORM_BYTES = 4_096
_THUMBS = frozenset({"devices", "health", "logs"})
"""What stands at the bottom of a phone; the rest is behind "More"."""
_OPEN = ("/static/", "/pin", "/favicon.ico")


class _Own:
    """The one console there is here (``screens.console.port.Consoles``)."""

    base = ""
    plate_setup = ""

    def __init__(self, desk: Desk, edge: str, entry: Entry) -> None:
        self._desk, self._edge = desk, edge
        self._entry = entry
        self._templates = environment(nav=_nav)

    def desk(self, _edge: str) -> Desk:
        return self._desk

    def edge(self, _request: Request) -> str:
        return self._edge

    def may_change(self, _request: Request) -> bool:
        return True

    def who(self, request: Request) -> str:
        """Nobody has a name here: the address is what there is."""
        peer = request.client.host if request.client else ""
        return f"this edge's page ({peer})" if peer else "this edge's page"

    async def asked(self, request: Request, _edge: str, ask: Ask) -> None:
        """The log of the edge is what remembers here."""
        peer = request.client.host if request.client else ""
        _log.info("asked_on_the_page", op=ask.op, id=ask.id, peer=peer)

    def render(self, _request: Request, template: str, facts: Mapping[str, Any]) -> str:
        """A page, with what an edge's pages have in common."""
        known = {"with_pin": self._entry.needs_pin, **facts}
        return self._templates.get_template(template).render(known)


def application(desk: Desk, edge: str, entry: Entry) -> tuple[ASGIApp, Asks]:
    """The application, and what streams in it: stop that before the server is stopped."""
    own = _Own(desk, edge, entry)
    found, asks = ways(own)
    pin = _Pin(own, entry)
    routes: list[Route | Mount] = [
        Route(one.path, one.handler, methods=[one.method]) for one in found
    ]
    routes += [
        Route("/pin", pin.show, methods=["GET"]),
        Route("/pin", pin.give, methods=["POST"]),
        Route("/leave", pin.leave, methods=["POST"]),
        Route("/now.json", _now(desk), methods=["GET"]),
        Route("/favicon.ico", _icon, methods=["GET"]),
        Mount("/static", KeptFiles(directory=STATIC)),
    ]
    return SecurityHeaders(Packed(_Gate(Starlette(routes=routes), entry))), asks


class _Gate:
    """Stands before every route."""

    def __init__(self, app: ASGIApp, entry: Entry) -> None:
        self._app, self._entry = app, entry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refused = self._refused(HTTPConnection(scope), scope["method"], scope["path"])
        await (refused or self._app)(scope, receive, send)

    def _refused(self, request: HTTPConnection, method: str, path: str) -> Response | None:
        if method not in {"GET", "HEAD"} and self._entry.comes_from_elsewhere(request):
            return refusal(403, "Another site's page asked for this.")
        if path.startswith(_OPEN) or self._entry.admits(request):
            return None
        if path == "/now.json" and self._entry.is_of_this_machine(request):
            return None
        if not self._entry.needs_pin:
            return refusal(403, "This page is for this machine alone: open it as 127.0.0.1.")
        if "text/html" in request.headers.get("accept", ""):
            return RedirectResponse("/pin", 303)
        return refusal(401, "Give the pin first: open the page anew.")


class _Pin:
    """The page that asks for the pin."""

    def __init__(self, own: _Own, entry: Entry) -> None:
        self._own, self._entry = own, entry

    async def show(self, request: Request) -> Response:
        """Ask for it, unless it was given."""
        if self._entry.admits(request):
            return RedirectResponse("/", 303)
        return self._page(request, "")

    async def give(self, request: Request) -> Response:
        """A pin that somebody typed."""
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > _MOST_FORM_BYTES:
                return refusal(413, "That is too much for a pin.")
        fields = dict(parse_qsl(body.decode("utf-8", "replace")))
        wait_s = self._entry.wait_s()
        cookie = self._entry.open(fields.get("pin", ""))
        if cookie is None:
            wait_s = wait_s or self._entry.wait_s()
            later = f" Try again in {wait_s:.0f} s." if wait_s else ""
            return self._page(request, f"This is not the pin.{later}", 429 if wait_s else 403)
        opened = RedirectResponse("/", 303)
        opened.set_cookie(COOKIE, cookie, max_age=LASTS_S, httponly=True, samesite="strict")
        return opened

    async def leave(self, _request: Request) -> Response:
        """Forget that it was given, in this browser."""
        left = RedirectResponse("/pin" if self._entry.needs_pin else "/", 303)
        left.delete_cookie(COOKIE)
        return left

    def _page(self, request: Request, wrong: str, status: int = 200) -> Response:
        edge = self._own.edge(request)
        html = self._own.render(request, "console/pin.html", {"edge": edge, "wrong": wrong})
        return HTMLResponse(html, status, headers={"cache-control": "no-store"})


def _now(desk: Desk) -> Handler:
    async def now(_request: Request) -> Response:
        """How this edge is, for programs on this machine."""
        found, trouble = await asked(desk, "now")
        if trouble is not None:
            return refusal(500, trouble.text)
        return answer(found)

    return now


async def _icon(_request: Request) -> Response:
    return RedirectResponse(static_address("favicon.svg"), 308)


def _nav() -> list[Group]:
    entries = tuple(
        NavEntry(
            key=one.key,
            label=one.label,
            address=one.path or "/",
            icon=one.icon,
            thumb=one.key in _THUMBS,
        )
        for one in TABS
    )
    return [Group(label="", entries=entries)]
