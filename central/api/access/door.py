"""Who asks: by a key or token in ``Authorization: Bearer``, or by the cookie of a session."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from functools import lru_cache
from urllib.parse import quote

from starlette.datastructures import URL
from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse, Response

from central.access import model
from central.access.errors import AccessError, NotYours
from central.access.keeper import Keeper, Shown
from central.access.keys import PREFIX
from central.access.model import PUBLIC, Actor
from central.api import problems
from central.api.access.forms import COOKIE, HEADER, comes_from_elsewhere, shows_token
from central.api.access.gate import TurnedAway
from central.api.access.routes import Asked

__all__ = ["SESSION", "LocalDoor", "LoginDoor", "address_of"]

SESSION = "tallyport.session"
_BEARER = "Bearer "
_SAFE = {"GET", "HEAD", "OPTIONS"}
_FORWARDED = {b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-real-ip"}
_SHOWN = {b"authorization", b"cookie"}


def address_of(request: HTTPConnection) -> str:
    """Where a request comes from."""
    return request.client.host if request.client else ""


class LoginDoor:
    """Everybody says who they are."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper

    async def who(self, request: HTTPConnection, asked: Asked) -> Actor | None:
        """See ``Door``."""
        if asked.permission == PUBLIC:
            return None
        try:
            shown = await self._shown(request)
            if shown is None:
                return None
            self._keeper.count_request(shown.actor.subject)
        except AccessError as error:
            raise TurnedAway(_not_let_in(error)) from error
        if shown.session is not None:
            _check_page(request, asked)
        request.scope[SESSION] = shown.session
        return shown.actor

    async def _shown(self, request: HTTPConnection) -> Shown | None:
        """Raises ``AccessError`` for a key or token that lets nobody in; a session that is over
        is no session.
        """
        if _SHOWN.isdisjoint(_named(request)):
            return None
        said = request.headers.get("authorization", "")
        try:
            if said.startswith(_BEARER):
                word = said.removeprefix(_BEARER).strip()
                return await (
                    self._keeper.key(word) if word.startswith(PREFIX) else self._keeper.token(word)
                )
            secret = request.cookies.get(COOKIE)
            return None if secret is None else await self._keeper.cookie(secret)
        except NotYours:
            self._keeper.count_stranger(address_of(request))
            if said.startswith(_BEARER):
                raise
            return None

    def stranger(self, request: HTTPConnection) -> Response:
        """People are shown where to log in, programs how."""
        wants_page = "text/html" in request.headers.get("accept", "")
        if wants_page and request.scope.get("method") in _SAFE:
            back = quote(request.url.path + (f"?{request.url.query}" if request.url.query else ""))
            return RedirectResponse(f"/login?next={back}", 303, {"cache-control": "no-store"})
        told = problems.answer(
            401,
            "say who you are: a key or token as `Authorization: Bearer ...`, or log in at /login",
        )
        told.headers["www-authenticate"] = 'Bearer realm="tallyport"'
        if "hx-request" in request.headers:
            told.headers["hx-redirect"] = "/login"
        return told


class LocalDoor(LoginDoor):
    """Open to this machine's own people, and only to them: what came through a proxy, by a name
    that is not this machine's (DNS rebinding), or from another site's page is not. Who shows a
    key or a session is held to what that may.

    ``hosts`` are further names that the machine is called by; ``None`` takes any.
    """

    def __init__(self, keeper: Keeper, hosts: Collection[str] | None = ()) -> None:
        super().__init__(keeper)
        self._hosts = None if hosts is None else {"localhost", *hosts}

    async def who(self, request: HTTPConnection, asked: Asked) -> Actor | None:
        """See ``Door``."""
        found = await super().who(request, asked)
        if found is not None or asked.permission == PUBLIC:
            return found
        if self._hosts is None:
            return _unless_elsewhere(request)
        if not _FORWARDED.isdisjoint(_named(request)):
            return None
        host = _host_of(request)
        if host not in self._hosts and not _is_loopback(host):
            raise TurnedAway(
                problems.answer(
                    403,
                    f"this central is open to its own machine only, which is not called "
                    f"{host}: name it in [access] hosts, or let people log in",
                )
            )
        return _unless_elsewhere(request)


def _named(request: HTTPConnection) -> set[bytes]:
    """The names of a request's headers."""
    return {name for name, _ in request.scope["headers"]}


def _host_of(request: HTTPConnection) -> str:
    """What the asker calls this machine."""
    named = request.headers.get("host")
    server = request.scope.get("server")
    return _host_named(named, None if server is None else tuple(server))


@lru_cache(maxsize=64)
def _host_named(named: str | None, server: tuple[str, int | None] | None) -> str:
    """The same of a ``Host`` header, or without one of the address that was asked."""
    headers = [] if named is None else [(b"host", named.encode("latin-1"))]
    bare = {"scheme": "http", "server": server, "path": "/", "headers": headers}
    return URL(scope=bare).hostname or ""


def _unless_elsewhere(request: HTTPConnection) -> Actor:
    if request.scope.get("method") not in _SAFE and comes_from_elsewhere(request):
        raise TurnedAway(problems.answer(403, "this was sent from another site's page"))
    return model.OPEN


@lru_cache(maxsize=64)
def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _check_page(request: HTTPConnection, asked: Asked) -> None:
    """What a session changes must come from one of our pages; forms are looked into later. So must
    who opens a WebSocket, which a browser lets another site's page read (and sends no header along
    that a page could set).
    """
    if request.scope["type"] == "websocket":
        _unless_elsewhere(request)
        return
    if request.scope["method"] in _SAFE or asked.form:
        return
    token = request.headers.get(HEADER, "")
    if comes_from_elsewhere(request) or not shows_token(request.cookies[COOKIE], token):
        raise TurnedAway(
            problems.answer(
                403,
                "send what the cookie tp_csrf holds as X-CSRF-Token, so that no other site "
                "can do this in your name",
            )
        )


def _not_let_in(error: AccessError) -> Response:
    told = problems.answer(error.status, str(error))
    told.headers.update(error.headers)
    if error.status == 401:
        told.headers["www-authenticate"] = 'Bearer realm="tallyport", error="invalid_token"'
    return told
