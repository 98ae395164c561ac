"""Which route a request asks for, and what that route says its callers need."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from fastapi.routing import APIRoute, iter_route_contexts
from starlette._utils import get_route_path
from starlette.routing import BaseRoute
from starlette.types import Scope

from central.access.model import PUBLIC, SIGNED_IN, Places
from central.api.permits import PERMISSION, PLACES

__all__ = ["Asked", "Routes"]

_WITHOUT_WORDS = {"/openapi.json": SIGNED_IN, "/static": PUBLIC}
"""What routes need that are none of FastAPI's, and cannot say it themselves."""


class Asked(NamedTuple):
    """A route, and what it needs: ``permission`` is ``None`` where it does not say."""

    route: BaseRoute
    path: str
    methods: frozenset[str]
    permission: str | None
    places: Places


class Routes:
    """The routes of an application in the order in which it looks through them."""

    def __init__(self, routes: Sequence[BaseRoute]) -> None:
        self._known: list[tuple[re.Pattern[str], Asked]] = []
        for one in iter_route_contexts(routes):
            pattern: re.Pattern[str] = one.path_regex
            self._known.append((pattern, _asked(one.original_route, one)))

    def find(self, scope: Scope) -> Asked | None:
        """The route that a request will reach; ``None`` where it will reach none."""
        path, method = get_route_path(scope), scope["method"]
        for pattern, asked in self._known:
            if pattern.match(path) and (not asked.methods or method in asked.methods):
                return asked
        return None

    def all(self) -> list[Asked]:
        """Every route."""
        return [asked for _pattern, asked in self._known]


def _asked(route: BaseRoute, shown: object) -> Asked:
    path = str(getattr(shown, "path", ""))
    methods = frozenset(getattr(shown, "methods", None) or ())
    if not isinstance(route, APIRoute):
        return Asked(route, path, methods, _WITHOUT_WORDS.get(path), "all")
    said = getattr(shown, "openapi_extra", None) or {}
    return Asked(route, path, methods, said.get(PERMISSION), said.get(PLACES, "all"))
