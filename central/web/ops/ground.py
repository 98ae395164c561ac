"""What the pages of items, places and shelves share: who may do what there, and reading."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from fastapi.responses import HTMLResponse, Response
from sqlalchemy import Connection

from central.access import reach
from central.api.permits import needs
from central.api.services import Services
from central.catalogue.errors import NotFound
from central.stock.model import OutOfReach
from central.web.pages import Pages
from central.web.rights import may

__all__ = ["OWN", "Ground"]

T = TypeVar("T")
OWN = needs("read:screens", "own")
"""The pages show only what lies in the places that somebody was granted."""


class Ground:
    """Reads for a page, and draws it."""

    def __init__(self, services: Services, pages: Pages) -> None:
        self.services = services
        self._pages = pages

    def page(self, template: str, facts: Mapping[str, object]) -> HTMLResponse:
        """A rendered page, with what somebody may do and from where its stream goes on."""
        common = {"may": may, "version": self._pages.changes.version}
        return self._pages.page(template, common | dict(facts))

    async def shown(
        self, template: str, read: Callable[[Connection], Mapping[str, object]]
    ) -> Response:
        """The page of what ``read`` finds; one that says so where it finds nothing."""
        version = self._pages.changes.version
        try:
            facts = await self.services.read(read)
        except (NotFound, OutOfReach) as error:
            return self._pages.page("missing.html", {"what": str(error)}, error.status)
        return self.page(template, {**facts, "version": version})

    def printers(self, connection: Connection) -> list[str]:
        """Label printers within reach, by name."""
        found = sorted(self.services.labels.printers.items())
        return [name for name, one in found if reach.holds(connection, one.place)]
