"""The web application: the API's routes and the screens, put together."""

from __future__ import annotations

import os

from fastapi import APIRouter, FastAPI

from central.api import (
    attachments,
    audit,
    documents,
    health,
    imports,
    items,
    kpis,
    layouts,
    lots,
    openapi,
    passes,
    places,
    presence,
    problems,
    read_points,
    reports,
    reservations,
    reviews,
    sensed,
    substitutes,
    tags,
    why,
)
from central.api.access import by_provider, oauth, own, people, program_keys
from central.api.access.entrance import Entrance, open_entrance
from central.api.access.gate import guard
from central.api.access.signing import Signing
from central.api.alerts import routes as alerts
from central.api.counts import schedules as count_schedules
from central.api.counts import tasks as counts
from central.api.epcis import capture as epcis_capture
from central.api.epcis import discovery as epcis_discovery
from central.api.epcis import queries as epcis_queries
from central.api.epcis import query as epcis_query
from central.api.epcis import resources as epcis_resources
from central.api.epcis import subscribing as epcis_subscribing
from central.api.epcis.sockets import Sockets as EpcisSockets
from central.api.erp import intake as erp_intake
from central.api.erp import messages as erp_messages
from central.api.erp.page import ErpPage
from central.api.events import stream as events
from central.api.events import subscriptions
from central.api.graph import route as graphql
from central.api.labels import making as labels
from central.api.labels import printing
from central.api.orders import changing as changing_orders
from central.api.orders import outbound, picking
from central.api.receiving import orders as inbound_orders
from central.api.receiving import putaway
from central.api.receiving import sessions as receiving
from central.api.returns import routes as returns
from central.api.road import Road
from central.api.scan import routes as scanning
from central.api.series import routes as series
from central.api.services import Services
from central.api.signpost import Signpost
from central.api.stock import commands as stock_commands
from central.api.stock import corrections as stock_corrections
from central.api.stock import lookups as stock_lookups
from central.api.stock import movements as stock_movements
from central.console.page import DevicesPage
from central.insight.kpi_book import KpiBook
from central.web.alerting.pages import AlertPages
from central.web.counting.pages import CountPages
from central.web.feeds import FeedsPage
from central.web.ops.router import ops_routers
from central.web.orders.pages import OrderPages
from central.web.pages import Pages
from central.web.portals.movements import MovementPage
from central.web.portals.pages import PortalPages
from central.web.portals.passes import PassPages
from central.web.reporting.pages import ReportPages
from central.web.reviewing.pages import ReviewPages
from central.web.scan.pages import ScanPages
from screens.headers import SecurityHeaders
from screens.packing import Packed
from screens.static_files import STATIC, KeptFiles

_DESCRIPTION = """Items, locations, stock and the movements that made it so, with their evidence.

Commands take an `id` that you make: sending one again does nothing twice. Listings answer
`rows` and `next`; put `next` into `after` for the following page. Errors are RFC 9457
problem details. Quantities are integers of the item's smallest unit."""


def build(services: Services, pages: Pages, entrance: Entrance | None = None) -> FastAPI:
    """The application over the parts it is handed; open to everybody without an ``entrance``."""
    traced = any(name.startswith("OTEL_") for name in os.environ)
    app = FastAPI(
        title="Tallyport",
        version="1",
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        # It would look for OpenTelemetry at each request: a tenth of what a short answer costs.
        telemetry={"tracing": traced, "metrics": traced, "logs": traced},
    )
    entrance = entrance or open_entrance(services.database)
    for each in _routers(services, pages, entrance):
        app.router.routes += each.routes  # flat: nested routers cost every request
    app.router.routes.append(EpcisSockets(services).route())
    app.mount("/static", KeptFiles(directory=STATIC))
    openapi.describe(app)
    guard(app.router.routes, entrance.door)
    app.router.middleware_stack = Signpost(app.router.middleware_stack, app.router.routes)
    problems.register(app)
    app.add_middleware(Packed)
    app.add_middleware(SecurityHeaders)
    return app


def _routers(services: Services, pages: Pages, entrance: Entrance) -> tuple[APIRouter, ...]:
    """Every part's routes: a new router is added here."""
    signing = Signing(services, entrance, pages)
    road = Road()
    book = KpiBook()
    return (
        items.router(services),
        tags.router(services),
        substitutes.router(services),
        places.router(services),
        read_points.router(services),
        layouts.router(services),
        stock_commands.router(services),
        stock_corrections.router(services),
        stock_lookups.router(services),
        stock_movements.router(services),
        lots.router(services),
        reservations.router(services),
        outbound.router(services),
        changing_orders.router(services),
        picking.router(services),
        labels.router(services),
        printing.router(services),
        documents.router(services),
        inbound_orders.router(services),
        receiving.router(services),
        putaway.router(services),
        scanning.router(services),
        returns.router(services),
        counts.router(services),
        count_schedules.router(services),
        reviews.router(services),
        graphql.router(services, services.graphql),
        alerts.router(services),
        why.router(services),
        audit.router(services),
        events.router(services),
        subscriptions.router(services),
        *_epcis(services),
        erp_messages.router(services),
        erp_intake.router(services, entrance),
        DevicesPage(services, pages).router(),
        sensed.router(services, road),
        passes.router(services),
        presence.router(services),
        series.router(services),
        reports.router(services),
        imports.router(services),
        attachments.router(services),
        kpis.router(services, book),
        health.router(services, road, book),
        people.router(services, entrance),
        program_keys.router(services, entrance),
        own.router(services, entrance),
        oauth.router(entrance),
        *_screens(services, pages),
        signing.router(),
        by_provider.router(entrance, signing),
    )


def _epcis(services: Services) -> tuple[APIRouter, ...]:
    """EPCIS: asked, asked again and again, told, captured."""
    routers = (
        epcis_query.router(services),
        epcis_queries.router(services),
        epcis_subscribing.router(services),
        epcis_capture.router(services),
        epcis_resources.router(services),
    )
    return *routers, epcis_discovery.router(routers)


def _screens(services: Services, pages: Pages) -> tuple[APIRouter, ...]:
    """Every part's pages: a new one is added here."""
    return (
        pages.router(),
        *ops_routers(services, pages),
        ErpPage(services, pages).router(),
        FeedsPage(pages).router(),
        ScanPages(pages).router(),
        PortalPages(services, pages).router(),
        PassPages(services, pages).router(),
        MovementPage(services, pages).router(),
        ReviewPages(services, pages).router(),
        CountPages(services, pages).router(),
        OrderPages(services, pages).router(),
        AlertPages(services, pages).router(),
        ReportPages(services, pages).router(),
    )
