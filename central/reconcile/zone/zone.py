"""One zone's memory: which tags are there, where, and until when their silence says nothing.

A tag is absent, then seen (one read may be a stray's or a ghost's), then present at a place; it
moves to other places, and departs when it has been silent for longer than a present tag would
(``silence``). All of it in event time: whenever the log's time passes, by any observation of the
read point, what has become true is told, with the time at which it did.

A reader that does not read tells nothing of its tags: while it is not running none of them
departs, and their silence is counted from when it runs again.

A tag that the edge summarises is told of only now and then. The pause between summaries is
learnt from them, reader by reader, and no tag's silence is believed sooner.
"""

from __future__ import annotations

import msgspec

from central.moments import from_us, to_us
from central.reconcile.identity import cause_of, derived_id, spanning
from central.reconcile.verdict import Logged, PresenceEvent, ReadPoint
from central.reconcile.zone.levels import Levels
from central.reconcile.zone.silence import Gaps
from central.stock.model import Cause
from gateway.contract import DeviceDescribed, DeviceHealth, TagResident, TagSighting

ENOUGH_READS = 2
SHORTEST_S = 1.0
"""No silence is believed sooner: a reader works round by round, and antenna by antenna."""
MOST_TAGS = 20_000
LOOK_US = 100_000
"""Silences are looked at no oftener than this; what is told has the exact time all the same."""
_LATE_S = 0.2
"""An edge tells a summary so much later than it is due."""
_PACE_KEPT = 0.99
_UNLEVELLED_DBM = -60.0
_CLOCK_WAS_WRONG_US = 86_400_000_000
"""A tag that was heard a day in the future was heard by a clock that was wrong."""
_SOURCES = 8
_NEVER_US = 2**62


class Tag(msgspec.Struct, array_like=True):
    """What is known of one tag. ``quiet_us``: since when its silence counts; ``due_us``: when
    that silence says that it is gone; ``source`` and the numbers name its observations.
    """

    levels: Levels
    gaps: Gaps
    device: str
    first_us: int
    last_us: int
    quiet_us: int
    due_us: int
    source: int
    first_seq: int
    last_seq: int
    reads: int = 0
    present: bool = False


