"""What the pages share on which somebody decides: reading, drawing, and who may do what.

The pages only show. What somebody does there goes to the API's own routes, so that its rules, its
rights and its audit are the same for everybody, from wherever they act.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fastapi.responses import Response
from sqlalchemy import Connection, select

from central import schema
from central.access import behalf, reach
from central.access import model as access
from central.api.services import Services
from central.catalogue.errors import NotFound
from central.orders.model import NoSuchOrder
from central.stock.model import LocationKind, OutOfReach
from central.web.pages import Pages
from central.web.rights import may

__all__ = ["Desk", "may_at", "place_choices"]

MOST_PLACES = 500


class Desk:
    """Reads for a page, and draws it, with what every form of it needs."""

    def __init__(self, services: Services, pages: Pages) -> None:
        self.services, self._pages = services, pages

    async def page(
        self, template: str, read: Callable[[Connection], Mapping[str, Any]]
    ) -> Response:
        """The page of what ``read`` finds; one that says so where it finds nothing."""
        actor = behalf.asker()
        version = self._pages.changes.version  # before it is read: what comes later is told

        def work(conn: Connection) -> Mapping[str, Any]:  # in another thread: told again who asks
            with behalf.reaching(behalf.roots(), actor):
                return read(conn)

        try:
            facts = await self.services.read(work)
        except (NotFound, NoSuchOrder, OutOfReach) as error:
            return self._pages.page("missing.html", {"what": str(error)}, error.status)
        common = {"may": may, "open_house": actor is access.OPEN, "version": version}
        return self._pages.page(template, common | dict(facts))


def may_at(conn: Connection, permission: str, place: str) -> bool:
    """Whether the permission was granted to whoever asks for this place. The page itself may have
    been asked for under a permission that reaches further.
    """
    actor = behalf.asker()
    if actor is None:
        return False
    with behalf.reaching(access.reach(actor, permission), actor):
        return reach.holds(conn, place)


def place_choices(conn: Connection) -> list[tuple[str, str]]:
    """Codes and names of places within reach that hold goods, for a field's proposals."""
    place = schema.location.c
    query = select(place.code, place.name).where(place.kind == LocationKind.INTERNAL.value)
    if (granted := reach.within(place.code)) is not None:
        query = query.where(granted)
    found = conn.execute(query.order_by(place.code).limit(MOST_PLACES))
    return [(row.code, row.name) for row in found]
