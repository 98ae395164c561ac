"""All routes of the stock manager's pages."""

from __future__ import annotations

from fastapi import APIRouter

from central.api.services import Services
from central.web.ops.arranging import ArrangePages
from central.web.ops.finding import FindPages
from central.web.ops.ground import Ground
from central.web.ops.items import ItemPages
from central.web.ops.places import PlacePages
from central.web.ops.shelves import ShelfPages
from central.web.pages import Pages

__all__ = ["ops_routers"]


def ops_routers(services: Services, pages: Pages) -> list[APIRouter]:
    """A router for each kind of thing, over the same ground."""
    ground = Ground(services, pages)
    parts = (
        FindPages(ground), ItemPages(ground), PlacePages(ground), ShelfPages(ground),
        ArrangePages(ground),
    )  # fmt: skip
    return [one.router() for one in parts]
