"""One portal's memory: which tags are active, which are known to lie about, what is ripe.

Sightings add up in tracks. A gate window's end makes tracks ripe for judging, except those of
tags still on their way: these and their company are carried into the next window, so that a
pallet which straddles two windows is judged once, whole. Should no window end (a gate without
a photo-eye whose every tag was a resident), silence in the log does the same later.

Tags that were judged and did not cross are remembered with the level they had: met again at
no more than that level they are known strays. Residents are known strays from the start.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from central.moments import to_us
from central.reconcile.portal.crossing import RISE_DB
from central.reconcile.portal.track import (
    INSIDE,
    OUTSIDE,
    SIDES,
    UNHEARD_DBM,
    UNKNOWN,
    Track,
    begin,
)
from central.reconcile.verdict import Logged
from central.stock.model import Cause
from gateway.contract import DeviceDescribed, TagResident, TagSighting

NEW_TRACK_US = 10_000_000
"""A tag silent for so long begins a new track: whatever it does now is another event."""
ACTIVE_US = 1_000_000
"""A tag heard within this before a window's end may still be on its way."""
YOUNG_US = 3_000_000
LIVELY_DB = 10.0
CARRIED_AT_MOST_US = 25_000_000
SILENCE_US = 3_000_000
MEMORY_TAGS = 4_000
SOURCES = 8
"""So many starts of edges are in the table before those that are done with go."""
FORGET_DB = 1.0
"""A remembered level sinks by this with every pass in which the tag was weaker."""


def is_lively(track: Track) -> bool:
    """Whether the tag's best moment stands out from where it came or went."""
    heard = [one.best_dbm for one in track.bins() if one.best_dbm is not None]
    return bool(heard) and max(heard) - min(heard[0], heard[-1]) >= LIVELY_DB


class Memory(msgspec.Struct, array_like=True):
    """What is known of a tag that did not cross: its loudest level per side, and since when."""

    last_us: int
    outside_dbm: float = UNHEARD_DBM
    inside_dbm: float = UNHEARD_DBM
    passes: int = 0


class Portal(msgspec.Struct):
    """The state of one portal's judging; ``sources`` is the table of (edge, epoch) met."""

    sides: dict[str, int] = {}
    sources: list[tuple[str, str]] = []
    tracks: dict[str, Track] = {}
    ended: list[Track] = []
    memory: dict[str, Memory] = {}
    looked_us: int = 0

    # ---- taking in -----------------------------------------------------------------------
    def describe(self, seen: DeviceDescribed) -> None:
        """Learn which antenna looks where."""
        for antenna in seen.antennas:
            self.sides[f"{seen.device}/{antenna.antenna}"] = SIDES.get(antenna.side, UNKNOWN)

    def side_of(self, device: str, antenna: int) -> int:
        """The side an antenna looks at."""
        return self.sides.get(f"{device}/{antenna}", UNKNOWN)

    def sight(self, logged: Logged, seen: TagSighting) -> None:
        """Add one sighting to its tag's track, or begin one."""
        at_us = to_us(seen.event_time)
        source = self._source(logged)
        track = self.tracks.get(seen.epc)
        if track is not None and abs(at_us - track.last_us) > NEW_TRACK_US:
            self.ended.append(track)
            track = None
        if track is None:
            track = self.tracks[seen.epc] = begin(seen.epc, at_us, source=source, seq=logged.seq)
        if track.source != source:
            track.source, track.first_seq = source, logged.seq
        track.last_seq = logged.seq
        track.settled = False
        track.add(at_us, self.side_of(seen.device, seen.antenna), seen)

    def rest(self, seen: TagResident) -> None:
        """A tag lies unchanged: it is known, and its activity (if any) is over."""
        track = self.tracks.get(seen.epc)
        if track is not None:
            track.settled = True
        memory = self._remembered(seen.epc, to_us(seen.until))
        level = seen.peak_rssi_dbm if seen.peak_rssi_dbm is not None else seen.mean_rssi_dbm
        side = self.side_of(seen.device, seen.antenna)
        if level is not None:
            if side != INSIDE:
                memory.outside_dbm = max(memory.outside_dbm, level)
            if side != OUTSIDE:
                memory.inside_dbm = max(memory.inside_dbm, level)
        memory.passes = max(memory.passes, 1)

    # ---- memory of strays ----------------------------------------------------------------
    def is_known(self, track: Track) -> bool:
        """Whether it was here before without crossing, and is no louder than it was."""
        memory = self.memory.get(track.epc)
        if memory is None or not memory.passes:
            return False
        outside, inside = track.peak_of(OUTSIDE), track.peak_of(INSIDE)
        return outside < memory.outside_dbm + RISE_DB and inside < memory.inside_dbm + RISE_DB

    def remember(self, track: Track) -> None:
        """It was judged and did not cross."""
        memory = self._remembered(track.epc, track.last_us)
        outside, inside = track.peak_of(OUTSIDE), track.peak_of(INSIDE)
        memory.outside_dbm = max(outside, memory.outside_dbm - FORGET_DB)
        memory.inside_dbm = max(inside, memory.inside_dbm - FORGET_DB)
        memory.passes += 1

    def forget(self, epc: str) -> None:
        """It crossed: where it lies now is not where it lay."""
        self.memory.pop(epc, None)

    def _remembered(self, epc: str, at_us: int) -> Memory:
        memory = self.memory.pop(epc, None) or Memory(at_us)
        memory.last_us = max(memory.last_us, at_us)
        self.memory[epc] = memory
        while len(self.memory) > MEMORY_TAGS:
            del self.memory[next(iter(self.memory))]
        return memory

    # ---- what is ripe --------------------------------------------------------------------
    def take_at_window(self, closed_us: int) -> list[Track]:
        """The tracks to judge at a window's end; the others stay."""
        return self._take(open_since=self._on_their_way(closed_us))

    def take_in_silence(self, now_us: int) -> list[Track]:
        """The tracks to judge because a lively tag fell silent and no window ended.

        Looked at once per second of the log's time, which goes back when a clock is set right.
        """
        if 0 <= now_us - self.looked_us < 1_000_000:
            return []
        self.looked_us = now_us
        over = any(
            now_us - track.last_us > SILENCE_US and is_lively(track) and not self.is_known(track)
            for track in self.tracks.values()
        )
        if not over and not self.ended:
            return []
        return self._take(open_since=self._on_their_way(now_us))

    def _take(self, *, open_since: int | None) -> list[Track]:
        ripe = self.ended
        self.ended = []
        for epc, track in list(self.tracks.items()):
            if open_since is None or track.last_us < open_since:
                ripe.append(self.tracks.pop(epc))
        return ripe

    def _on_their_way(self, now_us: int) -> int | None:
        """Since when the oldest tag that is still on its way has been active."""
        return min(
            (
                track.first_us
                for track in self.tracks.values()
                if now_us - track.last_us <= ACTIVE_US
                and not track.settled
                and self._may_be_crossing(track, now_us)
            ),
            default=None,
        )

    def _may_be_crossing(self, track: Track, now_us: int) -> bool:
        age_us = now_us - track.first_us
        if age_us > CARRIED_AT_MOST_US or self.is_known(track):
            return False
        return age_us < YOUNG_US or is_lively(track)

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
        resting = [*self.tracks.values(), *self.ended]
        used = sorted({track.source for track in resting})
        places = {source: place for place, source in enumerate(used)}
        for track in resting:
            track.source = places[track.source]
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
