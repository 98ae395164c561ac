"""Judging: a fold over the observation log, resumable at any place.

``Reconciler.judge`` takes the next observations and tells what they come to. Its whole memory
is ``dump()``: a reconciler restored from it goes on as if nothing had happened, and where the
log is cut into batches makes no difference.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from central.database.moments import to_us
from central.reconcile import tracing
from central.reconcile.containment import Carried
from central.reconcile.fusion import MOST_SHORTS, Recently, Short, fuse_all, overdue
from central.reconcile.ordering import heard_until_us, told_us
from central.reconcile.passing import Passing
from central.reconcile.portal import missing
from central.reconcile.portal.state import Portal
from central.reconcile.scan import judge_scan
from central.reconcile.shelf import judging
from central.reconcile.shelf.plates import Shelf
from central.reconcile.verdict import (
    Context,
    Ignored,
    Logged,
    PresenceEvent,
    ReadPoint,
    Verdict,
    together,
)
from central.reconcile.witness import NOTHING_RECENT
from central.reconcile.zone import goods
from central.reconcile.zone.tags import ZoneState
from central.reconcile.zone.zone import Zone
from gateway.contract import (
    CodeScanned,
    DeviceDescribed,
    DeviceHealth,
    GateWindow,
    TagResident,
    TagSighting,
    WeightDisturbed,
    WeightSettled,
)

VERSION = 1


class _Memory(msgspec.Struct):
    """All state that outlives a stretch of the log."""

    version: int = VERSION
    portals: dict[str, Portal] = {}
    shelves: dict[str, Shelf] = {}
    zones: dict[str, ZoneState] = {}
    carried: dict[str, Carried] = {}
    shorts: dict[str, list[Short]] = {}


class Reconciler:
    """Turns observations into verdicts. Raises ``msgspec.DecodeError`` for a foreign state."""

    def __init__(self, state: bytes | None = None) -> None:
        self._memory = _Memory() if state is None else msgspec.msgpack.decode(state, type=_Memory)
        self._zones: dict[str, Zone] = {}
        self._moved: dict[str, str] = {}
        self._just: dict[str, str] = {}
        self._recent = Recently(NOTHING_RECENT)

    def dump(self) -> bytes:
        """Everything that a later ``Reconciler(state)`` needs to go on alike."""
        return msgspec.msgpack.encode(self._memory)

    def judge(self, logged: Sequence[Logged], context: Context) -> Verdict:
        """Take the next observations of the log, in its order, and say what they come to.

        Whoever calls posts the movements before the next call, so that ``context.placed`` tells
        then what was really posted; within this call, what is decided counts as posted.
        """
        self._moved.clear()
        self._recent = Recently(context.recent)
        parts: list[Verdict] = []
        for one in logged:
            self._just.clear()
            told = [self._fused(part, one, context) for part in self._one(one, context)]
            told += self._overdue(one, context)
            parts += [tracing.explained(part, one) for part in told]
        return together(parts)

    def _one(self, logged: Logged, context: Context) -> list[Verdict]:
        seen = logged.observation
        point = context.read_points.get(seen.read_point)
        if isinstance(seen, DeviceDescribed | DeviceHealth):
            self._device(logged, seen)
            return self._passing_time(logged, point, context) if point else []
        if point is None:
            return [_ignored(logged, "unknown read point")]
        answers = []
        if isinstance(seen, TagSighting | TagResident | GateWindow) and point.kind == "portal":
            answers += self._portal(logged, seen, point, context)
        elif isinstance(seen, WeightSettled | WeightDisturbed) and point.kind == "shelf":
            answers += self._shelf(logged, seen, point, context)
        elif isinstance(seen, CodeScanned) and point.kind == "scan":
            placed = {**context.placed, **self._moved} if self._moved else context.placed
            return [judge_scan(logged, seen, point, context, recent=self._recent, placed=placed)]
        elif isinstance(seen, TagSighting | TagResident | GateWindow) and point.kind == "zone":
            answers += self._presence(logged, seen, point, context)
        else:
            return [_ignored(logged, f"not what a read point of kind {point.kind} is for")]
        return answers + self._passing_time(logged, point, context)

    # ---- one event, one movement ---------------------------------------------------------
    def _fused(self, part: Verdict, logged: Logged, context: Context) -> Verdict:
        """What of it is news, and what bears witness to what moved before."""
        point = context.read_points.get(logged.observation.read_point)
        if point is None or not (part.movements or part.witnesses):
            return part
        fused = fuse_all(part, point, context, self._recent)
        if fused.shorts:
            kept = self._memory.shorts.get(point.code, [])
            fresh = {short.key: short for short in fused.shorts}
            left = [short for short in kept if short.key not in fresh]
            self._memory.shorts[point.code] = [*left, *fresh.values()]
        told = {epc for one in fused.verdict.movements for epc in one.epcs}
        told |= {epc for one in fused.verdict.witnesses for epc in one.epcs}
        for movement in part.movements:
            moved = told & {*movement.epcs}
            self._moved.update(dict.fromkeys(moved, movement.destination))
        return fused.verdict

    def _overdue(self, logged: Logged, context: Context) -> list[Verdict]:
        """Counts whose rest did not come in their time."""
        code = logged.observation.read_point
        shorts, point = self._memory.shorts.get(code), context.read_points.get(code)
        if not shorts or point is None:
            return []
        now_us = to_us(logged.observation.event_time)
        early = len(shorts) - MOST_SHORTS
        due = [one for n, one in enumerate(shorts) if one.due_us < now_us or n < early]
        self._memory.shorts[code] = [one for one in shorts if one not in due]
        reviews = [overdue(one, point, self._recent) for one in due]
        return [Verdict(reviews=(one,)) for one in reviews if one is not None]

    # ---- devices and time ----------------------------------------------------------------
    def _device(self, logged: Logged, seen: DeviceDescribed | DeviceHealth) -> None:
        if isinstance(seen, DeviceDescribed):
            if seen.antennas:
                self._memory.portals.setdefault(seen.read_point, Portal()).describe(seen)
                self._watched(seen.read_point).describe(logged, seen)
            restarted = True
        else:
            restarted = seen.state == "starting"
            if seen.read_point in self._memory.zones:
                self._watched(seen.read_point).health(logged, seen)
            if (portal := self._memory.portals.get(seen.read_point)) is not None:
                missing.watch(portal, logged, seen)
        shelf = self._memory.shelves.get(seen.read_point)
        if restarted and shelf is not None:
            shelf.restart(seen.device)

    def _passing_time(self, logged: Logged, point: ReadPoint, context: Context) -> list[Verdict]:
        """What becomes ripe because the log's time went on."""
        if point.kind == "portal" and point.code in self._memory.portals:
            return self._passing(logged, point, context).time(heard_until_us(logged.observation))
        now_us = told_us(logged.observation)
        if point.kind == "zone" and point.code in self._memory.zones:
            return _present(self._watched(point.code).ripen(now_us, logged, point))
        if point.kind == "shelf" and point.code in self._memory.shelves:
            return judging.ripen(self._memory.shelves[point.code], now_us, point, context)
        return []

    # ---- portal --------------------------------------------------------------------------
    def _portal(
        self,
        logged: Logged,
        seen: TagSighting | TagResident | GateWindow,
        point: ReadPoint,
        context: Context,
    ) -> list[Verdict]:
        portal = self._memory.portals.setdefault(point.code, Portal())
        if isinstance(seen, TagSighting):
            portal.sight(logged, seen)
        elif isinstance(seen, TagResident):
            portal.rest(seen)
        else:
            return self._passing(logged, point, context).window(seen)
        return []

    def _passing(self, logged: Logged, point: ReadPoint, context: Context) -> Passing:
        """What goes by at a portal that has a memory."""
        portal, carried = self._memory.portals[point.code], self._memory.carried
        return Passing(
            portal, logged, point, context, carried, self._recent, self._moved, self._just
        )

    # ---- zone ----------------------------------------------------------------------------
    def _presence(
        self,
        logged: Logged,
        seen: TagSighting | TagResident | GateWindow,
        point: ReadPoint,
        context: Context,
    ) -> list[Verdict]:
        """A gate's window says nothing of a zone but that time went on."""
        if isinstance(seen, GateWindow):
            return []
        zone = self._watched(point.code)
        told = _present(zone.hear(logged, seen, point))
        if point.moves_stock:
            told.append(
                goods.settled(
                    zone, seen.epc, logged, point, context, recent=self._recent, moved=self._moved
                )
            )
        return told

    def _watched(self, code: str) -> Zone:
        """A zone, with when to look at whom: made again from its memory."""
        zone = self._zones.get(code)
        if zone is None:
            state = self._memory.zones.setdefault(code, ZoneState())
            zone = self._zones[code] = Zone(state)
        return zone

    # ---- shelf ---------------------------------------------------------------------------
    def _shelf(
        self,
        logged: Logged,
        seen: WeightSettled | WeightDisturbed,
        point: ReadPoint,
        context: Context,
    ) -> list[Verdict]:
        shelf = self._memory.shelves.setdefault(point.code, Shelf())
        return judging.weigh(shelf, logged, seen, point, context)


def _present(events: list[PresenceEvent]) -> list[Verdict]:
    return [Verdict(presence=tuple(events))] if events else []


def _ignored(logged: Logged, reason: str) -> Verdict:
    return Verdict(ignored=(Ignored(log_id=logged.log_id, reason=reason),))
