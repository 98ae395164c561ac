"""One portal's memory: which tags are under way, which lie about, and which passes are over.

Sightings add up in tracks. Tags that are neither known strays nor standing still are candidates;
they are grouped by when each was nearest (``gathering``). A group may be judged once its best
moment is past (``ripeness``): not when all is silent, which among strays it never is, and not at a
window's end, which cuts where it likes. If the answer is not sure then, it is asked again until
the group is over. Its tracks are taken together, and no track is taken twice. What came and stands
in the doorway (``live``) is asked when it goes.

What is heard of a tag after its pass was judged is that pass's tail: it becomes neither a second
pass nor a stray's level, unless the tag comes as near again as it was.

While no reader hears (``outage``) nothing is judged, and who was under way then is no stray.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import msgspec

from central.database.moments import to_us
from central.reconcile.portal import ahead, live, pulse
from central.reconcile.portal.ahead import Ahead
from central.reconcile.portal.dwell import Scan
from central.reconcile.portal.eye import Eye
from central.reconcile.portal.gathering import BESIDE_US, Group, Table
from central.reconcile.portal.live import Live
from central.reconcile.portal.outage import MOST_TAGS, Hearing, Outage
from central.reconcile.portal.residents import Residents
from central.reconcile.portal.ripeness import FINAL_US, how_far
from central.reconcile.portal.stand_in import StandIn, tells_level
from central.reconcile.portal.track import SIDES, SUPPOSED_DBM, UNKNOWN, Track, begin
from central.reconcile.verdict import Logged
from central.stock.model import Cause
from gateway.contract import (
    DeviceDescribed,
    DeviceHealth,
    GateWindow,
    TagResident,
    TagSighting,
)

NEW_TRACK_US = 10_000_000
"""A tag silent for so long begins a new track: whatever it does now is another event."""
LOOK_EVERY_US = 250_000
AFTER_US = 15_000_000
"""What was parked is judged with what goes on within this."""
CLOCK_SET_US = 60_000_000
"""The log's time goes back this far only when a clock is set right."""
STILL_FOR_US = 8_000_000
SINCE_TOP_US = 9_000_000
"""A tag heard for so long that stands still, or was loudest so long ago without a group having
taken it, lies there: it is a resident, and its track begins anew."""
TAIL_US = 10_000_000
LIVE_TAGS = 4_000
SOURCES = 8
"""So many starts of edges are in the table before those that are done with go."""


