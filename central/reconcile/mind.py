"""What one worker's judging remembers of its read points, and whose turn it is at each.

A read point is judged by a ``Reconciler`` of its own, in the order of ``ordering``. What comes
late makes it go back (``late``); an edge that lives in another time is judged apart, with a
reconciler for itself. All of it is a fold over two kinds of entries: ``judge`` takes the log's
next observation, ``settle`` that time has passed. ``dump()`` is the whole memory.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

import msgspec

from central.database.moments import from_us
from central.reconcile import amending, rewind
from central.reconcile.late import Past
from central.reconcile.layout import layout_of
from central.reconcile.ordering import Order, Released, Way
from central.reconcile.reconciler import Reconciler, _Memory
from central.reconcile.serials import Placed
from central.reconcile.shelf.plates import Shelf
from central.reconcile.verdict import Context, Logged, ReadPoint, Verdict, together
from central.stock.model import Movement
from gateway.contract import DeviceDescribed

DEVICES = 32
"""So many descriptions of a read point's devices are kept, for those who are judged apart."""


class ForeignState(ValueError):
    """A memory that another release wrote: it is to be built again from the log."""


class _Kept(msgspec.Struct):
    """All that outlives a stretch of the log. ``points`` are by read point, ``apart`` by read
    point and edge (``point/edge``).
    """

    layout: str
    points: dict[str, bytes] = {}
    apart: dict[str, bytes] = {}
    orders: dict[str, Order] = {}
    pasts: dict[str, Past] = {}
    described: dict[str, list[Logged]] = {}


_REWOUND = {"portal", "shelf"}
"""Kinds that go back for what comes late. A zone takes it as it comes: what its own clock has told
since stands, tag by tag."""
LAYOUT = layout_of(_Kept, _Memory)


