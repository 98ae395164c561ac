"""One zone's memory: which tags are there, where, and until when their silence says nothing.

A tag is absent, then present at a place; it moves to other places, and departs when it has been
silent for longer than a present tag would be (``silence``). One that comes back within the
longest silence that the zone allows is still known: what was learnt of its gaps, this one
included, makes the next mistake less likely. All of it in event time: when the log's time has
passed, what has become true is told, with the time at which it did.

A tag arrives with its first read if that is a code that GS1 defines: what noise makes up is none
but once in some ten times, and readers check what they hear. Any other needs a second read. Where
a zone has several places, the second read or a second's time is waited for, so that every antenna
had its turn: true is the arrival from the first read on all the same.

Time passes reader by reader, by what each says itself: a read of whatever tag, its health. So a
reader that is dead, or whose edge is, tells nothing of its tags: none of them departs, and their
silence is counted from when it runs again.

A tag that the edge summarises is told of only now and then. The pause between summaries is
learnt from them, reader by reader, and no tag's silence is believed sooner.
"""

from __future__ import annotations

import math

from central.database.moments import from_us, to_us
from central.reconcile.identity import cause_of, derived_id, spanning
from central.reconcile.verdict import Logged, PresenceEvent, ReadPoint
from central.reconcile.zone.levels import Levels
from central.reconcile.zone.silence import ONCE_IN_S, Gaps
from central.reconcile.zone.tags import Looks, Reader, Tag, ZoneState
from central.stock.model import Cause
from gateway.contract import DeviceDescribed, DeviceHealth, TagResident, TagSighting
from gateway.gs1 import decode_epc

ENOUGH_READS = 2
"""So many reads make a tag present whose code GS1 does not define."""
SHORTEST_S = 1.96
"""No silence is believed sooner: people stand before tags, and a reader works round by round,
antenna by antenna. A fifth of the ten seconds that are usually waited, less what a busy zone's
time needs to go on."""
LEAST_GONE_AFTER_S = 1.0
STEADIER = 0.3
"""A zone that allows more than a minute's silence has tags that stay, and is told so: ``ONCE_IN_S``
is this share of it at least."""
PARDONED, MOST_MISTAKES = 2, 12
"""Whom a zone told gone by mistake more than twice it waits for longer, by ``ONCE_IN_S`` more for
each time, so that a tag that is heard seldom and evenly does not come and go for ever."""
MOST_TAGS = 20_000
_LATE_S = 0.2
"""An edge tells a summary so much later than it is due."""
_LAST_GAPS = math.log(4)
"""Three of four exponential gaps are shorter than so many means."""
_PACE_KEPT = 0.99
_UNLEVELLED_DBM = -60.0
_CLOCK_WAS_WRONG_US = 86_400_000_000
"""A tag that was heard a day in the future was heard by a clock that was wrong."""
_SOURCES = 8
_SECOND_US = 1_000_000


def reader_of(logged: Logged) -> str:
    """Whose observation it is: the edge and its device."""
    return f"{logged.edge}/{logged.observation.device}"


def _is_believed(epc: str, tag: Tag) -> bool:
    """Whether one read of it is enough."""
    return tag.known or decode_epc(epc).scheme != "raw"


