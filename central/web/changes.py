"""Which pages have something new to show: told to those who look at an item, a place, a shelf,
the reviews or the passes.

The books are followed once for everybody; a client names what it looks at and is told that it
changed, never what. It then asks for its page's live part, so that a page costs nothing while its
own goods lie still, and may differ from reader to reader (by filters, by what they were granted).
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, func, select

from central import schema
from central.access.behalf import Roots
from central.alerts.looking import paths_of
from central.database.store import Database
from central.database.tide import Tide
from central.web.acted import Acted, acted_since
from central.web.stream import Stream

__all__ = ["PASSES", "REVIEWS", "Changes", "Seen", "Topic", "look"]

_MOST = 5_000
_WEIGHTS = ("weight_settled", "weight_disturbed")
_moved, _log, _happened = schema.movement.c, schema.observation.c, schema.alert_event.c
_review, _reserved = schema.review.c, schema.reserved.c
_label, _pass = schema.label.c, schema.portal_pass.c


class Topic(NamedTuple):
    """What a page is about: ``kind`` item, place or shelf and its name; or stock, reviews,
    passes, orders or counts (all of them).
    """

    kind: str
    name: str = ""


REVIEWS, PASSES = Topic("reviews"), Topic("passes")


class Seen(NamedTuple):
    """How far the books were followed: the newest of what is only ever added, and how the rest
    stood.
    """

    ledger: int = 0
    log: int = 0
    alerts: int = 0
    passes: int = 0
    labels: tuple[int, int] = (0, 0)
    reviews: Mapping[str, tuple[int, int]] = MappingProxyType({})
    reserved: Mapping[str, int] = MappingProxyType({})
    acted: Acted = Acted()


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
    passes, passed = _passed_since(connection, before.passes)
    reviews, reserved = _open_reviews(connection), _reserved_of(connection, watched)
    asked, labels = _differing(before.reviews, reviews), _labels(connection)
    at = _places_of(connection, weighed | asked | passed)
    ends = {end for row in moved for end in (row.source, row.destination)}
    paths = paths_of(connection, ends | {row.location for row in alerts} | set(at.values()))

    def around(code: str) -> Sequence[str]:
        return paths.get(at.get(code, ""), ())

    found = [
        _change(("item", row.sku), [*paths.get(row.source, ()), *paths.get(row.destination, ())])
        for row in moved
    ]
    found += [_change(("item", row.sku), paths.get(row.location, ())) for row in alerts]
    found += [_change(("shelf", code), around(code)) for code in weighed | asked]
    found += [_told((REVIEWS, PASSES), around(code)) for code in asked]
    found += [_told((PASSES,), around(code)) for code in passed]
    found += [_told((REVIEWS, PASSES))] if labels != before.labels else []
    acted, done = acted_since(connection, before.acted)
    found += [_told((Topic(one),)) for one in sorted(done)]
    other = {sku for sku, units in reserved.items() if before.reserved.get(sku, units) != units}
    found += [_change(("item", sku), ()) for sku in other]
    newest = Seen(
        ledger=max((row.seq for row in moved), default=before.ledger),
        log=log,
        alerts=max((row.seq for row in alerts), default=before.alerts),
        passes=passes,
        labels=labels,
        reviews=reviews,
        reserved=reserved,
        acted=acted,
    )
    return newest, found


def begin(connection: Connection) -> Seen:
    """From now on: what was before is on the pages already."""
    ledger, log, alerts, passes = (
        connection.execute(select(func.max(column))).scalar() or 0
        for column in (_moved.seq, _log.log_id, _happened.seq, _pass.closed_us)
    )
    return Seen(
        ledger, log, alerts, passes, _labels(connection), _open_reviews(connection),
        acted=acted_since(connection, Acted())[0],
    )  # fmt: skip


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


def _passed_since(connection: Connection, closed_us: int) -> tuple[int, set[str]]:
    """When the newest pass was over, and the portals that had passes since."""
    query = select(_pass.read_point, func.max(_pass.closed_us)).where(_pass.closed_us > closed_us)
    found = connection.execute(query.group_by(_pass.read_point)).all()
    return max((row[1] for row in found), default=closed_us), {row[0] for row in found}


def _labels(connection: Connection) -> tuple[int, int]:
    """The newest of what people said, and how much there is: some of it is taken back."""
    newest, count = connection.execute(select(func.max(_label.id), func.count(_label.id))).one()
    return newest or 0, count


def _open_reviews(connection: Connection) -> dict[str, tuple[int, int]]:
    """How many reviews wait and when the newest was opened, by read point."""
    query = select(_review.read_point, func.count(), func.max(_review.opened_us))
    query = query.where(_review.status == "open").group_by(_review.read_point)
    return {point: (count, opened) for point, count, opened in connection.execute(query)}


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


def _told(topics: Iterable[Topic], path: Iterable[str] = ()) -> Change:
    return Change(frozenset(topics), frozenset(path))


def _differing(before: Mapping[str, object], after: Mapping[str, object]) -> set[str]:
    return {key for key in {*before, *after} if before.get(key) != after.get(key)}


class Changes(Stream):
    """Follows the books while somebody watches, and tells whom a change concerns. ``also`` gives a
    topic a number that is another one when what is not in the books changed.
    """

    def __init__(self, *, database: Database, tide: Tide) -> None:
        super().__init__(tide)
        self._database = database
        self._seen = Seen()
        self._newest: dict[Topic, int] = {}
        self._where: deque[tuple[int, Change]] = deque(maxlen=_MOST)
        self._topics: Counter[Topic] = Counter()
        self.also: dict[Topic, Callable[[], int]] = {}
        self._others: dict[Topic, int] = {}

    async def look(self, *, anew: bool) -> None:
        """Follow the books; let those who look at what changed know."""
        if anew:  # nobody followed meanwhile: everybody looks again
            self._seen = await self._database.read(begin)
            self._newest = {Topic("all"): self.version + 1}
            self._beside()
            self.tell()
            return
        watched = {topic.name for topic in self._topics if topic.kind == "item"}
        looked = partial(look, before=self._seen, watched=watched)
        self._seen, found = await self._database.read(looked)
        found += self._beside()
        for one in found:
            self._newest.update(dict.fromkeys(one.topics, self.version + 1))
        self._where.extend((self.version + 1, one) for one in found)
        if found:
            self.tell()

    def _beside(self) -> list[Change]:
        now = {topic: asked() for topic, asked in self.also.items()}
        before, self._others = self._others, now
        return [_told((topic,)) for topic in now if before.get(topic) != now[topic]]

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

        def moved(seen: int) -> bytes:
            if self.version > seen and not self._concerns(topic, roots, seen):
                return b""
            return b"event: moved\ndata: %d\n\n" % self.version

        self._topics[topic] += 1
        try:
            async with aclosing(self.follow(moved, since)) as events:
                async for event in events:
                    yield event
        finally:
            self._topics[topic] -= 1
            self._topics += Counter()  # lets go of those that nobody looks at
