"""What the API's routes are handed: the parts of central that they ask or tell."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import msgspec
from fastapi import Response
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from central.access.behalf import carried
from central.alerts.model import ChannelKind
from central.alerts.telling.ways import Way
from central.attachments.desk import AttachmentDesk
from central.config import (
    CentralSettings,
    EpcisSection,
    EventsSection,
    GraphSection,
    OrdersSection,
)
from central.console.edges import EdgeConsoles
from central.console.ends import Ends
from central.database.grouped import Grouped
from central.database.store import Database
from central.database.tide import Tide
from central.erp.config import ErpSection
from central.insight.series import SeriesStore
from central.labels.desk import LabelDesk
from central.orders.model import Order
from central.orders.ordering import Taken, take_each
from central.reports.desk import ReportDesk
from central.reservations import guarding
from central.reservations.reserving import Reserved, Wish, reserve_each
from central.stock.ledger import AT_ONCE
from central.stock.model import Movement, Posted
from gateway.mqtt_settings import NotConnected

T = TypeVar("T")
_LOOK_UPS = 100
"""So many look-ups are asked together: the first waits for the last."""
_encode = msgspec.json.Encoder().encode


class Broker(Protocol):
    """The connection to the broker, as far as readiness is concerned."""

    last_error: str

    @property
    def is_connected(self) -> bool:
        """Whether messages can be received now."""
        ...


class Services:
    """Everything behind the API. ``counters`` are shown as metrics, by part; ``live`` tells what
    edges with a backlog preview, ``events`` where events may be told to, ``epcis`` what places
    are called there, ``ways`` those by which people are told of alerts, ``orders`` where cartons
    get their numbers, ``erp`` which programs are connected. ``posting``, ``reserving`` and
    ``ordering`` take what many clients ask for together.
    """

    def __init__(
        self,
        *,
        database: Database,
        tide: Tide,
        series: SeriesStore,
        reports: ReportDesk,
        attachments: AttachmentDesk,
        broker: Broker | None = None,
        counters: dict[str, Counter[str]] | None = None,
        live: Callable[[], list[dict[str, object]]] = list,
        events: EventsSection | None = None,
        ways: Mapping[ChannelKind, Way] | None = None,
        epcis: EpcisSection | None = None,
        graphql: GraphSection | None = None,
        orders: OrdersSection | None = None,
        erp: ErpSection | None = None,
        labels: LabelDesk | None = None,
        consoles: EdgeConsoles | None = None,
        ends: Ends | None = None,
    ) -> None:
        self.database = database
        self.tide = tide
        self.series = series
        self.reports = reports
        self.attachments = attachments
        self.broker = broker
        self.posting: Grouped[Movement, Posted] = Grouped(
            self.write,
            lambda conn, group: guarding.post_each(conn, group, record_us=now_us()),
            most=AT_ONCE,
        )
        self.reserving: Grouped[Wish, Reserved] = Grouped(
            self.write, lambda conn, group: reserve_each(conn, group, at_us=now_us())
        )
        self.ordering: Grouped[Order, Taken] = Grouped(
            self.write, lambda conn, group: take_each(conn, group, at_us=now_us())
        )
        self._looking: Grouped[Callable[[Connection], Any], Any] = Grouped(
            database.read, look_up_each, most=_LOOK_UPS, gather_s=0.0
        )
        self.counters = {
            **(counters or {}),
            "ordering": self.ordering.counters,
            "posting": self.posting.counters,
            "reserving": self.reserving.counters,
        }
        self.live = live
        self.events = events or EventsSection()
        self.graphql = graphql or GraphSection()
        self.ways: Mapping[ChannelKind, Way] = ways or {}
        self.epcis = epcis or EpcisSection()
        self.orders = orders or OrdersSection()
        self.erp = erp or ErpSection()
        self.consoles = consoles or EdgeConsoles(_to_nobody)
        self.ends = ends or Ends(database, tide, self.consoles)
        self.labels = labels or LabelDesk(CentralSettings())

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Ask the database, on behalf of whoever sent the request."""
        return await self.database.read(carried(work))

    async def look_up(self, work: Callable[[Connection], T]) -> T:
        """Ask for a few rows that an index finds. On SQLite that is done before a thread has been
        woken, and beside busy threads the loop would wait for its turn: it is done at once. On
        PostgreSQL, which answers from afar, those who ask meanwhile ask together.
        """
        if self.database.backend == "sqlite":
            return self.database.read_now(work)
        found: T = await self._looking.do(work)
        return found

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Change something in one transaction, on behalf of whoever sent the request, and wake
        those who tell.
        """
        result = await self.database.write(carried(work))
        self.tide.rise()
        return result


def look_up_each(connection: Connection, group: Sequence[Callable[[Connection], Any]]) -> list[Any]:
    """What each finds, or what it raised: of an item that there is not the others hear nothing."""
    found: list[Any] = []
    for work in group:
        try:
            found.append(work(connection))
        except DBAPIError:  # the transaction is over, for all of them
            raise
        except Exception as error:  # noqa: BLE001 (handed to whoever asked)
            found.append(error)
    return found


async def _to_nobody(topic: str, payload: bytes, *, qos: int = 1) -> bool:
    """The publishing of a central without a broker."""
    raise NotConnected(f"there is none to publish {len(payload)} bytes to {topic} (QoS {qos})")


def now_us() -> int:
    """Central's clock, microseconds since 1970 UTC."""
    return time.time_ns() // 1_000


def json_answer(content: object, status: int = 200) -> Response:
    """An answer's body as JSON."""
    return Response(_encode(content), status, media_type="application/json")
