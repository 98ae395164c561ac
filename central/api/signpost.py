"""Finds a request's route by the first word of its path and its number of words, or by the whole
path where a route has no other.

A router tries its routes one after another, which costs every request more the more routes there
are: 150 of them cost more than most answers do. Behind a signpost it tries the few that can fit.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from fastapi import APIRouter
from starlette.routing import BaseRoute, Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send

_Key = tuple[str, int]


def _key(path: str) -> _Key:
    words = path.split("/")
    return words[1] if len(words) > 1 else "", len(words)


class Signpost:
    """Stands before the router of ``routes``, to which everything goes that finds nothing here:
    mounted folders, trailing slashes, what is nowhere.
    """

    def __init__(self, app: ASGIApp, routes: Sequence[BaseRoute]) -> None:
        self._app = app
        fitting: dict[_Key, list[Route]] = defaultdict(list)
        for route in routes:
            if isinstance(route, Route) and _is_plain(route.path):
                fitting[_key(route.path)].append(route)
        self._of_key = {
            key: _Few([one for one in few if "{" in one.path], app) for key, few in fitting.items()
        }
        whole = {key: _Few(few, app) for key, few in fitting.items()}
        self._of_path = {
            route.path: whole[key]
            for key, few in fitting.items()
            for route in few
            if "{" not in route.path
        }

    def routes_for(self, path: str) -> Sequence[BaseRoute]:
        """The routes that are tried for a path, in order."""
        few = self._few(path)
        return () if few is None else few.routes

    def _few(self, path: str) -> _Few | None:
        return self._of_path.get(path) or self._of_key.get(_key(path))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on: to the first route that fits it, as a router would. Where none
        does, and where traces are kept, a router says the rest.
        """
        found = self._few(scope["path"]) if scope["type"] == "http" else None
        if found is None:
            await self._app(scope, receive, send)
            return
        if not is_traced(scope):
            for route in found.routes:
                fits, more = route.matches(scope)
                if fits is Match.FULL:
                    scope.update(more)
                    await route.handle(scope, receive, send)
                    return
        await found.router(scope, receive, send)


def is_traced(scope: Scope) -> bool:
    """Whether FastAPI tells OpenTelemetry of the request, which its own way through it does."""
    return scope.get("fastapi.telemetry") is not None


class _Few:
    """A few routes, and what tries them before ``app``."""

    def __init__(self, routes: Sequence[Route], app: ASGIApp) -> None:
        self.routes = routes
        self.router = APIRouter(routes=list(routes), default=app, redirect_slashes=False)


def _is_plain(path: str) -> bool:
    """Whether only the requests of its own key can fit: no word is of several, none the first."""
    return ":path}" not in path and "{" not in path.split("/")[1]
