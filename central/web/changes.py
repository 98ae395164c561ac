"""Which pages have something new to show: told to those who look at an item, a place or a shelf.

The books are followed once for everybody; a client names what it looks at and is told that it
changed, never what. It then asks for its page's live part, so that a page costs nothing while its
own goods lie still. As in ``central.web.live`` a client has a version and no queue.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncGenerator, Collection, Iterable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

import structlog
from sqlalchemy import Connection, Row, func, select

from central import schema
from central.access.behalf import Roots
from central.alerts.looking import paths_of
from central.database.store import Database
from central.database.tide import Tide

__all__ = ["Changes", "Seen", "Topic", "look"]

COALESCE_S = 0.15
IDLE_S = 2.0
KEEP_ALIVE_S = 15.0
MAX_CLIENTS = 1_000
_MOST = 5_000
_WEIGHTS = ("weight_settled", "weight_disturbed")
_moved, _log, _happened = schema.movement.c, schema.observation.c, schema.alert_event.c
_review, _reserved = schema.review.c, schema.reserved.c
_logger = structlog.get_logger(__name__)


class Topic(NamedTuple):
    """What a page is about: ``kind`` item, place, shelf or stock (all of it), and its name."""

    kind: str
    name: str = ""


class Seen(NamedTuple):
    """How far the books were followed: the newest of what is only ever added, and how the rest
    stood.
    """

    ledger: int = 0
    log: int = 0
    alerts: int = 0
    reviews: Mapping[str, int] = MappingProxyType({})
    reserved: Mapping[str, int] = MappingProxyType({})


class Change(NamedTuple):
    """Topics that changed, and the places (with what encloses them) where it was."""

    topics: frozenset[Topic]
    places: frozenset[str]


def look(
    connection: Connection, before: Seen, watched: Collection[str] = ()
) -> tuple[Seen, list[Change]]:
    """What changed since ``before``. What is reserved is looked at of ``watched`` items only."""
    moved = _moved_since(connection, before.ledger)
    alerts = _alerts_since(connection, before.alerts)
    log, weighed = _weighed_since(connection, before.log)
    reviews, reserved = _open_reviews(connection), _reserved_of(connection, watched)
    points = weighed | _differing(before.reviews, reviews)
    at = _places_of(connection, points)
    ends = {end for row in moved for end in (row.source, row.destination)}
    paths = paths_of(connection, ends | {row.location for row in alerts} | set(at.values()))
    found = [
        _change(("item", row.sku), [*paths.get(row.source, ()), *paths.get(row.destination, ())])
        for row in moved
    ]
    found += [_change(("item", row.sku), paths.get(row.location, ())) for row in alerts]
    found += [_change(("shelf", code), paths.get(at.get(code, ""), ())) for code in points]
    other = {sku for sku, units in reserved.items() if before.reserved.get(sku, units) != units}
    found += [_change(("item", sku), ()) for sku in other]
    newest = Seen(
        ledger=max((row.seq for row in moved), default=before.ledger),
        log=log,
        alerts=max((row.seq for row in alerts), default=before.alerts),
        reviews=reviews,
        reserved=reserved,
    )
    return newest, found


def begin(connection: Connection) -> Seen:
    """From now on: what was before is on the pages already."""
    ledger, log, alerts = (
        connection.execute(select(func.max(column))).scalar() or 0
        for column in (_moved.seq, _log.log_id, _happened.seq)
    )
    return Seen(ledger, log, alerts, _open_reviews(connection))


def _moved_since(connection: Connection, seq: int) -> Sequence[Row[*tuple[Any, ...]]]:
    query = select(_moved.seq, _moved.sku, _moved.source, _moved.destination)
    query = query.where(_moved.seq > seq).order_by(_moved.seq.desc())
    return connection.execute(query.limit(_MOST)).all()


def _alerts_since(connection: Connection, seq: int) -> Sequence[Row[*tuple[Any, ...]]]:
    query = select(_happened.seq, schema.alert.c.sku, schema.alert.c.location)
    query = query.join(schema.alert, schema.alert.c.no == _happened.alert)
    query = query.where(_happened.seq > seq).order_by(_happened.seq.desc())
    return connection.execute(query.limit(_MOST)).all()


def _weighed_since(connection: Connection, log_id: int) -> tuple[int, set[str]]:
    """How far the log goes, and the shelves that were weighed since."""
    head = connection.execute(select(func.max(_log.log_id))).scalar() or 0
    query = select(_log.read_point).where(
        _log.log_id > log_id, _log.log_id <= head, _log.kind.in_(_WEIGHTS)
    )
    return head, set(connection.execute(query.distinct()).scalars())


def _open_reviews(connection: Connection) -> dict[str, int]:
    """How many reviews wait, by read point."""
    query = select(_review.read_point, func.count()).where(_review.status == "open")
    return {row[0]: row[1] for row in connection.execute(query.group_by(_review.read_point))}


def _reserved_of(connection: Connection, skus: Collection[str]) -> dict[str, int]:
    """Units that are reserved of some items."""
    found = dict.fromkeys(skus, 0)
    query = select(_reserved.sku, func.sum(_reserved.units)).where(_reserved.sku.in_(found))
    for sku, units in connection.execute(query.group_by(_reserved.sku)) if found else ():
        found[sku] = int(units)
    return found


def _places_of(connection: Connection, points: Collection[str]) -> dict[str, str]:
    """Where read points are."""
    point = schema.read_point.c
    query = select(point.code, point.location).where(point.code.in_(sorted(points)))
    return {row[0]: row[1] for row in connection.execute(query.order_by(point.id))}


def _change(topic: tuple[str, str], path: Iterable[str]) -> Change:
    places = frozenset(path)
    about = {Topic(*topic), Topic("stock"), *(Topic("place", code) for code in places)}
    return Change(frozenset(about), places)


def _differing(before: Mapping[str, int], after: Mapping[str, int]) -> set[str]:
    return {key for key in {*before, *after} if before.get(key) != after.get(key)}


class Changes:
    """Follows the books while somebody watches. ``counters``: ``looked``, ``failed``."""

    def __init__(self, *, database: Database, tide: Tide) -> None:
        self._database = database
        self._tide = tide
        self._version = 0
        self._newest: dict[Topic, int] = {}
        self._where: deque[tuple[int, Change]] = deque(maxlen=_MOST)
        self._changed = asyncio.Event()
        self._watched = asyncio.Event()
        self._stopped = False
        self._topics: Counter[Topic] = Counter()
        self.clients = 0
        self.counters: Counter[str] = Counter()

    @property
    def version(self) -> int:
        """What a page that is drawn now shows; its stream goes on from there."""
        return self._version

    async def run(self) -> None:
        """Follow the tide for as long as somebody watches; ends by cancellation."""
        while True:
            await self._watched.wait()
            seen = await self._database.read(begin)
            self._tell([], again=True)
            while self._watched.is_set():
                level = self._tide.level
                try:
                    seen, found = await self._database.read(partial(self._look, seen))
                    self._tell(found)
                except Exception:
                    self.counters["failed"] += 1
                    _logger.exception("changes_not_followed")
                try:
                    async with asyncio.timeout(IDLE_S):
                        await self._tide.above(level)
                except TimeoutError:
                    continue
                await asyncio.sleep(COALESCE_S)

    def _look(self, seen: Seen, connection: Connection) -> tuple[Seen, list[Change]]:
        watched = [topic.name for topic in tuple(self._topics) if topic.kind == "item"]
        self.counters["looked"] += 1
        return look(connection, seen, watched)

    def _tell(self, found: list[Change], *, again: bool = False) -> None:
        """Let those who look at what changed know; ``again``: all, as nobody followed meanwhile."""
        if not found and not again:
            return
        self._version += 1
        if again:
            self._newest.clear()
            self._newest[Topic("all")] = self._version
        for one in found:
            self._newest.update(dict.fromkeys(one.topics, self._version))
        self._where.extend((self._version, one) for one in found)
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def stop(self) -> None:
        """End every stream, so that the server can close its connections."""
        self._stopped = True
        self._wake()

    def resume(self) -> None:
        """Take streams again after ``stop``."""
        self._stopped = False

    @property
    def full(self) -> bool:
        """Whether one more client would be too many."""
        return self.clients >= MAX_CLIENTS

    def _concerns(self, topic: Topic, roots: Roots, since: int) -> bool:
        """Whether ``topic`` changed behind a version, as far as these places may see."""
        if self._newest.get(Topic("all"), 0) > since:
            return True
        if self._newest.get(topic, 0) <= since or roots is None:
            return self._newest.get(topic, 0) > since
        # Who was granted some places is told of changes there, and in doubt of those of no place.
        return any(
            version > since and topic in one.topics and (not one.places or one.places & roots)
            for version, one in self._where
        )

    async def stream(self, topic: Topic, roots: Roots, since: int) -> AsyncGenerator[bytes, None]:
        """Server-sent events for one client: ``moved`` whenever what it looks at changed behind
        the version that its page shows. A version of before a restart is out of date.
        """
        self._began(topic)
        version = since
        try:
            yield b"retry: 1000\n\n"
            while not self._stopped:
                waiting, seen = self._changed, version
                if self._version != version:
                    version = self._version
                    if version < seen or self._concerns(topic, roots, seen):
                        yield b"event: moved\ndata: %d\n\n" % version
                    continue
                try:
                    async with asyncio.timeout(KEEP_ALIVE_S):
                        await waiting.wait()
                except TimeoutError:
                    yield b": still here\n\n"
        finally:
            self._ended(topic)

    def _began(self, topic: Topic) -> None:
        self.clients += 1
        self._topics[topic] += 1
        self._watched.set()

    def _ended(self, topic: Topic) -> None:
        self.clients -= 1
        self._topics[topic] -= 1
        self._topics += Counter()  # lets go of those that nobody looks at
        if self.clients == 0:
            self._watched.clear()