class Zone:
    """Judges one zone. ``state`` is its whole memory."""

    def __init__(self, state: ZoneState) -> None:
        self.state = state
        self._looks = Looks(state.tags)
        self._places = len({*state.aliases.values()})

    # ---- readers -------------------------------------------------------------------------
    def describe(self, logged: Logged, seen: DeviceDescribed) -> None:
        """Learn which place each antenna watches; without an alias it is the zone's own."""
        for antenna in seen.antennas:
            self.state.aliases[f"{reader_of(logged)}/{antenna.antenna}"] = antenna.alias
        self._places = len({*self.state.aliases.values()})

    def health(self, logged: Logged, seen: DeviceHealth) -> None:
        """A reader reads, or does not."""
        reader = self.state.readers.get(reader_of(logged))
        if reader is None:
            return
        if seen.state == "running":
            self._lives(logged, to_us(seen.event_time))
        else:
            reader.blind = True

    def _lives(self, logged: Logged, at_us: int) -> Reader:
        """A reader gives a sign of life. If its edge was started anew, nobody knows whether it
        read in between.
        """
        name, source = reader_of(logged), self._source(logged)
        reader = self.state.readers.get(name)
        if reader is None:
            reader = self.state.readers[name] = Reader(at_us, source)
        if reader.blind or reader.source != source:
            reader.blind, reader.source = False, source
            for tag in self.state.tags.values():
                if tag.reader == name and tag.quiet_us < at_us:
                    tag.due_us += at_us - tag.quiet_us
                    tag.quiet_us = at_us
        if at_us > reader.told_us or reader.told_us - at_us > _CLOCK_WAS_WRONG_US:
            reader.told_us = at_us
        return reader

    # ---- what is heard -------------------------------------------------------------------
    def hear(
        self, logged: Logged, seen: TagSighting | TagResident, point: ReadPoint
    ) -> list[PresenceEvent]:
        """Take in one sighting or summary of a tag, and tell what that changed."""
        at_us = to_us(seen.event_time)
        until_us = max(at_us, to_us(seen.until)) if isinstance(seen, TagResident) else at_us
        reader = self._lives(logged, until_us)
        told: list[PresenceEvent] = []
        tags = self.state.tags
        tag = tags.pop(seen.epc, None)
        if tag is not None and tag.reader == reader_of(logged) and at_us >= tag.due_us:
            told += self._overdue(seen.epc, tag, at_us, until_us, logged, point)
            tag = tag if self._is_remembered(tag, at_us) else None
        if tag is None:
            tag = self._begin(logged, seen, at_us)
        elif not (tag.present or tag.waiting):
            self._begin_again(tag, logged, seen, at_us)
        tags[seen.epc] = tag
        self._add(tag, logged, seen, at_us, until_us)
        if isinstance(seen, TagResident):
            pace_us = round(_PACE_KEPT * reader.pace_us)
            reader.pace_us = max(until_us - at_us, pace_us)
        decided_us = max(until_us, reader.told_us)
        told += self._change(seen.epc, tag, until_us, decided_us, logged, point)
        tag.due_us = tag.quiet_us + self._patience_us(seen.epc, tag, point)
        self._looks.at(seen.epc, tag)
        return told + self._let_go(until_us, logged, point)

    def _begin(self, logged: Logged, seen: TagSighting | TagResident, at_us: int) -> Tag:
        return Tag(
            levels=Levels(at_us, self._place(logged, seen)),
            gaps=Gaps(),
            reader=reader_of(logged),
            first_us=at_us,
            last_us=at_us,
            quiet_us=at_us,
            due_us=at_us,
            source=self._source(logged),
            first_seq=logged.seq,
            last_seq=logged.seq,
        )

    def _begin_again(
        self, tag: Tag, logged: Logged, seen: TagSighting | TagResident, at_us: int
    ) -> None:
        """A tag that is known comes back: where it is, is judged anew, how it is heard is not."""
        tag.levels = Levels(at_us, self._place(logged, seen))
        tag.source, tag.first_seq = self._source(logged), logged.seq
        tag.first_us, tag.reads, tag.proof_s, tag.proof_us = at_us, 0, 0, 0
        tag.claimed, tag.waiting = False, True
        tag.mistakes = min(tag.mistakes + 1, MOST_MISTAKES)

    def _add(
        self,
        tag: Tag,
        logged: Logged,
        seen: TagSighting | TagResident,
        at_us: int,
        until_us: int,
    ) -> None:
        if tag.last_us - at_us > _CLOCK_WAS_WRONG_US:
            tag.last_us = tag.quiet_us = tag.levels.at_us = at_us
        if at_us > tag.quiet_us:
            tag.gaps.heard((at_us - tag.quiet_us) / 1e6)
        if until_us > at_us and seen.count > 1:
            tag.gaps.heard((until_us - at_us) / 1e6, seen.count - 1)
        level = seen.mean_rssi_dbm if seen.mean_rssi_dbm is not None else seen.peak_rssi_dbm
        tag.levels.hear(
            self._place(logged, seen),
            _UNLEVELLED_DBM if level is None else level,
            until_us,
            times=seen.count,
            span_s=(until_us - at_us) / 1e6,
            gap_s=tag.gaps.mean_s,
        )
        tag.reads += seen.count
        tag.reader = reader_of(logged)
        tag.last_us = max(tag.last_us, until_us)
        tag.quiet_us = max(tag.quiet_us, until_us)
        second_us = until_us - until_us % _SECOND_US
        if second_us > tag.proof_us:
            tag.proof_s, tag.proof_us = tag.proof_s + 1, second_us
        source = self._source(logged)
        if source != tag.source:
            tag.source, tag.first_seq = source, logged.seq
        tag.last_seq = logged.seq

    def _change(  # noqa: PLR0917 (one step of hear)
        self, epc: str, tag: Tag, at_us: int, decided_us: int, logged: Logged, point: ReadPoint
    ) -> list[PresenceEvent]:
        """What a read made of a tag."""
        if tag.present:
            was = tag.levels.place
            if not tag.levels.has_moved():
                return []
            return [
                self._event(
                    "moved", epc, tag, logged, point, was=was,
                    event_us=at_us, decided_us=decided_us, confidence=tag.levels.confidence(),
                )
            ]  # fmt: skip
        if tag.reads < ENOUGH_READS and not (self._places < 2 and _is_believed(epc, tag)):
            return []
        return [self._arrived(epc, tag, decided_us, logged, point)]

    def _arrived(
        self, epc: str, tag: Tag, decided_us: int, logged: Logged, point: ReadPoint
    ) -> PresenceEvent:
        tag.present, tag.known, tag.waiting = True, True, False
        tag.since_us = tag.first_us
        tag.levels.place = tag.levels.best()
        return self._event(
            "arrived", epc, tag, logged, point,
            event_us=tag.first_us, decided_us=decided_us, confidence=tag.levels.confidence(),
        )  # fmt: skip

    def _place(self, logged: Logged, seen: TagSighting | TagResident) -> str:
        return self.state.aliases.get(f"{reader_of(logged)}/{seen.antenna}", "")

    def _patience_us(self, epc: str, tag: Tag, point: ReadPoint) -> int:
        """How long this tag's silence says nothing."""
        if tag.waiting and _is_believed(epc, tag):
            return round(1e6 * LEAST_GONE_AFTER_S)
        reader = self.state.readers[tag.reader]
        once_in_s = max(ONCE_IN_S, STEADIER * point.gone_after_s) * max(1, tag.mistakes - PARDONED)
        patience_s = max(SHORTEST_S, tag.gaps.patience_s(once_in_s))
        if reader.pace_us:
            # Its reads may be told with the next summary; the last one ended with a gap.
            told_s = reader.pace_us / 1e6 + _LAST_GAPS * tag.gaps.mean_s + _LATE_S
            patience_s = max(patience_s, told_s)
        return round(1e6 * min(point.gone_after_s, patience_s))

    # ---- what is not heard any more ------------------------------------------------------
    def ripen(self, now_us: int, logged: Logged, point: ReadPoint) -> list[PresenceEvent]:
        """The tags of the reader that speaks which are gone by ``now_us``, as they went."""
        name = reader_of(logged)
        reader = self.state.readers.get(name)
        if reader is None or reader.blind:
            return []
        told: list[PresenceEvent] = []
        for epc in self._looks.due(name, now_us):
            tag = self.state.tags[epc]
            told += self._overdue(epc, tag, now_us, now_us, logged, point)
            if self._is_remembered(tag, now_us):
                self._looks.at(epc, tag)
            else:
                del self.state.tags[epc]
        return told

    def _overdue(  # noqa: PLR0917 (one step of hear and of ripen)
        self, epc: str, tag: Tag, upto_us: int, now_us: int, logged: Logged, point: ReadPoint
    ) -> list[PresenceEvent]:
        """What its silence up to ``upto_us`` says of a tag."""
        told: list[PresenceEvent] = []
        if tag.waiting and _is_believed(epc, tag):
            decided_us = max(tag.due_us, self.state.readers[tag.reader].told_us)
            told.append(self._arrived(epc, tag, decided_us, logged, point))
            tag.due_us = tag.quiet_us + self._patience_us(epc, tag, point)
        if tag.due_us <= upto_us:
            told += self._gone(epc, tag, now_us, logged, point)
        return told

    def _gone(
        self, epc: str, tag: Tag, now_us: int, logged: Logged, point: ReadPoint
    ) -> list[PresenceEvent]:
        if not tag.present:
            return []
        tag.present = False
        sure = tag.gaps.sure_after((tag.due_us - tag.quiet_us) / 1e6)
        departed = self._event(
            "departed", epc, tag, logged, point,
            event_us=tag.due_us, decided_us=max(now_us, tag.due_us), confidence=sure,
        )  # fmt: skip
        tag.due_us = max(tag.due_us, tag.quiet_us + round(1e6 * point.gone_after_s))
        return [departed]

    def _is_remembered(self, tag: Tag, now_us: int) -> bool:
        """Whether its next read is that of a tag one knows."""
        return tag.known and now_us < tag.due_us

    def _let_go(self, now_us: int, logged: Logged, point: ReadPoint) -> list[PresenceEvent]:
        """Of more tags than a zone remembers, those that were silent longest."""
        told: list[PresenceEvent] = []
        while len(self.state.tags) > MOST_TAGS:
            epc = next(iter(self.state.tags))
            tag = self.state.tags.pop(epc)
            tag.due_us = max(now_us, tag.quiet_us)
            told += self._gone(epc, tag, now_us, logged, point)
        return told

    # ---- telling -------------------------------------------------------------------------
    def causes(self, tag: Tag, logged: Logged) -> tuple[Cause, ...]:
        """The observations of it since the last event, and the one that decided."""
        edge, epoch = self.state.sources[tag.source]
        heard = Cause(edge=edge, epoch=epoch, first_seq=tag.first_seq, last_seq=tag.last_seq)
        return spanning([heard, cause_of(logged)])

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
        causes = self.causes(tag, logged)
        tag.first_seq = tag.last_seq
        return PresenceEvent(
            id=derived_id("presence", point.code, epc, kind, logged.edge, logged.epoch, logged.seq),
            read_point=point.code,
            reader=tag.reader,
            epc=epc,
            kind=kind,
            place=tag.levels.place or point.location,
            was=(was or point.location) if kind == "moved" else "",
            event_time=from_us(event_us),
            decided_at=from_us(decided_us),
            heard_at=from_us(tag.last_us),
            confidence=round(confidence, 4),
            reads=tag.reads,
            causes=causes,
        )

    def _source(self, logged: Logged) -> int:
        sources = self.state.sources
        key = (logged.edge, logged.epoch)
        if key not in sources:
            if len(sources) >= _SOURCES:
                self._forget_sources()
            sources.append(key)
        return sources.index(key)

    def _forget_sources(self) -> None:
        """Every start of an edge is one: let go of those that nothing rests on any more."""
        resting: list[Tag | Reader] = [*self.state.tags.values(), *self.state.readers.values()]
        used = sorted({one.source for one in resting})
        places = {source: place for place, source in enumerate(used)}
        for one in resting:
            one.source = places[one.source]
        self.state.sources[:] = [self.state.sources[source] for source in used]
