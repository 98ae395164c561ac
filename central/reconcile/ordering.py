"""In which order the observations of one read point are judged, when several edges hear it.

What one edge tells is in order, and where one edge alone hears a read point its observations pass
at once. Where several do, the log has their observations in the order in which they arrived,
which is chance. So each waits until every other edge has told what is as old: then they are
judged in the order of their times, however they arrived. An edge that is silent is waited for
until another is ``LATENESS_US`` ahead, or until ``settle`` says that time has passed.

What comes after its turn is late. It goes the way of ``LATE``, and never into the order itself.
A slow line and a clock that is wrong look alike from here. Up to ``LINE_US`` behind it is taken for
a line, and the times that the edge told are believed: on four emulated docks with one reader's
clock off by a second all passes came out right all the same; by ten seconds most went unnoticed
or to a person, and a few the wrong way. Who is further behind and stays so has a clock of its own:
it is ``APART``, so that it neither holds the others up nor is late for ever; a backlog, of hours
too, catches up. A clock that is set back begins anew; one that is ahead holds nobody up, as nobody
waits for who is ahead.

The order is that of ``told_us``: an edge tells a window when it closes and a resident's stay when
it ends, and never tells anything of an earlier time after one of a later, but for the little
disorder that its own readers make, which is left as it is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from enum import IntEnum
from typing import NamedTuple

import msgspec

from central.database.moments import to_us
from central.reconcile.verdict import Logged
from gateway.contract import (
    DeviceDescribed,
    DeviceHealth,
    GateWindow,
    Observation,
    TagResident,
)

LATENESS_US = 400_000
"""So far may one edge's observations arrive behind another's: an edge commits every 250 ms."""
AHEAD_US = 4_000_000
"""An edge says at once how its devices are; what these hear takes its way through reports, queues
and folding. On a busy machine reads were seen to come 1.3 s behind: taken for silence, that cut a
pallet into pieces of which none had crossed.
"""
STEP_US = 5_000_000
"""A source's time goes back by more than this only when its clock was set."""
APART_US = 7 * 86_400_000_000
"""Whoever is further behind is not waited for, nor judged together with the others."""
STEADY_US, LINE_US = 20_000_000, 60_000_000
"""Whoever stays behind by the same for so long, by more than a line delays, has another clock."""
SOURCES = 8
HELD = 5_000
"""Most edges of a read point, most observations that wait: beyond, the oldest go on."""


class Way(IntEnum):
    """How a released observation is to be judged."""

    IN_ORDER = 0
    LATE = 1
    APART = 2


class Released(NamedTuple):
    """An observation whose turn has come."""

    logged: Logged
    at_us: int
    way: Way = Way.IN_ORDER


class Held(msgspec.Struct, array_like=True):
    """An observation that waits for its turn."""

    at_us: int
    logged: Logged


class Source(msgspec.Struct, array_like=True):
    """One edge at this read point: how far it has told, and what of it waits.

    ``behind`` is, while it is late, where it and the others stood when that began.
    """

    at_us: int
    held: list[Held] = []
    apart: bool = False
    behind: tuple[int, int] | None = None


def told_us(seen: Observation) -> int:
    """When an observation was complete: its place in the order of its edge."""
    if isinstance(seen, GateWindow):
        return to_us(seen.closed_at)
    return to_us(seen.until if isinstance(seen, TagResident) else seen.event_time)


def heard_until_us(seen: Observation) -> int:
    """Up to when all reads have come, as an observation shows that came in its turn."""
    ahead_us = AHEAD_US if isinstance(seen, DeviceHealth | DeviceDescribed) else 0
    return told_us(seen) - ahead_us


def merged(log: Iterable[Logged], told: Mapping[str, int]) -> Iterator[tuple[int, Logged]]:
    """Observations of one read point, given in the order of the log, in the order in which they
    would have been judged had none come late; each with its time. ``told`` is how far each edge
    had told before them.
    """
    reached = dict(told)
    waiting: dict[str, deque[tuple[int, Logged]]] = {}
    for one in log:
        at_us = told_us(one.observation)
        reached[one.edge] = _onwards(reached.get(one.edge, at_us), at_us)
        waiting.setdefault(one.edge, deque()).append((reached[one.edge], one))
    while waiting:
        edge = min(waiting, key=lambda name: (waiting[name][0][0], name))
        yield waiting[edge].popleft()
        if not waiting[edge]:
            del waiting[edge]


