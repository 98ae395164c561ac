"""Watching: what moved is looked at again, and by the clock what time alone brings.

A cursor follows the ledger, the audit and the log of events. Behind it, only items that moved,
changed, or were reserved and given back are looked at again, as they are now; a change of rules or
of the tree of places has everything looked at once more, in portions. So has the clock, every so
often: days pass without a movement. Nothing is kept of stock that could be old: each look asks the
balances.

Looking is done on a snapshot, beside the writer. What follows from it (alerts, what happened, whom
to tell, the cursor) is written in one transaction: after a crash it is done again or was done.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from typing import NamedTuple

import msgspec
import structlog
from sqlalchemy import Connection, func, select

from central import audit, schema
from central.alerts import book, clockwork, items, life, looking, notices, rules
from central.alerts.life import Step
from central.alerts.model import OF_PLACES, Alert, Finding, Rule
from central.database import cursors
from central.database.enduring import AT_ONCE, follow
from central.database.store import Database
from central.database.tide import Tide
from central.events import log as events
from central.events.model import skus_and_places
from central.stock import queries, watched
from gateway.clock import Clock, SystemClock

__all__ = ["Watch"]

_log = structlog.get_logger(__name__)
_CURSOR = "alerts"
_CHUNK = 2_000
_PORTION = 200
"""Items that are looked at in one go."""
_FAR = 100_000
"""Movements behind which everything is looked at instead of what moved."""
_PACE_S = 0.5
_ITEM_CHANGED = ("add item", "change item", "retire item")
_ALL_CHANGED = (*rules.CHANGED, "change location", "change warehouse")


class _Place(msgspec.Struct, frozen=True, kw_only=True):
    """How far was looked: ``seq`` on the ledger, ``noted`` in the audit, ``heard`` in the log of
    events, and ``swept`` the item up to which everything is being looked at; ``None`` when it is
    not. Times in microseconds.
    """

    seq: int
    noted: int
    heard: int | None = None
    swept: str | None = None
    swept_us: int = 0
    looked_us: int = 0


class _Looked(NamedTuple):
    """What a look came to: where it stands now, and what follows."""

    place: _Place
    steps: list[Step]
    rules: dict[str, Rule]
    more: bool


class Watch:
    """See the module. ``counters``: ``looked`` (items), what happened by name (``raised``, ...),
    ``notices``, ``failed``.
    """

    def __init__(
        self,
        database: Database,
        tide: Tide,
        *,
        look_every_s: float = 30.0,
        sweep_every_s: float = 3_600.0,
        clock: Clock | None = None,
    ) -> None:
        self._database = database
        self._tide = tide
        self._look_us = round(look_every_s * 1e6)
        self._sweep_us = round(sweep_every_s * 1e6)
        self._clock = clock or SystemClock()
        self.counters: Counter[str] = Counter()

    async def run(self) -> None:
        """Watch until cancelled."""
        await follow("alerts", self._next, tide=self._tide, counters=self.counters, pace_s=_PACE_S)

    async def _next(self) -> float:
        return AT_ONCE if await self.step() else self._look_us / 1e6

    async def step(self) -> bool:
        """Look once, and write down what follows; true when there is more to look at at once."""
        now_us = self._clock.now_us()
        looked = await self._database.read(lambda c: self._look(c, now_us))
        if looked is None:
            return False
        happened = await self._database.write(lambda c: _write(c, looked))
        self.counters.update(happened)
        if happened:
            self._tide.rise()
        return looked.more

    def _look(self, conn: Connection, now_us: int) -> _Looked | None:
        before = _place(conn)
        place = before or _Place(seq=queries.last_seq(conn), noted=_noted(conn), swept="")
        place, skus, more = self._advance(conn, place, now_us)
        known: dict[str, Rule] = {}
        steps: dict[int | str, Step] = {}
        if skus:
            self.counters["looked"] += len(skus)
            _look_at_items(conn, skus, now_us, known, steps)
        if now_us - place.looked_us >= self._look_us:
            place = msgspec.structs.replace(place, looked_us=now_us)
            _look_by_clock(conn, now_us, known, steps)
        _tick(conn, now_us, known, steps)
        if before == place and not steps:
            return None
        return _Looked(place, list(steps.values()), known, more)

    def _advance(
        self, conn: Connection, place: _Place, now_us: int
    ) -> tuple[_Place, set[str], bool]:
        """Where to go on from, what to look at, and whether there is more of it."""
        moved = watched.moved(conn, place.seq, _CHUNK)
        noted = audit.following(conn, place.noted, _CHUNK)
        skus = {one.sku for one in moved}
        skus |= {one.subject[5:] for one in noted if one.action in _ITEM_CHANGED}
        heard, reserved, more_heard = _heard(conn, place.heard)
        skus |= reserved
        seq = moved[-1].seq if moved else place.seq
        swept, swept_us, looked_us = place.swept, place.swept_us, place.looked_us
        head = queries.last_seq(conn)
        if place.heard is None:
            swept = ""
        if head - seq > _FAR:
            seq, swept = head, ""
        if any(one.action in _ALL_CHANGED for one in noted):
            swept, looked_us = "", 0
        if swept is None and now_us - swept_us >= self._sweep_us:
            swept = ""
        if swept is not None:
            portion = looking.skus_behind(conn, swept, _PORTION)
            skus |= {*portion}
            ended = len(portion) < _PORTION
            swept, swept_us = (None, now_us) if ended else (portion[-1], swept_us)
        now = _Place(
            seq=seq,
            noted=noted[-1].id if noted else place.noted,
            heard=heard,
            swept=swept,
            swept_us=swept_us,
            looked_us=looked_us,
        )
        more = len(moved) == _CHUNK or len(noted) == _CHUNK or more_heard
        return now, skus, swept is not None or more


def _heard(conn: Connection, after: int | None) -> tuple[int, set[str], bool]:
    """How far events were heard, the items that they are of, and whether there are more. Whoever
    never heard any begins with what comes: everything is looked at then.
    """
    if after is None:
        return events.newest(conn), set(), False
    told = events.following(conn, after, _CHUNK)
    skus = {sku for one in told for sku in skus_and_places(one.body)[0]}
    return told[-1].seq if told else after, skus, len(told) == _CHUNK


def _look_at_items(
    conn: Connection,
    skus: Collection[str],
    now_us: int,
    known: dict[str, Rule],
    steps: dict[int | str, Step],
) -> None:
    every = sorted(skus)
    for first in range(0, len(every), _PORTION):
        portion = every[first : first + _PORTION]
        holding = rules.for_items(conn, portion)
        known |= {one.id: one for one in holding}
        found: list[Finding] = []
        if holding:
            for seen in looking.seen_of(conn, portion, holding, now_us):
                found.extend(items.findings(seen, holding, now_us))
        _follow(book.open_of_items(conn, portion), found, now_us, steps)


def _look_by_clock(
    conn: Connection, now_us: int, known: dict[str, Rule], steps: dict[int | str, Step]
) -> None:
    holding = rules.of_places(conn)
    known |= {one.id: one for one in holding}
    found = clockwork.found_now(conn, holding, now_us)
    _follow(book.open_of_kinds(conn, OF_PLACES), found, now_us, steps)


def _follow(
    there: dict[str, Alert],
    found: Iterable[Finding],
    now_us: int,
    steps: dict[int | str, Step],
) -> None:
    """What findings make of the alerts that are open; those nobody finds any more are over."""
    left = dict(there)
    for one in found:
        alert = left.pop(one.key, None)
        step = life.follow(alert, one, now_us)
        if step is not None:
            steps[one.key if alert is None else alert.no] = step
    for alert in left.values():
        steps[alert.no] = life.gone(alert, now_us)


def _tick(
    conn: Connection, now_us: int, known: dict[str, Rule], steps: dict[int | str, Step]
) -> None:
    waiting = [one for one in book.due(conn, now_us) if one.no not in steps]
    known |= rules.of_alerts(conn, {one.rule for one in waiting} - {*known})
    for alert in waiting:
        rule = known.get(alert.rule)
        step = life.gone(alert, now_us) if rule is None else life.tick(alert, rule, now_us)
        if step is not None:
            steps[alert.no] = step


def _write(conn: Connection, looked: _Looked) -> Counter[str]:
    kept = book.keep(conn, looked.steps)
    happened = Counter(str(one.happened.what) for one in kept)
    told = notices.spread(conn, kept, looked.rules)
    if told:
        happened["notices"] = told
    cursors.move(conn, _CURSOR, looked.place.seq, msgspec.json.encode(looked.place))
    return happened


def _place(conn: Connection) -> _Place | None:
    there = cursors.place(conn, _CURSOR)
    return None if there is None else msgspec.json.decode(there.state or b"{}", type=_Place)


def _noted(conn: Connection) -> int:
    return int(conn.execute(select(func.coalesce(func.max(schema.audit.c.id), 0))).scalar_one())
