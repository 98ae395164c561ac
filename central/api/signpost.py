"""Finds a request's route by the first word of its path and its number of words.

A router tries its routes one after another, which costs every request more the more routes there
are: 150 of them cost more than most answers do. Behind a signpost it tries the few that can fit.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from fastapi import APIRouter
from starlette.routing import BaseRoute, Route
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
        fitting: dict[_Key, list[BaseRoute]] = defaultdict(list)
        for route in routes:
            if isinstance(route, Route) and _is_plain(route.path):
                fitting[_key(route.path)].append(route)
        self._fitting = dict(fitting)
        self._routers = {
            key: APIRouter(routes=few, default=app, redirect_slashes=False)
            for key, few in fitting.items()
        }

    def routes_for(self, path: str) -> Sequence[BaseRoute]:
        """The routes that are tried for a path, in order."""
        return self._fitting.get(_key(path), ())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        found = self._routers.get(_key(scope["path"])) if scope["type"] == "http" else None
        await (found or self._app)(scope, receive, send)


def _is_plain(path: str) -> bool:
    """Whether only the requests of its own key can fit: no word is of several, none the first."""
    return ":path}" not in path and "{" not in path.split("/")[1]
