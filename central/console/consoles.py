"""Who may ask what of an edge, and what is kept of it: the console's pages at central."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection
from starlette.requests import Request

from central.access import model
from central.api.access.gate import actor_of
from central.api.acting import who
from central.api.services import Services, now_us
from central.console.kept import Begun, keep_ask
from central.console.redacting import redacted
from central.web.pages import Pages
from gateway.console import Ask
from screens.console.port import Desk

__all__ = ["PageConsoles"]


class PageConsoles:
    """Every edge's desk for the pages (``screens.console.port.Consoles``)."""

    base = "/devices/{edge}"
    plate_setup = "/screen/shelves/{point}/{plate}/setup"

    def __init__(self, services: Services, pages: Pages) -> None:
        self._services = services
        self._pages = pages

    def desk(self, edge: str) -> Desk:
        """Raises ``NoSuchEdge``."""
        return self._services.consoles.desk(edge)

    def edge(self, request: Request) -> str:
        """The edge in the address."""
        return str(request.path_params["edge"])

    def may_change(self, request: Request) -> bool:
        """Whether who asks may have devices changed."""
        return model.may(actor_of(request), "write:devices", "own")

    def who(self, request: Request) -> str:
        """Who asks, as the audit names them."""
        return who(request)

    async def asked(self, request: Request, edge: str, ask: Ask) -> None:
        """Kept before it is asked: what was asked and not kept must not be."""
        by, at_us = who(request), now_us()
        arguments = redacted(ask.arguments)

        def keep(conn: Connection) -> Begun:
            return keep_ask(conn, edge, ask, arguments, by=by, at_us=at_us)

        self._services.ends.begun(await self._services.write(keep))

    def render(self, _request: Request, template: str, facts: Mapping[str, Any]) -> str:
        """A page's HTML."""
        return self._pages.html(template, facts)