class Zone(msgspec.Struct):
    """The state of one zone's judging. ``tags`` are in the order in which they were heard."""

    aliases: dict[str, str] = {}
    blind: dict[str, int] = {}
    pace_us: dict[str, int] = {}
    sources: list[tuple[str, str]] = []
    tags: dict[str, Tag] = {}
    looked_us: int = 0
    next_us: int = _NEVER_US

    # ---- readers -------------------------------------------------------------------------
    def describe(self, seen: DeviceDescribed) -> None:
        """Learn which place each antenna watches; without an alias it is the zone's own."""
        for antenna in seen.antennas:
            self.aliases[f"{seen.device}/{antenna.antenna}"] = antenna.alias

    def health(self, seen: DeviceHealth) -> None:
        """A reader reads, or does not."""
        at_us = to_us(seen.event_time)
        if seen.state == "running":
            self._sees(seen.device, at_us)
        else:
            self.blind.setdefault(seen.device, at_us)

    def _sees(self, device: str, at_us: int) -> None:
        since_us = self.blind.pop(device, None)
        if since_us is None:
            return
        for tag in self.tags.values():
            if tag.device == device and tag.quiet_us < at_us:
                tag.due_us += at_us - tag.quiet_us
                tag.quiet_us = at_us
        self.next_us = 0

    # ---- what is heard -------------------------------------------------------------------
    def hear(
        self, logged: Logged, seen: TagSighting | TagResident, point: ReadPoint
    ) -> list[PresenceEvent]:
        """Take in one sighting or summary of a tag, and tell what that changed."""
        at_us = to_us(seen.event_time)
        until_us = max(at_us, to_us(seen.until)) if isinstance(seen, TagResident) else at_us
        if at_us > self.blind.get(seen.device, _NEVER_US):
            self._sees(seen.device, at_us)
        told: list[PresenceEvent] = []
        tag = self.tags.pop(seen.epc, None)
        if tag is not None and self._is_due(tag, at_us):
            told += self._gone(seen.epc, tag, until_us, logged, point)
            tag = None
        if tag is None:
            tag = self._begin(logged, seen, at_us)
        self.tags[seen.epc] = tag
        self._add(tag, logged, seen, until_us)
        if isinstance(seen, TagResident):
            pace_us = round(_PACE_KEPT * self.pace_us.get(seen.device, 0))
            self.pace_us[seen.device] = max(until_us - at_us, pace_us)
        tag.due_us = tag.quiet_us + self._patience_us(tag, point)
        self.next_us = min(self.next_us, tag.due_us)
        change = self._change(tag)
        if change is not None:
            kind, was = change
            told.append(
                self._event(
                    kind, seen.epc, tag, logged, point, was=was or "",
                    event_us=tag.first_us if kind == "arrived" else until_us,
                    decided_us=until_us, confidence=tag.levels.confidence(),
                )
            )  # fmt: skip
        return told + self._let_go(until_us, logged, point)

    def _begin(self, logged: Logged, seen: TagSighting | TagResident, at_us: int) -> Tag:
        return Tag(
            levels=Levels(at_us, self._place(seen)),
            gaps=Gaps(),
            device=seen.device,
            first_us=at_us,
            last_us=at_us,
            quiet_us=at_us,
            due_us=at_us,
            source=self._source(logged),
            first_seq=logged.seq,
            last_seq=logged.seq,
        )

    def _add(
        self, tag: Tag, logged: Logged, seen: TagSighting | TagResident, until_us: int
    ) -> None:
        at_us = to_us(seen.event_time)
        if tag.last_us - at_us > _CLOCK_WAS_WRONG_US:
            tag.last_us = tag.quiet_us = tag.levels.at_us = at_us
        if at_us > tag.last_us:
            tag.gaps.heard((at_us - tag.last_us) / 1e6)
        if until_us > at_us and seen.count > 1:
            tag.gaps.heard((until_us - at_us) / 1e6, seen.count - 1)
        level = seen.mean_rssi_dbm if seen.mean_rssi_dbm is not None else seen.peak_rssi_dbm
        tag.levels.hear(
            self._place(seen),
            _UNLEVELLED_DBM if level is None else level,
            until_us,
            times=seen.count,
            span_s=(until_us - at_us) / 1e6,
            gap_s=tag.gaps.mean_s,
        )
        tag.reads += seen.count
        tag.device = seen.device
        tag.last_us = max(tag.last_us, until_us)
        tag.quiet_us = max(tag.quiet_us, until_us)
        source = self._source(logged)
        if source != tag.source:
            tag.source, tag.first_seq = source, logged.seq
        tag.last_seq = logged.seq

    def _change(self, tag: Tag) -> tuple[str, str | None] | None:
        """What a read made of a tag: the event's kind, and where the tag was before."""
        if tag.present:
            was = tag.levels.place
            return ("moved", was) if tag.levels.has_moved() else None
        if tag.reads < ENOUGH_READS:
            return None
        tag.present = True
        tag.levels.place = tag.levels.best()
        return ("arrived", None)

    def _place(self, seen: TagSighting | TagResident) -> str:
        return self.aliases.get(f"{seen.device}/{seen.antenna}", "")

    def _patience_us(self, tag: Tag, point: ReadPoint) -> int:
        """How long this tag's silence says nothing."""
        patience_s = max(SHORTEST_S, tag.gaps.longest_s())
        pace_us = self.pace_us.get(tag.device)
        if pace_us:
            # Its reads may be told with the next summary; the last one ended with a gap.
            patience_s = max(patience_s, pace_us / 1e6 + tag.gaps.longest_s(0.75) + _LATE_S)
        return round(1e6 * min(point.gone_after_s, patience_s))

    # ---- what is not heard any more ------------------------------------------------------
    def ripen(self, now_us: int, logged: Logged, point: ReadPoint) -> list[PresenceEvent]:
        """The tags that are gone by ``now_us``, in the order in which they went."""
        if now_us < self.next_us or 0 <= now_us - self.looked_us < LOOK_US:
            return []
        self.looked_us = now_us
        gone = [epc for epc, tag in self.tags.items() if self._is_due(tag, now_us)]
        gone.sort(key=lambda epc: (self.tags[epc].due_us, epc))
        told: list[PresenceEvent] = []
        for epc in gone:
            told += self._gone(epc, self.tags.pop(epc), now_us, logged, point)
        self.next_us = min(
            (tag.due_us for tag in self.tags.values() if tag.device not in self.blind),
            default=_NEVER_US,
        )
        return told

    def _is_due(self, tag: Tag, now_us: int) -> bool:
        return now_us >= tag.due_us and tag.device not in self.blind

    def _gone(
        self, epc: str, tag: Tag, now_us: int, logged: Logged, point: ReadPoint
    ) -> list[PresenceEvent]:
        if not tag.present:
            return []
        sure = tag.gaps.sure_after((tag.due_us - tag.quiet_us) / 1e6)
        return [
            self._event(
                "departed", epc, tag, logged, point,
                event_us=tag.due_us, decided_us=max(now_us, tag.due_us), confidence=sure,
            )
        ]  # fmt: skip

    def _let_go(self, now_us: int, logged: Logged, point: ReadPoint) -> list[PresenceEvent]:
        """Of more tags than a zone remembers, those that were silent longest."""
        told: list[PresenceEvent] = []
        while len(self.tags) > MOST_TAGS:
            epc = next(iter(self.tags))
            tag = self.tags.pop(epc)
            tag.due_us = max(now_us, tag.quiet_us)
            told += self._gone(epc, tag, now_us, logged, point)
        return told

    # ---- telling -------------------------------------------------------------------------
    def _event(
        self,
        kind: str,
        epc: str,
        tag: Tag,
        logged: Logged,
        point: ReadPoint,
        *,
        event_us: int,
        decided_us: int,
        confidence: float,
        was: str = "",
    ) -> PresenceEvent:
        edge, epoch = self.sources[tag.source]
        heard = Cause(edge=edge, epoch=epoch, first_seq=tag.first_seq, last_seq=tag.last_seq)
        tag.first_seq = tag.last_seq
        return PresenceEvent(
            id=derived_id("presence", point.code, epc, kind, logged.edge, logged.epoch, logged.seq),
            read_point=point.code,
            epc=epc,
            kind=kind,
            place=tag.levels.place or point.location,
            was=(was or point.location) if kind == "moved" else "",
            event_time=from_us(event_us),
            decided_at=from_us(decided_us),
            heard_at=from_us(tag.last_us),
            confidence=round(confidence, 4),
            reads=tag.reads,
            causes=spanning([heard, cause_of(logged)]),
        )

    def _source(self, logged: Logged) -> int:
        key = (logged.edge, logged.epoch)
        if key not in self.sources:
            if len(self.sources) >= _SOURCES:
                self._forget_sources()
            self.sources.append(key)
        return self.sources.index(key)

    def _forget_sources(self) -> None:
        """Every start of an edge is one: let go of those that no tag rests on any more."""
        used = sorted({tag.source for tag in self.tags.values()})
        places = {source: place for place, source in enumerate(used)}
        for tag in self.tags.values():
            tag.source = places[tag.source]
        self.sources = [self.sources[source] for source in used]
