"""Champion and challenger: the stored log judged with other weights, beside what was posted.

The challenger lives in a world of its own: where it puts a tag is where the tag is for it, and what
people posted happened to both. What stock would have refused it counts as posted, and what another
kind of sensor said meanwhile it hears as the champion's ledger has it: close to what would have
been, not equal. Only reads.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, text

from central.intake.partitions import PARTITIONS
from central.judging.replay import SENSED, turns
from central.reconcile.mind import Mind
from central.reconcile.verdict import Pass, Review, Verdict
from central.reconcile.witness import BY_RULE
from central.stock import queries, rows, witnesses
from central.stock.model import Movement

__all__ = ["Changed", "Comparison", "challenge"]

Weighing = Callable[[], AbstractContextManager[None]]
"""Makes judging the challenger's, for as long as it lasts."""
_PAGE = 1_000
_PEOPLE = text(
    "SELECT seq, log_id, epcs, destination FROM movement WHERE seq > :after "
    "AND origin NOT IN ('portal', 'shelf', 'scan', 'zone') ORDER BY seq LIMIT :limit"
)
_REVIEWS = text(
    "SELECT id, read_point, reason, event_us FROM review "
    "WHERE id NOT LIKE 'refused-%' AND id NOT LIKE 'fault-%' "
    "AND id NOT LIKE 'rule-%' ORDER BY event_us, id"
)
_PASSES = text("SELECT id, read_point, opened_us, direction, decision FROM portal_pass")


