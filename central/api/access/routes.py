"""What each route says that its callers need."""

from __future__ import annotations

from typing import NamedTuple

from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute

from central.access.model import PUBLIC, SIGNED_IN, Places
from central.api.permits import FORM, PERMISSION, PLACES

__all__ = ["Asked", "asked_of"]

_WITHOUT_WORDS = {"/openapi.json": SIGNED_IN, "/static": PUBLIC}
"""What routes need that are none of FastAPI's, and cannot say it themselves."""


class Asked(NamedTuple):
    """What a route needs: ``permission`` is ``None`` where it does not say."""

    path: str
    methods: frozenset[str]
    permission: str | None
    places: Places
    form: bool = False


def asked_of(route: BaseRoute) -> Asked:
    """What a route needs."""
    assert isinstance(route, Route | Mount | WebSocketRoute), "there are no others here"
    methods = frozenset(getattr(route, "methods", None) or ())
    said = getattr(route, "openapi_extra", None) or {}
    permission = said.get(PERMISSION, _WITHOUT_WORDS.get(route.path))
    return Asked(route.path, methods, permission, said.get(PLACES, "all"), FORM in said)