class Mind:
    """Turns observations into verdicts. Raises ``ForeignState`` for what another release dumped.

    ``aside`` are log entries that judging fails on: they have their turn, unjudged. Whoever calls
    posts a verdict before the next call, so that ``context.placed`` tells then what was really
    posted; within one call, what is decided counts as posted.
    """

    def __init__(self, state: bytes | None = None, *, aside: Collection[int] = ()) -> None:
        self._kept = _Kept(LAYOUT) if state is None else _decoded(state)
        self._awake: dict[str, Reconciler] = {}
        self._changed: set[str] = set()
        self._aside = frozenset(aside)
        self.at: Logged | None = None
        """The observation whose turn it was last."""

    def dump(self) -> bytes:
        """Everything that a later ``Mind(state)`` needs to go on alike."""
        for name in self._changed:
            kept = self._kept.apart if "/" in name else self._kept.points
            kept[name] = self._awake[name].dump()
        self._changed.clear()
        return msgspec.msgpack.encode(self._kept)

    @property
    def waiting(self) -> int | None:
        """The oldest log entry that waits for time to pass, if any does."""
        return min((entry for entry, _ in self._waiting()), default=None)

    def shelf(self, code: str) -> Shelf | None:
        """The plates of a read point as they were kept, where any were heard."""
        kept = self._kept.points.get(code)
        if kept is None:
            return None
        return msgspec.msgpack.decode(kept, type=_Memory).shelves.get(code)

    def judge(self, logged: Logged, context: Context) -> Verdict:
        """Take the next observation of the log, and say what that comes to."""
        self.at = logged
        code = logged.observation.read_point
        point = context.read_points.get(code)
        if point is None or point.kind == "scan":
            return self._at_once(logged, point, context)
        if isinstance(logged.observation, DeviceDescribed):
            self._describe(code, logged)
        if code not in self._kept.orders:
            self._past(code).began(logged.log_id, self._awakened(code).dump())
        order = self._kept.orders.setdefault(code, Order())
        released = order.take(logged)
        if len(order.sources) > 1:
            self._past(code).taken = logged.log_id
        return self._turns(released, point, context)

    def settle(self, upto_log: int, context: Context) -> Verdict:
        """Time has passed since log entry ``upto_log``: at the first read point where something
        waits since then, it waits no longer. Called until ``waiting`` is later.
        """
        code = min(name for entry, name in self._waiting() if entry <= upto_log)
        point = context.read_points[code]
        told = self._turns(self._kept.orders[code].settle(upto_log), point, context)
        past = self._past(code)
        if not past.late or past.late[-1] > upto_log:
            return told
        return together([told, self._again(past, point, context)])

    def without_waiting(self) -> Mind:
        """The same, but for what waits, as judging fails on that."""
        for order in self._kept.orders.values():
            for source in order.sources.values():
                source.held.clear()
        for past in self._kept.pasts.values():
            past.late.clear()
        return self

    # ---- turns ---------------------------------------------------------------------------
    def _waiting(self) -> Iterator[tuple[int, str]]:
        for code, order in self._kept.orders.items():
            for source in order.sources.values():
                yield from ((one.logged.log_id, code) for one in source.held)
        yield from ((past.late[-1], code) for code, past in self._kept.pasts.items() if past.late)

    def _at_once(self, logged: Logged, point: ReadPoint | None, context: Context) -> Verdict:
        """A scan is one thing by itself, and what nobody knows has no turn."""
        if logged.log_id in self._aside:
            return Verdict()
        if point is None and not isinstance(logged.observation, DeviceDescribed):
            return Reconciler().judge([logged], context)
        return self._fold(logged.observation.read_point, logged, context)

    def _turns(self, released: Iterable[Released], point: ReadPoint, context: Context) -> Verdict:
        moved: dict[str, str] = {}
        within = msgspec.structs.replace(context, placed=Placed(moved, context.placed))
        parts = []
        for one in released:
            part = self._turn(one, point, within if moved else context)
            rewind.note(moved, part.movements)
            parts.append(part)
        order = self._kept.orders[point.code]
        if len(order.sources) > 1 and self._past(point.code).wants(order):
            self._past(point.code).keep(order, self._awakened(point.code).dump())
        return together(parts)

    def _turn(self, one: Released, point: ReadPoint, context: Context) -> Verdict:
        logged, way, code = one.logged, one.way, point.code
        self.at = logged
        if logged.log_id in self._aside:
            self._past(code).set_aside(logged.log_id)
            return Verdict()
        if way is Way.LATE and (point.kind not in _REWOUND or context.heard is None):
            way = Way.APART if point.kind == "portal" else Way.IN_ORDER
        if way is Way.APART:
            return self._turn_apart(logged, point, context)
        if way is Way.IN_ORDER:
            parts = [self._rejoined(logged, point, context), self._fold(code, logged, context)]
            for part in parts:
                self._remember(code, part.movements)
            return together(parts)
        return self._late(one, point, context)

    def _fold(self, name: str, logged: Logged, context: Context) -> Verdict:
        verdict = self._awakened(name).judge([logged], context)
        self._changed.add(name)
        return verdict

    def _awakened(self, name: str) -> Reconciler:
        mind = self._awake.get(name)
        if mind is None:
            kept = self._kept.apart if "/" in name else self._kept.points
            mind = self._awake[name] = Reconciler(kept.get(name))
        return mind

    def _describe(self, code: str, logged: Logged) -> None:
        def who(one: Logged) -> tuple[str, str]:
            return one.edge, one.observation.device

        others = [one for one in self._kept.described.get(code, []) if who(one) != who(logged)]
        self._kept.described[code] = [*others, logged][-DEVICES:]

    def _past(self, code: str) -> Past:
        return self._kept.pasts.setdefault(code, Past())

    def _remember(self, code: str, movements: Iterable[Movement]) -> None:
        """Where one edge alone hears, nothing comes late, and nothing need be remembered."""
        past = self._past(code)
        if len(self._kept.orders[code].sources) > 1:
            past.moved(movements)
        elif any(one.epcs for one in movements):
            past.forget()

    # ---- in another time -----------------------------------------------------------------
    def _turn_apart(self, logged: Logged, point: ReadPoint, context: Context) -> Verdict:
        lane = f"{point.code}/{logged.edge}"
        anew = lane not in self._kept.apart
        if anew:
            self._kept.apart[lane] = rewind.as_described(
                self._kept.described.get(point.code, ())
            ).dump()
        self._past(point.code).went_apart(logged.edge, logged.log_id, anew=anew)
        told = amending.marked(self._fold(lane, logged, context), "apart", (logged.edge,))
        self._remember(point.code, told.movements)
        return told

    def _rejoined(self, logged: Logged, point: ReadPoint, context: Context) -> Verdict:
        """What an edge that was judged apart still had under way, now that it is not."""
        lane = f"{point.code}/{logged.edge}"
        if lane not in self._kept.apart:
            return Verdict()
        told = self._fold(lane, rewind.nothing_more(logged), context)
        del self._kept.apart[lane], self._awake[lane]
        self._changed.discard(lane)
        return amending.marked(told, "apart", (logged.edge,))

    # ---- late ----------------------------------------------------------------------------
    def _late(self, one: Released, point: ReadPoint, context: Context) -> Verdict:
        """It waits until no more of it comes; but how a device is set up holds from now on."""
        code, seen = point.code, one.logged.observation
        past, passed_us = self._past(code), self._kept.orders[code].passed[0]
        if isinstance(seen, DeviceDescribed):
            now = msgspec.structs.replace(seen, event_time=from_us(max(one.at_us, passed_us)))
            return self._fold(code, one.logged._replace(observation=now), context)
        past.came_late(one.logged.log_id, one.at_us, passed_us)
        if past.waits_no_longer(passed_us):
            return self._again(past, point, context)
        return Verdict()

    def _again(self, past: Past, point: ReadPoint, context: Context) -> Verdict:
        """Judge what came late."""
        code = point.code
        described = self._kept.described.get(code, ())
        rewound = rewind.rewind(past, self._kept.orders[code], described, code, context)
        if rewound.mind is not None:
            self._awake[code] = rewound.mind
            self._changed.add(code)
        return rewound.verdict


def _decoded(state: bytes) -> _Kept:
    try:
        kept = msgspec.msgpack.decode(state, type=_Kept)
    except msgspec.DecodeError as error:
        raise ForeignState(f"a memory of another layout: {error}") from error
    if kept.layout != LAYOUT:
        raise ForeignState(f"a memory of layout {kept.layout}; this release's is {LAYOUT}")
    return kept
