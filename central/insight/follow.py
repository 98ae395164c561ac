"""Following the observation log and the ledger into the series, each by a cursor of its own.

Nothing here can block or change stock: the tables are only read, save for the cursor. What
the store cannot take now is sent again later, from the cursor; what it refuses for good is
counted and passed over.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any, Protocol

import structlog
from sqlalchemy import Connection, Row, select
from sqlalchemy.exc import DBAPIError

from central import schema
from central.database import cursors
from central.database.bulk import BulkLookup
from central.database.store import Database
from central.database.tide import Tide
from central.insight.points import AntennaSums, observed_points
from central.insight.series import Point, SeriesRefused, SeriesStore, SeriesUnavailable
from central.insight.windows import SECOND_US
from central.intake.observations import read_log
from central.stock.model import VIRTUAL_LOCATIONS
from gateway.contract import TagResident, TagSighting

_CHUNK = 2_000
_PACE_S = 0.5
"""The least time between two writes while facts keep coming."""
_BACK_OFF_S = (1.0, 60.0)
_REMEMBERED = 100_000
_VIRTUAL = frozenset(str(kind) for kind in VIRTUAL_LOCATIONS)
_ON_HAND_AT = BulkLookup(
    "SELECT k.sku, k.place, "
    "sum(CASE WHEN m.destination = k.place THEN m.quantity ELSE -m.quantity END) "
    "FROM {keys} JOIN movement m ON m.sku = k.sku AND m.seq <= k.seq "
    "AND m.source <> m.destination AND (m.source = k.place OR m.destination = k.place) "
    "GROUP BY k.sku, k.place",
    (("sku", "text"), ("place", "text"), ("seq", "bigint")),
)
_log = structlog.get_logger(__name__)


class Source(Protocol):
    """What is followed: gives points behind a position, and says where to go on from."""

    name: str

    def read(self, conn: Connection, position: int, now_us: int) -> tuple[list[Point], int]:
        """Points behind ``position``, and how far was read."""
        ...

    def kept(self, now_us: int, upto: int) -> int:
        """The points are kept; the position from which a restart would have to go on."""
        ...

    def forget(self) -> None:
        """What was read was not kept: begin again from the cursor."""
        ...


class ObservationSource:
    """Reads per antenna, weights and health out of the observation log."""

    name = "observations"

    def __init__(self) -> None:
        self._sums = AntennaSums()

    def read(self, conn: Connection, position: int, now_us: int) -> tuple[list[Point], int]:
        """See ``Source``."""
        points = list[Point]()
        logged = read_log(conn, position, _CHUNK)
        for entry in logged:
            seen = entry.observation
            if isinstance(seen, TagSighting | TagResident):
                self._sums.add(entry.log_id, seen, now_us)
            else:
                points.extend(observed_points(entry.edge, seen))
        return points + self._sums.points(), logged[-1].log_id if logged else position

    def kept(self, now_us: int, upto: int) -> int:
        """See ``Source``: a second that may still grow holds the cursor back."""
        self._sums.written(now_us)
        oldest = self._sums.oldest()
        return upto if oldest is None else min(upto, oldest - 1)

    def forget(self) -> None:
        """See ``Source``."""
        self._sums = AntennaSums()


class LedgerSource:
    """On hand by item and internal location after each movement, and what came to and left each
    location.
    """

    name = "ledger"

    def __init__(self) -> None:
        self._on_hand: dict[tuple[str, str], int] = {}

    def read(self, conn: Connection, position: int, now_us: int) -> tuple[list[Point], int]:
        """See ``Source``. Levels stand at the movement's record time; what was moved in its second,
        at the movement's own place in it, so that no movement takes another's.
        """
        del now_us
        moved = schema.movement.c
        columns = (
            moved.seq,
            moved.sku,
            moved.quantity,
            moved.source,
            moved.destination,
            moved.record_us,
        )
        fresh = select(*columns).where(moved.seq > position).order_by(moved.seq).limit(_CHUNK)
        if len(self._on_hand) > _REMEMBERED:
            self._on_hand.clear()
        rows = conn.execute(fresh).all()
        self._recall(conn, rows, position)
        points, moved_points = dict[tuple[str, str, int], Point](), list[Point]()
        for row in rows:
            at_us = row.record_us // SECOND_US * SECOND_US + row.seq % SECOND_US
            for place, change in ((row.source, -row.quantity), (row.destination, row.quantity)):
                if place in _VIRTUAL:
                    continue
                if row.source != row.destination:
                    moved_points.append(_moved(place, change, at_us))
                key = (row.sku, place)
                self._on_hand[key] += change
                points[row.sku, place, row.record_us] = Point(
                    measurement="stock",
                    tags={"sku": row.sku, "location": place},
                    fields={"on_hand": float(self._on_hand[key])},
                    time_us=row.record_us,
                )
            position = row.seq
        return [*points.values(), *moved_points], position

    def kept(self, now_us: int, upto: int) -> int:
        """See ``Source``."""
        del now_us
        return upto

    def forget(self) -> None:
        """See ``Source``."""
        self._on_hand.clear()

    def _recall(self, conn: Connection, rows: Sequence[Row[*tuple[Any, ...]]], seq: int) -> None:
        """What lay where the movements go from and to, once movement ``seq`` was posted."""
        ends = {(row.sku, place) for row in rows for place in (row.source, row.destination)}
        unknown = sorted(key for key in ends - self._on_hand.keys() if key[1] not in _VIRTUAL)
        self._on_hand.update(dict.fromkeys(unknown, 0))
        for sku, place, on_hand in _ON_HAND_AT.run(conn, [(*key, seq) for key in unknown]):
            self._on_hand[sku, place] = int(on_hand)


def _moved(place: str, change: int, at_us: int) -> Point:
    field = "units_in" if change > 0 else "units_out"
    return Point(
        measurement="movement",
        tags={"location": place},
        fields={field: float(abs(change))},
        time_us=at_us,
    )


def cursor_of(target: str, source: str) -> str:
    """Under which name it is kept how far a source has been drawn into a store."""
    return f"series:{target}:{source}"


class Follower:
    """One source into one store. ``counters``: ``points``, ``refused``, ``retries``, ``failed``."""

    def __init__(
        self, *, database: Database, tide: Tide, store: SeriesStore, target: str, source: Source
    ) -> None:
        self._database = database
        self._tide = tide
        self._store = store
        self._source = source
        self._cursor = cursor_of(target, source.name)
        self._position: int | None = None
        self._held: int | None = None
        self.counters: Counter[str] = Counter()

    @property
    def name(self) -> str:
        """What is followed."""
        return self._source.name

    @property
    def upto(self) -> int:
        """How far the charts are; 0 before the first look."""
        return self._position or 0

    async def rewind(self) -> None:
        """Begin from the first fact: the store is new."""
        await self._database.write(lambda c: cursors.forget(c, self._cursor))
        self._forget()

    async def run(self) -> None:
        """Follow until cancelled; a store or database that fails is tried again for ever."""
        self._forget()  # another worker may have followed meanwhile
        delay = _BACK_OFF_S[0]
        while True:
            level = self._tide.level
            more = await self._try_step(delay)
            if more is None:
                self._forget()
                await asyncio.sleep(delay)
                delay = min(delay * 2, _BACK_OFF_S[1])
                continue
            delay = _BACK_OFF_S[0]
            if more:
                continue
            await asyncio.sleep(_PACE_S)
            if self._held is None or self._held == self._position:
                await self._tide.above(level)

    async def _try_step(self, wait_s: float) -> bool | None:
        """``step``, or ``None`` with the reason told and counted."""
        try:
            return await self.step()
        except (SeriesUnavailable, DBAPIError) as error:
            self.counters["retries"] += 1
            _log.warning("series_behind", of=self._source.name, why=str(error), wait_s=wait_s)
        except Exception:  # noqa: BLE001 (told and counted: charts must not stop stock)
            self.counters["failed"] += 1
            _log.exception("series_failed", of=self._source.name, wait_s=wait_s)
        return None

    async def step(self) -> bool:
        """Take the next facts; true when there may be more at once."""
        now_us = time.time_ns() // 1_000
        if self._position is None:
            self._position = await self._database.read(self._stored)
            self._held = self._position
        since = self._position
        points, upto = await self._database.read(lambda c: self._source.read(c, since, now_us))
        if points:
            try:
                await self._store.write(points)
                self.counters["points"] += len(points)
            except SeriesRefused as error:
                self.counters["refused"] += len(points)
                _log.error("points_refused", of=self._source.name, why=str(error))
        self._position = upto
        held = self._source.kept(now_us, upto)
        if held != self._held:
            await self._database.write(lambda c: cursors.move(c, self._cursor, held))
            self._held = held
        return upto - since >= _CHUNK

    def _forget(self) -> None:
        self._position = None
        self._source.forget()

    def _stored(self, conn: Connection) -> int:
        there = cursors.place(conn, self._cursor)
        return 0 if there is None else there.position