class _Placed(NamedTuple):
    """Tags that people put somewhere, in the order of the ledger."""

    height: tuple[int, int]
    log_id: int
    epcs: tuple[str, ...]
    place: str


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """A pass that is judged otherwise: ``posted`` and ``challenger`` say how, or nothing."""

    at_us: int
    read_point: str
    posted: str = ""
    challenger: str = ""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A question to a person."""

    id: str
    read_point: str
    reason: str


class Comparison(msgspec.Struct, kw_only=True):
    """What differs. ``net`` is by item and location: what the challenger would have put there
    more than was posted.
    """

    entries: int = 0
    same_movements: int = 0
    same_reviews: int = 0
    same_passes: int = 0
    only_posted: list[Movement] = []
    only_challenger: list[Movement] = []
    asked_only_then: list[Asked] = []
    asked_only_now: list[Asked] = []
    passes: list[Changed] = []
    net: dict[str, dict[str, int]] = {}

    @property
    def differs(self) -> bool:
        """Whether anything does."""
        found = (self.only_posted, self.only_challenger, self.passes)
        return any((*found, self.asked_only_then, self.asked_only_now))


def challenge(
    conn: Connection, weighing: Weighing, told: Callable[[int], None] = lambda _: None
) -> Comparison:
    """Judge the whole log as far as it was judged, and compare; ``told`` hears how many entries
    are done.
    """
    return _Challenge(conn, weighing).run(told)


class _Challenge:
    def __init__(self, conn: Connection, weighing: Weighing) -> None:
        self._conn = conn
        self._weighing = weighing
        self._placed: dict[str, str] = {}
        self._people = _people(conn)
        self._next = next(self._people, None)
        self._movements: dict[str, Movement] = {}
        self._known: set[str] = set()
        self._reviews: dict[str, Review] = {}
        self._passes: dict[str, Pass] = {}
        self._found = Comparison()

    def run(self, told: Callable[[int], None]) -> Comparison:
        minds = [Mind() for _ in range(PARTITIONS)]
        for turn in turns(self._conn):
            self._bring(turn.log_id)
            context = msgspec.structs.replace(turn.context, placed=self._placed)
            with self._weighing():
                verdict = turn._replace(context=context).judged_by(minds[turn.partition])
            self._take(verdict)
            self._found.entries += turn.logged is not None
            told(self._found.entries)
        self._compare_movements()
        self._compare_reviews()
        self._compare_passes()
        return self._found

    def _bring(self, before_log: int) -> None:
        """What people moved until then happened in both worlds."""
        while self._next is not None and self._next.log_id < before_log:
            self._placed.update(dict.fromkeys(self._next.epcs, self._next.place))
            self._next = next(self._people, None)

    def _take(self, verdict: Verdict) -> None:
        amended = (one for amendment in verdict.amendments for one in amendment.movements)
        for movement in (*verdict.movements, *amended):
            self._placed.update(dict.fromkeys(movement.epcs, movement.destination))
            posted = queries.movement_by_id(self._conn, movement.id)
            if posted is not None and _content(posted.movement) == _content(movement):
                self._known.add(movement.id)
            else:
                self._movements[movement.id] = movement
        self._reviews |= {one.id: one for one in verdict.reviews}
        self._passes |= {one.id: one for one in verdict.passes}

    def _compare_movements(self) -> None:
        found = self._found
        mine: dict[tuple[object, ...], list[Movement]] = {}
        for movement in self._movements.values():
            mine.setdefault(_content(movement), []).append(movement)
        found.same_movements = len(self._known)
        for posted in _sensed(self._conn):
            if posted.id in self._known:
                continue
            same = mine.get(_content(posted))
            if same:
                same.pop(0)
                found.same_movements += 1
            else:
                found.only_posted.append(posted)
        found.only_challenger = [one for ones in mine.values() for one in ones]
        found.net = _net(found.only_posted, found.only_challenger)

    def _compare_reviews(self) -> None:
        left = dict(self._reviews)
        for row in self._conn.execute(_REVIEWS).all():
            if left.pop(row.id, None) is not None:
                self._found.same_reviews += 1
            else:
                asked = Asked(id=row.id, read_point=row.read_point, reason=row.reason)
                self._found.asked_only_then.append(asked)
        self._found.asked_only_now = [
            Asked(id=one.id, read_point=one.read_point, reason=one.reason) for one in left.values()
        ]

    def _compare_passes(self) -> None:
        left = dict(self._passes)
        changed = self._found.passes
        for row in self._conn.execute(_PASSES).all():
            then = f"{row.direction}, {row.decision}"
            one = left.pop(row.id, None)
            now = "" if one is None else f"{one.direction}, {one.decision}"
            if then == now:
                self._found.same_passes += 1
            else:
                changed.append(
                    Changed(
                        at_us=row.opened_us, read_point=row.read_point, posted=then, challenger=now
                    )
                )
        changed += (
            Changed(
                at_us=round(one.opened_at.timestamp() * 1e6),
                read_point=one.read_point,
                challenger=f"{one.direction}, {one.decision}",
            )
            for one in left.values()
        )
        changed.sort(key=lambda one: (one.at_us, one.read_point, one.posted))


def _content(posted: Movement) -> tuple[object, ...]:
    one = rows.as_judged(posted)
    return one.sku, one.lot, one.quantity, one.source, one.destination, tuple(sorted(one.epcs))


def _net(posted: list[Movement], challenger: list[Movement]) -> dict[str, dict[str, int]]:
    change: Counter[tuple[str, str]] = Counter()
    for movements, sign in ((posted, -1), (challenger, 1)):
        for one in movements:
            change[one.sku, one.destination] += sign * one.quantity
            change[one.sku, one.source] -= sign * one.quantity
    net: dict[str, dict[str, int]] = {}
    for (sku, location), quantity in sorted(change.items()):
        if quantity:
            net.setdefault(sku, {})[location] = quantity
    return net


def _sensed(conn: Connection) -> Iterator[Movement]:
    after = 0
    while page := queries.movements(conn, after_seq=after, limit=_PAGE):
        yield from (one.movement for one in page if one.movement.origin in SENSED)
        after = page[-1].seq


def _people(conn: Connection) -> Iterator[_Placed]:
    """What was not sensed: under which log entry, which tags, and where to."""
    yield from heapq.merge(_moved_by_people(conn), _along(conn))


def _moved_by_people(conn: Connection) -> Iterator[_Placed]:
    after = 0
    while found := conn.execute(_PEOPLE, {"after": after, "limit": _PAGE}).all():
        for row in found:
            epcs = msgspec.json.decode(row.epcs, type=tuple[str, ...])
            yield _Placed((row.seq, 0), row.log_id, epcs, row.destination)
        after = found[-1].seq


def _along(conn: Connection) -> Iterator[_Placed]:
    """The tags that went with what they moved."""
    for one in witnesses.everything(conn):
        if one.origin == BY_RULE:
            yield _Placed((one.after_seq, one.no), one.log_id, one.epcs, one.location)