class Portal(msgspec.Struct):
    """The state of one portal's judging; ``sources`` is the table of (edge, epoch) met."""

    sides: dict[str, int] = {}
    sources: list[tuple[str, str]] = []
    live: dict[str, Live] = {}
    residents: Residents = msgspec.field(default_factory=Residents)
    eye: Eye = msgspec.field(default_factory=Eye)
    hearing: Hearing = msgspec.field(default_factory=Hearing)
    stand_in: StandIn = msgspec.field(default_factory=StandIn)
    scan: Scan | None = None
    ahead: list[Ahead] = []
    now_us: int = 0
    looked_us: int = 0
    judged_us: int = 0
    began_us: int = 0
    stood_us: tuple[int, int] = (0, 0)
    """From when until when something was parked, with what went before and after."""

    # ---- taking in -----------------------------------------------------------------------
    def describe(self, seen: DeviceDescribed) -> None:
        """Learn which antenna looks where."""
        for antenna in seen.antennas:
            self.sides[f"{seen.device}/{antenna.antenna}"] = SIDES.get(antenna.side, UNKNOWN)
            self.hearing.meet(seen.device)

    def turn(self, logged: Logged, seen: DeviceHealth) -> Outage | None:
        """A reader says how it is; the time that begins now in which it does not hear."""
        at_us = to_us(seen.event_time)
        return self.hearing.turn(seen, at_us, self._source(logged), logged.seq)

    def side_of(self, device: str, antenna: int) -> int:
        """The side an antenna looks at."""
        return self.sides.get(f"{device}/{antenna}", UNKNOWN)

    def sight(self, logged: Logged, seen: TagSighting) -> None:
        """Add one sighting to its tag's track, or begin one."""
        at_us = to_us(seen.event_time)
        self.began_us = self.began_us or at_us
        source = self._source(logged)
        one = self.live.get(seen.epc)
        if one is not None and one.parked_us and at_us - one.track.last_us > NEW_TRACK_US:
            one.cut(at_us)
        if one is not None and abs(at_us - one.track.last_us) > NEW_TRACK_US:
            self._settle(one)
            one = None
        if one is None:
            one = self._begin(seen.epc, at_us, source, logged.seq)
        track = one.track
        track.supposed = (track.supposed or not track.ears) and not tells_level(seen)
        if track.supposed:
            seen = self.stand_in.levelled(seen, at_us)
        if track.source != source or not track.ears:
            track.source, track.first_seq = source, logged.seq
        track.last_seq = logged.seq
        one.rests = one.rests and at_us <= one.pulse.last_us
        side = self.side_of(seen.device, seen.antenna)
        track.add(at_us, side, seen)
        self._found_again(logged, seen, at_us, side)
        if self.is_blind:
            self._scan(at_us, track, side, seen)
        level = seen.peak_rssi_dbm if seen.peak_rssi_dbm is not None else seen.mean_rssi_dbm
        one.pulse.add(
            at_us, f"{seen.device}/{seen.antenna}", SUPPOSED_DBM if level is None else level
        )

    def _found_again(self, logged: Logged, seen: TagSighting, at_us: int, side: int) -> None:
        """Who is heard just after a reader hears again was there then."""
        self.hearing.heard(seen.device, at_us)
        for outage in self.hearing.ending(at_us):
            track = outage.after.get(seen.epc)
            if track is None:
                if len(outage.after) >= MOST_TAGS:
                    continue
                source = self._source(logged)
                track = begin(seen.epc, at_us, source=source, seq=logged.seq)
                outage.after[seen.epc] = track
                outage.lay[seen.epc] = self.residents.side_of(seen.epc)
            track.last_seq = logged.seq
            track.add(at_us, side, seen)

    @property
    def is_blind(self) -> bool:
        """Whether no antenna is known to look at one side."""
        return all(side == UNKNOWN for side in self.sides.values())

    @property
    def is_scanning(self) -> bool:
        """Whether goods may be held before it: who lies about is told when that is over."""
        return self.is_blind and self.scan is not None and not self.scan.judged

    def _scan(self, at_us: int, track: Track, side: int, seen: TagSighting) -> None:
        if self.scan is None or self.scan.begins_anew(at_us):
            self.scan = Scan(at_us, at_us)
        fresh = begin(seen.epc, at_us, source=track.source, seq=track.last_seq)
        self.scan.add(at_us, fresh, side, seen)

    def rest(self, seen: TagResident) -> None:
        """A tag lies unchanged: it is known, and its activity (if any) is over."""
        self.hearing.heard(seen.device, to_us(seen.until))
        if self.scan is not None:
            self.scan.rest(seen.epc, seen.count, to_us(seen.until))
        if self.is_scanning:
            return
        one = self.live.get(seen.epc)
        if one is not None:
            one.rests = True
            one.pulse.last_us = max(one.pulse.last_us, to_us(seen.until))
            if one.came is not None:  # it came here, and nobody knows yet where it goes
                return
        level = seen.peak_rssi_dbm if seen.peak_rssi_dbm is not None else seen.mean_rssi_dbm
        side = self.side_of(seen.device, seen.antenna)
        self.residents.rest(seen.epc, to_us(seen.until), side, level, gap_s=_gap_s(seen))

    def darken(self, seen: GateWindow) -> None:
        """A photo-eye was dark, or closed a window."""
        self.eye.take(seen)

    def _begin(self, epc: str, at_us: int, source: int, seq: int) -> Live:
        while len(self.live) >= LIVE_TAGS:
            self._settle(self.live[min(self.live, key=lambda epc: self.live[epc].track.last_us)])
        track = begin(epc, at_us, source=source, seq=seq)
        one = self.live[epc] = Live(track, pulse.begin(at_us))
        return one

    def _settle(self, one: Live) -> None:
        """No pass took it: it lies about, or went by far away."""
        del self.live[one.track.epc]
        if not one.track.ears or one.tail_until_us or self.is_scanning:
            return
        if not self.hearing.cut(one.track):
            self.residents.stay(one.track, lay=one.pulse.is_still())

    # ---- memory of strays, for weighing --------------------------------------------------
    def is_known(self, track: Track) -> bool:
        """Whether it was here before without crossing, and is no louder than it was. Of what is
        heard since something was parked here, nobody knows whether it belongs to that.
        """
        since_us, until_us = self.stood_us
        return self.residents.knows(track, before_us=since_us if until_us >= self.now_us else None)

    def remember(self, track: Track) -> None:
        """It was judged and did not cross."""
        if not self.is_scanning:
            self.residents.stay(track, lay=self.is_blind)

    def forget(self, track: Track) -> None:
        """It crossed: where it lies now is not where it lay."""
        self.residents.leave(track.epc)

    # ---- what is ripe --------------------------------------------------------------------
    def groups(self, now_us: int, *, ended: bool = False) -> list[Group]:
        """What may be judged now, oldest first: groups that are over, and groups of which the
        best moment is past (``final`` is false: only a sure answer counts). ``take`` those judged.

        Looked at twice per second of the log's time, and when a window ``ended`` in silence:
        then a tag that fell silent without ever changing can make a group, too.
        """
        if now_us < self.now_us - CLOCK_SET_US:
            self.now_us, self.looked_us = now_us, 0  # a clock that was wrong has been set right
        self.now_us = now_us = max(self.now_us, now_us)
        if self.hearing.is_deaf(now_us):
            return []
        if now_us - self.looked_us < LOOK_EVERY_US and not ended:
            return []
        self.looked_us = now_us
        self._stand(now_us)
        live.come_back(self.live.values(), now_us)
        self.ahead = ahead.kept(self.ahead, now_us)
        free = {epc: one for epc, one in self.live.items() if not one.parked_us}
        table = Table(free, self.ahead, self.is_known, self.residents.tags, self.eye.middles())
        found: list[Group] = []
        for makers in table.makers(now_us, all_silent=ended):
            company = table.company(makers)
            state = how_far(
                company,
                now_us,
                silent=ended,
                blind=self.is_blind,
                since_us=self.began_us,
                before=len(makers.ahead),
                turned=self._turned((one.track.epc for one in makers.ones), makers.ahead),
            )
            group = table.take(makers, company, state)
            if group is not None:
                found.append(group)
        live.stand(free.values(), steady=False)
        self._age(free, now_us)
        return found

    def _turned(self, makers: Iterable[str], ahead: Collection[Ahead]) -> bool:
        """Whether those of a group that were judged are coming back: what is still to be judged of
        it turned with them.
        """
        if len(ahead) < live.FEW or any(self._is_back(epc) for epc in makers):
            return False
        return sum(self._is_back(one.track.epc) for one in ahead) >= live.COME_BACK * len(ahead)

    def _is_back(self, epc: str) -> bool:
        one = self.live.get(epc)
        return one is not None and one.back

    def _stand(self, now_us: int) -> None:
        """What the passing of time does to the tags that stand."""
        since_us, until_us = self.stood_us
        if any(one.parked_us for one in self.live.values()):
            self.stood_us = (since_us, max(until_us, now_us + AFTER_US))
        live.pass_time(self.live.values(), now_us)

    def sure_again(self, epcs: Iterable[str], ways: Mapping[str, str]) -> set[str]:
        """Of the tags looked at, those that surely go the way that they surely went at the look
        before: who looks often enough sees anything once.
        """
        again = set()
        for epc in epcs:
            one, way = self.live[epc], ways.get(epc, "")
            if way and one.way == way:
                again.add(epc)
            one.way = way
        return again

    def park(self, group: Group) -> None:
        """It stands in the doorway, and did not cross so far: it is asked again when it goes."""
        now_us = self.now_us
        came_us = [now_us]
        for track in group.tracks:
            one = self.live[track.epc]
            if one.came is not None:
                one.park(now_us)
                came_us.append(one.pulse.first_us)
        since_us, until_us = self.stood_us
        since_us = since_us if until_us >= now_us else now_us
        since_us = min(since_us, *came_us) - BESIDE_US
        self.stood_us = (since_us, now_us + AFTER_US)
        near_us = sorted(self.live[track.epc].nearest_us for track in group.tracks)
        self._park_beside(since_us, near_us[len(near_us) // 2] + BESIDE_US)

    def _park_beside(self, since_us: int, until_us: int) -> None:
        """Who was first heard while goods came that stand now, and since then unchanged or at
        another moment than they, came with them for all one knows: it is asked when they go.
        """
        for epc, one in self.live.items():
            if not one.is_under_way or self.is_known(one.track):
                continue
            lain_us = self.residents.first_us(epc) or one.pulse.first_us
            if since_us <= min(lain_us, one.pulse.first_us) <= until_us:
                one.came = one.track.ending(one.track.last_us)
                one.park(self.now_us)
                self.forget(one.track)

    def leave_behind(self, epcs: Iterable[str]) -> None:
        """Their group is judged without these, of which it is in doubt: they are when they are
        ripe themselves.
        """
        for epc in epcs:
            self.live[epc].left_behind = True

    def take_scan(self, now_us: int) -> Scan | None:
        """The scan of goods held still, if it is over; its tags are not under way any more."""
        scan = self.scan
        if scan is None or not self.is_blind or not scan.is_over(now_us):
            return None
        self.scan = Scan(scan.first_us, scan.last_us, judged=True)
        for epc in scan.tags:
            self.live.pop(epc, None)
        return scan

    def let_go(self, epcs: Iterable[str]) -> None:
        """These were cut off, and are asked about: what is heard of them from now on is news."""
        for epc in epcs:
            self.live.pop(epc, None)

    def take(self, group: Group) -> None:
        """The group is judged: its tracks are not here any more, and what is still heard of its
        tags is its tail, unless those who went before are coming back already.
        """
        turned = self._turned(group.makers, group.ahead)
        for track in group.tracks:
            one = self.live.pop(track.epc)
            if track.epc in group.makers:
                self._trail(one, back=turned)

    def _age(self, free: dict[str, Live], now_us: int) -> None:
        """What becomes of the tags that are in no group."""
        for one in free.values():
            if one.tail_until_us and (now_us > one.tail_until_us or not one.is_tail):
                self._end_tail(one, now_us)
            elif one.is_tail or (
                one.came is not None and now_us - one.pulse.last_us <= NEW_TRACK_US
            ):
                continue  # it may come back; or it stands, and its group is still to be judged
            elif now_us - one.track.last_us > NEW_TRACK_US or (
                now_us - one.track.first_us > STILL_FOR_US
                and now_us - one.pulse.top_us > (FINAL_US if one.pulse.is_still() else SINCE_TOP_US)
            ):
                self._settle(one)

    def _end_tail(self, one: Live, now_us: int) -> None:
        if one.is_tail and (not one.track.ears or one.pulse.is_gone(now_us)):
            del self.live[one.track.epc]
        one.tail_until_us = 0

    def _trail(self, one: Live, *, back: bool) -> None:
        """What is heard from now on belongs to the pass just taken, or is its way ``back``."""
        old = one.track
        track = begin(old.epc, old.last_us, source=old.source, seq=old.last_seq)
        self.live[old.epc] = Live(
            track, pulse.begin(old.last_us), self.now_us + TAIL_US, one.pulse.top_dbm, back=back
        )

    # ---- causes --------------------------------------------------------------------------
    def _source(self, logged: Logged) -> int:
        key = (logged.edge, logged.epoch)
        if key not in self.sources:
            if len(self.sources) >= SOURCES:
                self._forget_sources()
            self.sources.append(key)
        return self.sources.index(key)

    def _forget_sources(self) -> None:
        """Every start of an edge is one: let go of those that no track rests on any more."""
        resting = [one.track for one in self.live.values()]
        resting += [one.came for one in self.live.values() if one.came is not None]
        if self.scan is not None:
            resting += [one.track for one in self.scan.tags.values()]
        outages = self.hearing.outages
        resting += [track for one in outages for track in one.tracks]
        used = sorted({*(one.source for one in resting), *(one.source for one in outages)})
        places = {source: place for place, source in enumerate(used)}
        for track in resting:
            track.source = places[track.source]
        for outage in outages:
            outage.source = places[outage.source]
        self.sources = [self.sources[source] for source in used]

    def causes(self, tracks: Iterable[Track]) -> list[Cause]:
        """What these tracks rest on."""
        return [
            Cause(
                edge=self.sources[track.source][0],
                epoch=self.sources[track.source][1],
                first_seq=track.first_seq,
                last_seq=track.last_seq,
            )
            for track in tracks
        ]


def _gap_s(seen: TagResident) -> float:
    """The mean time between reads of a tag that lies there."""
    return (to_us(seen.until) - to_us(seen.event_time)) / 1e6 / max(seen.count, 1)
