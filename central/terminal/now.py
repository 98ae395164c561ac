"""Central as it is at this moment, for whoever stands in front of its terminal.

A handful of counts from one read of the database, and what the running parts know of themselves.
Rates are over the last seconds. Nothing here is kept.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Connection, Table, and_, func, or_, select

from central import schema
from central.database.store import Database
from central.web.views import figures
from central.web.views.trend import Day, Trend
from gateway.clock import Clock, SystemClock

__all__ = ["CentralNow", "Parts", "Vitals"]

_WINDOW = 6
"""Looks over which a rate is taken: some five seconds at one a second."""
_WELL = ("running", "starting", "held", "stopped")
_OPEN_ALERTS = ("raised", "acknowledged")


class CentralNow(msgspec.Struct, frozen=True, kw_only=True):
    """``edges_away`` are named; ``moves``, ``moved_in`` and ``moved_out`` since midnight UTC;
    ``judging_behind`` observations are stored and not judged, ``series_behind`` facts not yet in
    the charts; ``screens`` are live pages.
    """

    up_s: float
    url: str
    edges: int
    edges_away: tuple[str, ...]
    devices: int
    devices_bad: tuple[tuple[str, str, str], ...]
    observations: int
    observations_per_s: float
    judging_behind: int
    moves: int
    moved_in: int
    moved_out: int
    reviews: int
    alerts: int
    series_behind: int
    screens: int
    visitors: int


class Parts(NamedTuple):
    """What is asked of the running parts: ``series`` gives, for each source, how far its charts
    are; the others are figures as they stand.
    """

    url: Callable[[], str]
    ingest: Counter[str]
    judged: Callable[[], int]
    series: Callable[[], Mapping[str, int]]
    screens: Callable[[], int]
    visitors: Callable[[], int]


class _Books(NamedTuple):
    edges: Sequence[tuple[str, str]]
    devices: int
    bad: tuple[tuple[str, str, str], ...]
    reviews: int
    alerts: int
    newest_log_id: int
    ledger_seq: int
    today: Day


class Vitals:
    """``now`` reads and tells; not to be asked by two at once."""

    def __init__(self, database: Database, parts: Parts, clock: Clock | None = None) -> None:
        self._database = database
        self._parts = parts
        self._clock = clock or SystemClock()
        self._begun_s = self._clock.steady_s()
        self._trend = Trend()
        self._looks: deque[tuple[float, int]] = deque(maxlen=_WINDOW)
        self.newest: CentralNow | None = None

    async def now(self) -> CentralNow:
        """How all of it is; also kept as ``newest``."""
        books = await self._database.read(self._read)
        now_s, heard = self._clock.steady_s(), self._parts.ingest["observations"]
        self._looks.append((now_s, heard))
        series = self._parts.series()
        heads = {"observations": books.newest_log_id, "ledger": books.ledger_seq}
        self.newest = CentralNow(
            up_s=now_s - self._begun_s,
            url=self._parts.url(),
            edges=len(books.edges),
            edges_away=tuple(edge for edge, state in books.edges if state != "online"),
            devices=books.devices,
            devices_bad=books.bad,
            observations=heard,
            observations_per_s=self._per_s(),
            judging_behind=max(0, heard - self._parts.judged()),
            moves=books.today.moves,
            moved_in=books.today.units_in,
            moved_out=books.today.units_out,
            reviews=books.reviews,
            alerts=books.alerts,
            series_behind=sum(max(0, heads[name] - upto) for name, upto in series.items()),
            screens=self._parts.screens(),
            visitors=self._parts.visitors(),
        )
        return self.newest

    def _per_s(self) -> float:
        (first_s, first), (last_s, last) = self._looks[0], self._looks[-1]
        return (last - first) / (last_s - first_s) if last_s > first_s else 0.0

    def _read(self, conn: Connection) -> _Books:
        presence, device = schema.edge_presence.c, schema.device.c
        edges = conn.execute(select(presence.edge, presence.state).order_by(presence.edge))
        # One that runs may complain: a reader that tells no levels.
        complains = and_(
            device.state == "running", device.cause != "", device.device != device.edge
        )
        ill = select(device.edge, device.device, device.cause)
        ill = ill.where(or_(device.state.not_in(_WELL), complains))
        return _Books(
            edges=[(row.edge, row.state) for row in edges],
            devices=_count(conn, schema.device),
            bad=tuple((row.edge, row.device, row.cause) for row in conn.execute(ill)),
            reviews=_count(conn, schema.review, schema.review.c.status == "open"),
            alerts=_count(conn, schema.alert, schema.alert.c.state.in_(_OPEN_ALERTS)),
            newest_log_id=conn.execute(select(func.max(schema.observation.c.log_id))).scalar() or 0,
            ledger_seq=figures.ledger_seq(conn),
            today=self._trend.days(conn)[-1],
        )


def _count(conn: Connection, table: Table, *which: ColumnElement[bool]) -> int:
    counted = select(func.count()).select_from(table).where(*which)
    return conn.execute(counted).scalar_one()
