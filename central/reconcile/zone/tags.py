"""What a zone remembers, and in which order its silences are looked at. Pure.

``ZoneState`` is all that outlives a stretch of the log. ``Looks`` is made from it again: when
each tag has to be looked at next, so that a zone of 20,000 tags is not searched for those that
are gone with every read of one.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush

import msgspec

from central.reconcile.zone.levels import Levels
from central.reconcile.zone.silence import Gaps


class Tag(msgspec.Struct, array_like=True):
    """What is known of one tag. ``quiet_us``: since when its silence counts; ``due_us``: when
    that silence says that it is gone; of one that is ``known`` and gone, when it is forgotten;
    of one whose arrival is ``waiting`` for more reads, when it waits no longer. ``mistakes``: how
    often it was back before it was forgotten; ``source`` and the numbers name its observations.

    ``since_us``: when it arrived, or its goods moved; ``proof_s``: in how many seconds since then
    it was heard, ``proof_us`` the last of them; ``claimed``: what that says of stock was said
    (``goods``).
    """

    levels: Levels
    gaps: Gaps
    reader: str
    first_us: int
    last_us: int
    quiet_us: int
    due_us: int
    source: int
    first_seq: int
    last_seq: int
    reads: int = 0
    present: bool = False
    known: bool = False
    waiting: bool = True
    mistakes: int = 0
    since_us: int = 0
    proof_s: int = 0
    proof_us: int = 0
    claimed: bool = False


class Reader(msgspec.Struct, array_like=True):
    """A reader's own time: its last sign of life, of which start of its edge; whether it is blind
    since; the pause between its summaries.
    """

    told_us: int
    source: int
    blind: bool = False
    pace_us: int = 0


class ZoneState(msgspec.Struct):
    """The state of one zone's judging. ``tags`` are in the order in which they were heard."""

    aliases: dict[str, str] = {}
    readers: dict[str, Reader] = {}
    sources: list[tuple[str, str]] = []
    tags: dict[str, Tag] = {}


class Looks:
    """For each reader the tags that it heard last, by when to look at them: at or before their
    ``due_us``. A tag that is heard again is not moved: it is looked at in vain, and put off.
    """

    def __init__(self, tags: dict[str, Tag]) -> None:
        self._tags = tags
        self._heaps: dict[str, list[tuple[int, str]]] = {}
        self._next: dict[str, tuple[str, int]] = {}
        for epc, tag in tags.items():
            self._next[epc] = (tag.reader, tag.due_us)
            self._heaps.setdefault(tag.reader, []).append((tag.due_us, epc))
        for heap in self._heaps.values():
            heapify(heap)

    def at(self, epc: str, tag: Tag) -> None:
        """Look at it when it is due, or before."""
        planned = self._next.get(epc)
        if planned is None or planned[0] != tag.reader or planned[1] > tag.due_us:
            self._next[epc] = (tag.reader, tag.due_us)
            heappush(self._heaps.setdefault(tag.reader, []), (tag.due_us, epc))

    def due(self, reader: str, now_us: int) -> list[str]:
        """The reader's tags that are due by now, as they became it."""
        heap = self._heaps.get(reader)
        found: list[tuple[int, str]] = []
        while heap and heap[0][0] <= now_us:
            look_us, epc = heappop(heap)
            if self._next.get(epc) != (reader, look_us):
                continue  # planned anew since
            del self._next[epc]
            tag = self._tags.get(epc)
            if tag is None:
                continue
            if tag.due_us <= now_us:
                found.append((tag.due_us, epc))
            else:
                self.at(epc, tag)
        return [epc for _, epc in sorted(found)]
