"""Judging: a fold over the observation log, resumable at any place.

``Reconciler.judge`` takes the next observations and tells what they come to. Its whole memory
is ``dump()``: a reconciler restored from it goes on as if nothing had happened, and where the
log is cut into batches makes no difference.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from central.database.moments import from_us, to_us
from central.reconcile import serials, tracing
from central.reconcile.containment import Carried
from central.reconcile.fusion import MOST_SHORTS, Recently, Short, fuse_all, overdue
from central.reconcile.identity import cause_of, derived_id, spanning
from central.reconcile.ordering import heard_until_us, told_us
from central.reconcile.portal import beam, desk, dwell, weighing
from central.reconcile.portal.company import Company
from central.reconcile.portal.crossing import Judged
from central.reconcile.portal.gathering import Group
from central.reconcile.portal.state import Portal
from central.reconcile.portal.ways import directed
from central.reconcile.portal.weighing import Crossing
from central.reconcile.scan import judge_scan
from central.reconcile.shelf import judging
from central.reconcile.shelf.plates import Shelf
from central.reconcile.verdict import (
    Context,
    Ignored,
    Logged,
    Pass,
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
        shelf = self._memory.shelves.get(seen.read_point)
        if restarted and shelf is not None:
            shelf.restart(seen.device)

    def _passing_time(self, logged: Logged, point: ReadPoint, context: Context) -> list[Verdict]:
        """What becomes ripe because the log's time went on."""
        if point.kind == "portal" and point.code in self._memory.portals:
            now_us = heard_until_us(logged.observation)
            presented = self._presented(logged, now_us, point, context)
            groups = self._memory.portals[point.code].groups(now_us)
            return presented + self._passes(logged, groups, point, context)
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
            return self._window(logged, seen, portal, point, context)
        return []

    def _window(
        self,
        logged: Logged,
        seen: GateWindow,
        portal: Portal,
        point: ReadPoint,
        context: Context,
    ) -> list[Verdict]:
        """A window that closes in silence ends what was under way. One in which nothing was
        judged is told as well: somebody passed, and no tag was heard.
        """
        if seen.closed_by in {"beam", "gpi"}:
            portal.darken(seen)
        if seen.closed_by == "beam":
            return []
        closed_us = to_us(seen.closed_at)
        answers = self._presented(logged, closed_us, point, context)
        groups = portal.groups(closed_us, ended=seen.closed_by == "quiet")
        answers += self._passes(logged, groups, point, context)
        if portal.judged_us < to_us(seen.event_time):
            empty = Group([], frozenset(), to_us(seen.event_time), closed_us)
            answers += self._passes(logged, [empty], point, context)
        return answers

    def _passes(
        self, logged: Logged, groups: Sequence[Group], point: ReadPoint, context: Context
    ) -> list[Verdict]:
        portal = self._memory.portals[point.code]
        answers: list[Verdict] = []
        for group in groups:
            alone = weighing.weigh(group.tracks, portal, context, group.ahead)
            crossings = directed(beam.heed(alone, portal.eye), point.one_way)
            ripe = weighing.ripe(group, crossings, portal)
            if ripe is not None:
                portal.take(ripe.group)
                beam.learn(alone, group.makers, portal.eye)
                weighing.learn(ripe.crossings, portal)
                answers.append(self._pass(logged, ripe.group, ripe.crossings, point, context))
        return answers

    def _presented(
        self, logged: Logged, now_us: int, point: ReadPoint, context: Context
    ) -> list[Verdict]:
        """Goods held before a reader that knows no sides: in, unless they lie there already."""
        portal = self._memory.portals[point.code]
        scan = portal.take_scan(now_us)
        if scan is None:
            return []
        tracks = [tag.track for tag in scan.tags.values()]
        known = {track.epc: portal.is_known(track) for track in tracks}
        share = dwell.presented(scan.tags, known)
        crossings = weighing.weigh(tracks, portal, context)
        places = self._places(crossings, context)
        middle_us = (scan.first_us + scan.last_us) // 2
        crossings = [
            one._replace(
                odds=Judged(
                    share[one.track.epc],
                    0.0 if places.get(one.track.epc) == point.location else 1.0,
                    middle_us,
                )
            )
            for one in crossings
        ]
        crossings = directed(crossings, point.one_way)
        weighing.learn(crossings, portal)
        group = Group(tracks, frozenset(scan.tags), scan.first_us, scan.last_us)
        return [self._pass(logged, group, crossings, point, context)]

    def _pass(
        self,
        logged: Logged,
        group: Group,
        crossings: Sequence[Crossing],
        point: ReadPoint,
        context: Context,
    ) -> Verdict:
        portal = self._memory.portals[point.code]
        when = (str(group.opened_us), str(group.closed_us))
        pass_id = derived_id("pass", point.code, logged.edge, logged.epoch, logged.seq, *when)
        places = self._places(crossings, context)
        at_us = to_us(logged.observation.event_time)
        company = Company(point, context, self._recent, places, pass_id=pass_id, at_us=at_us)
        left = company.before(crossings)
        decided = desk.decide(left, portal=portal, point=point, placed=places.get, pass_id=pass_id)
        carried = self._memory.carried.get(point.code) or Carried()
        known = company.after(decided.movements, portal, carried)
        if carried.loads:
            self._memory.carried[point.code] = carried
        direction, decision = company.in_all(decided.direction, decided.decision, known)
        told = Pass(
            id=pass_id,
            read_point=point.code,
            opened_at=from_us(group.opened_us),
            closed_at=from_us(group.closed_us),
            direction=direction,
            decision=decision,
            tags=(*decided.tags, *company.told),
            causes=spanning([*portal.causes(group.tracks), cause_of(logged)]),
        )
        if group.tracks and decision == "nothing":
            alone = tracing.left_alone(
                crossings, company.all, portal, told, logged, settled=group.final
            )
            return Verdict(left_alone=(alone,))
        portal.judged_us = max(portal.judged_us, group.closed_us)
        mine = Verdict(reviews=tuple(decided.reviews), passes=(told,))
        if crossings:
            why = tracing.of_pass(crossings, company.all, portal, told, logged, settled=group.final)
            mine = msgspec.structs.replace(mine, traces=(why,))
        return together([known, mine])

    def _places(self, crossings: Sequence[Crossing], context: Context) -> dict[str, str]:
        """Where the ledger has the goods of a pass, or will once it has posted what was decided
        just now.
        """
        goods = [one.track.epc for one in crossings if one.pack is not None]
        return serials.places_of(goods, context.placed) | serials.places_of(goods, self._moved)

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
