"""Judging again with what came late: from before it on, once without it and once with it.

See ``late`` for what is remembered for that, and ``amending`` for what becomes of the difference.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import NamedTuple

import msgspec

from central.database.moments import from_us
from central.reconcile import amending, late
from central.reconcile.expected import NOTHING_BROUGHT
from central.reconcile.late import Past, Snapshot
from central.reconcile.ordering import Order, merged, told_us
from central.reconcile.reconciler import Reconciler
from central.reconcile.serials import Placed
from central.reconcile.verdict import Context, Heard, Logged, Verdict, together
from central.reconcile.witness import NOTHING_RECENT
from central.stock.model import Movement
from gateway.contract import DeviceHealth, TagSighting

__all__ = ["Rewound", "as_described", "note", "nothing_more", "rewind"]

_OVER_US = 60_000_000
"""What is judged on its own is over so long after its last observation."""


class Rewound(NamedTuple):
    """What came late comes to, and the memory to go on with (``None``: the one there is)."""

    verdict: Verdict
    mind: Reconciler | None = None


class _Stretch(NamedTuple):
    """What is judged again: ``log`` from ``base`` on, of which ``came`` late. ``whole`` says
    whether it goes on until now.
    """

    base: Snapshot
    log: list[Logged]
    came: set[int]
    whole: bool

    @property
    def last(self) -> Logged:
        return max((one for one in self.log if one.log_id in self.came), key=lambda o: o.log_id)


class _Folded(NamedTuple):
    """A memory and what it decided, entry by entry; ``state`` is what it was after ``first``
    entries, which are those up to a time.
    """

    mind: Reconciler
    entries: list[tuple[int, Logged]]
    parts: list[Verdict]
    first: int
    state: bytes


def rewind(
    past: Past, order: Order, described: Sequence[Logged], code: str, context: Context
) -> Rewound:
    """Judge what waits in ``past.late`` at the read point ``code``, which waits no longer."""
    assert context.heard is not None
    came, past.late = set(past.late), []
    stretch = _stretch(past, order, code, context.heard, came)
    remembered = stretch.base in past.snapshots
    known = past.places(stretch.base) if remembered else _places_before(stretch, code, context)
    judge = _Judging(stretch, described, context, known)
    before = judge.fold(one for one in stretch.log if one.log_id not in came)
    after = judge.fold(stretch.log, upto_us=_time(stretch.last))
    how = "again" if stretch.base.state else "alone"
    told = amending.amended(
        together(before.parts), together(after.parts), stretch.last, context, past.stands, how=how
    )
    past.moved(one for amendment in told.amendments for one in amendment.movements)
    if not stretch.whole:
        return Rewound(told)
    _keep(past, order, stretch, after)
    return Rewound(told, after.mind)


# ---- what to judge again -----------------------------------------------------------------
def _stretch(past: Past, order: Order, code: str, heard: Heard, came: set[int]) -> _Stretch:
    """From the last memory before what came late until now; else the time around that."""
    base = past.go_back() or _nothing_known(past, min(came))
    held = {one.logged.log_id for one in order.held()}
    upto = min(past.taken, base.first + late.FURTHER)
    since = list(islice(heard(code, base.first, upto), late.AGAIN + 1))
    if base.state and upto == past.taken and len(since) <= late.AGAIN:
        return _Stretch(base, past.to_fold(since, base, held), came, whole=True)
    tide = [one for one in heard(code, min(came), max(came)) if one.log_id in came]
    until_us = max(map(_time, tide)) + late.AROUND_US
    if base.state and not any(_time(one) > until_us for one in since):  # it is too long ago
        base = _nothing_known(past, min(came))
    just_before = heard(code, max(upto, min(came) - late.TOGETHER), min(came) - 1)
    others = past.to_fold([*since, *just_before], base, held | came)
    near = [one for one in others if base.passed_us <= _time(one) <= until_us]
    every = {one.log_id: one for one in (*near, *tide)}
    return _Stretch(base, [every[no] for no in sorted(every)], came, whole=False)


def _nothing_known(past: Past, first: int) -> Snapshot:
    """The time before a log entry of which no place in the log is remembered."""
    since_us = past.late_us - late.AROUND_US
    return Snapshot(max(0, first - late.AGAIN), since_us, {}, [], b"", 0)


def _places_before(stretch: _Stretch, code: str, context: Context) -> dict[str, str]:
    """Where the tags of a stretch were before what this portal moved of them in that time, or
    another one after they were heard here: nothing of it is remembered, but the ledger has it.
    """
    times = [_time(one) for one in stretch.log]
    heard_us: dict[str, int] = {}
    for one in stretch.log:
        if isinstance(seen := one.observation, TagSighting):
            heard_us[seen.epc] = min(_time(one), heard_us.get(seen.epc, _time(one)))
    packs = [pack for pack in map(context.pack_of, heard_us) if pack is not None]
    here: dict[str, str] = {}
    elsewhere: dict[str, str] = {}
    for sku in sorted({pack.sku for pack in packs}):
        for known in context.recent.of(sku, min(times), max(times)):
            if known.origin != "portal":
                continue
            for epc in heard_us.keys() & set(known.epcs):
                if known.read_point == code:
                    here.setdefault(epc, known.source)
                elif known.event_us >= heard_us[epc]:
                    elsewhere.setdefault(epc, known.source)
    return elsewhere | here


# ---- judging it --------------------------------------------------------------------------
class _Judging(NamedTuple):
    """How a stretch is judged: with the tags' places as they were then."""

    stretch: _Stretch
    described: Sequence[Logged]
    context: Context
    places: dict[str, str]

    def fold(self, log: Iterable[Logged], upto_us: int = 0) -> _Folded:
        """Judge observations in the order of their times; all is over at the end if what
        followed is not among them. The memory up to ``upto_us`` is told.
        """
        base = self.stretch.base
        entries = list(merged(log, base.told))
        if not self.stretch.whole:
            last = nothing_more(max(self.stretch.log, key=_time))
            entries.append((_time(last), last))
        first = next((n for n, (at_us, _) in enumerate(entries) if at_us > upto_us), len(entries))
        mind = Reconciler(base.state) if base.state else as_described(self.described)
        moved = dict(self.places)
        parts = self._go_on(mind, entries[:first], moved)
        state = mind.dump()
        parts += self._go_on(mind, entries[first:], moved)
        return _Folded(mind, entries, parts, first, state)

    def _go_on(
        self, mind: Reconciler, entries: Iterable[tuple[int, Logged]], moved: dict[str, str]
    ) -> list[Verdict]:
        # What other sensors said is on the ledger with what is judged here: it says nothing of
        # then.
        then = msgspec.structs.replace(
            self.context,
            placed=Placed(moved, self.context.placed),
            recent=NOTHING_RECENT,
            brought=NOTHING_BROUGHT,
        )
        parts = []
        for _, one in entries:
            parts.append(mind.judge([one], then))
            note(moved, parts[-1].movements)
        return parts