def _onwards(reached_us: int, at_us: int) -> int:
    """How far an edge has told that had told up to ``reached_us``."""
    return reached_us if reached_us - STEP_US <= at_us < reached_us else at_us


class Order(msgspec.Struct):
    """The order of one read point; ``passed`` is the place of the last that had its turn."""

    sources: dict[str, Source] = {}
    passed: tuple[int, str] = (0, "")

    @property
    def holds(self) -> bool:
        """Whether anything waits."""
        return any(source.held for source in self.sources.values())

    def held(self) -> Iterator[Held]:
        """What waits."""
        return (held for source in self.sources.values() for held in source.held)

    def take(self, logged: Logged) -> list[Released]:
        """Take the next observation of the log; what has its turn now."""
        edge = logged.edge
        source = self._source(edge, told_us(logged.observation))
        if len(self.sources) == 1:
            self.passed = (source.at_us, edge)
            return [Released(logged, source.at_us)]
        self._go_back()
        way = self._way(edge, source)
        if way is not Way.IN_ORDER:
            return [Released(logged, source.at_us, way)]
        source.held.append(Held(source.at_us, logged))
        return list(self._ripe())

    def settle(self, upto_log: int) -> list[Released]:
        """What waits no longer, because since log entry ``upto_log`` enough time has passed."""
        released: list[Released] = []
        while any(held.logged.log_id <= upto_log for held in self.held()):
            released.append(self._release(*self._first()))
        return released

    # ---- sources -------------------------------------------------------------------------
    def _source(self, edge: str, at_us: int) -> Source:
        """The edge that tells something of ``at_us``, brought up to that."""
        source = self.sources.pop(edge, None) or Source(at_us)
        source.at_us = _onwards(source.at_us, at_us)
        self.sources[edge] = source  # the one heard last stands last
        if len(self.sources) > SOURCES:
            idle = (
                name for name, one in self.sources.items() if not one.held and one is not source
            )
            self.sources.pop(next(idle, ""), None)
        return source

    def _go_back(self) -> None:
        """When the clock that was ahead of all is set back, what came by it is no measure."""
        ahead_us = max(source.at_us for source in self._together())
        if ahead_us < self.passed[0] - STEP_US:
            self.passed = (0, "")

    def _together(self) -> list[Source]:
        together = [source for source in self.sources.values() if not source.apart]
        return together or list(self.sources.values())

    def _way(self, edge: str, source: Source) -> Way:
        """How the newest observation of a source is to be judged."""
        others = [one.at_us for one in self._together() if one is not source]
        ahead_us = max(others, default=source.at_us)
        behind_us = ahead_us - source.at_us
        if source.apart and behind_us <= LATENESS_US:
            source.apart, source.behind = False, None
        if source.apart:
            return Way.APART
        if (source.at_us, edge) >= self.passed:
            source.behind = None
            return Way.IN_ORDER
        since_us, others_us = source.behind or (source.at_us, ahead_us)
        source.behind = since_us, others_us
        told = source.at_us - since_us
        steady = told >= STEADY_US and 2 * (ahead_us - others_us) >= told
        source.apart = behind_us > APART_US or (steady and behind_us > LINE_US)
        return Way.APART if source.apart else Way.LATE

    # ---- turns ---------------------------------------------------------------------------
    def _first(self) -> tuple[str, Source]:
        waiting = ((name, one) for name, one in self.sources.items() if one.held)
        return min(waiting, key=lambda pair: (pair[1].held[0].at_us, pair[0]))

    def _ripe(self) -> Iterator[Released]:
        ahead_us = max(source.at_us for source in self._together())
        while self.holds:
            name, source = self._first()
            place = (source.held[0].at_us, name)
            if (
                place[0] > ahead_us - LATENESS_US
                and self._is_waited_for(place)
                and sum(len(one.held) for one in self.sources.values()) <= HELD
            ):
                return
            yield self._release(name, source)

    def _is_waited_for(self, place: tuple[int, str]) -> bool:
        return any(
            not one.held and not one.apart and (one.at_us, name) < place
            for name, one in self.sources.items()
        )

    def _release(self, name: str, source: Source) -> Released:
        held = source.held.pop(0)
        self.passed = max(self.passed, (held.at_us, name))
        return Released(held.logged, held.at_us)
