"""The web application: the API's routes and the screens, put together."""

from __future__ import annotations

from fastapi import Depends, FastAPI

from central.api import (
    audit,
    documents,
    health,
    items,
    kpis,
    places,
    presence,
    problems,
    read_points,
    reviews,
    sensed,
    series,
    stock,
    tags,
    why,
)
from central.api.access.gate import Door, Gate, OpenDoor, passed
from central.api.road import Road
from central.api.services import Services
from central.insight.kpi_book import KpiBook
from central.web.headers import SecurityHeaders
from central.web.pages import STATIC, KeptFiles, Pages

_DESCRIPTION = """Items, locations, stock and the movements that made it so, with their evidence.

Commands take an `id` that you make: sending one again does nothing twice. Listings answer
`rows` and `next`; put `next` into `after` for the following page. Errors are RFC 9457
problem details. Quantities are integers of the item's smallest unit."""


def build(services: Services, pages: Pages, door: Door | None = None) -> FastAPI:
    """The application over the parts it is handed. Without a ``door`` it is open to everybody."""
    app = FastAPI(
        title="Tallyport",
        version="1",
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        dependencies=[Depends(passed)],
    )
    road = Road()
    book = KpiBook()
    app.include_router(items.router(services))
    app.include_router(tags.router(services))
    app.include_router(places.router(services))
    app.include_router(read_points.router(services))
    app.include_router(stock.router(services))
    app.include_router(documents.router(services))
    app.include_router(reviews.router(services))
    app.include_router(why.router(services))
    app.include_router(audit.router(services))
    app.include_router(sensed.router(services, road))
    app.include_router(presence.router(services))
    app.include_router(series.router(services))
    app.include_router(kpis.router(services, book))
    app.include_router(health.router(services, road, book))
    app.include_router(pages.router())
    app.mount("/static", KeptFiles(directory=STATIC))
    problems.register(app)
    app.add_middleware(Gate, door=door or OpenDoor())
    app.add_middleware(SecurityHeaders)
    return app