def _keep(past: Past, order: Order, stretch: _Stretch, after: _Folded) -> None:
    """Remember how it was when what came late had ended: who is late all the time is so from there
    on. Where a tag was then is told by what moved it since.
    """
    until_us = _time(stretch.last)
    if until_us < stretch.base.passed_us + late.EVERY_US // 2:
        return
    told = stretch.base.told | {one.edge: at_us for at_us, one in after.entries[: after.first]}
    rest = [one.log_id for _, one in after.entries[after.first :]]
    held = sorted([*rest, *(one.logged.log_id for one in order.held())])
    moves = past.moves_so_far
    past.add(Snapshot(past.taken, until_us, told, held, after.state, moves))
    past.moved(one for part in after.parts[after.first :] for one in part.movements)


def _time(one: Logged) -> int:
    return told_us(one.observation)


def as_described(described: Iterable[Logged]) -> Reconciler:
    """A mind that knows nothing but how the devices are set up."""
    mind = Reconciler()
    for one in described:
        mind.judge([one], Context())
    return mind


def nothing_more(last: Logged) -> Logged:
    """That nothing more comes."""
    seen = last.observation
    health = DeviceHealth(
        device=seen.device,
        read_point=seen.read_point,
        event_time=from_us(told_us(seen) + _OVER_US),
        state="running",
    )
    return last._replace(observation=health)


def note(moved: dict[str, str], movements: Iterable[Movement]) -> None:
    """Where tags are now."""
    moved.update((epc, one.destination) for one in movements for epc in one.epcs)
