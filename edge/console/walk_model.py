"""A walk test, from reads to what they prove: which tags were heard, which way they went. Pure.

The direction told here goes by the order of the antennas: for each tag the loudness-weighted mean
time on the outside antennas against that on the inside ones. It is a technician's check of how the
antennas hang, no more: in production central judges, with more evidence. Where no antenna has a
side there is nothing to go by, and that is said.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Literal, NamedTuple

import msgspec

PARTED = 0.05
"""The two sides must hear a tag apart by this much of the pass's length (as ``certify`` asks)."""
_LEAST_S = 0.2

Way = Literal["in", "out"]
Told = Literal["in", "out", "unknown"]


class Read(NamedTuple):
    """One read of a pass, ``t`` in seconds from the start of the test."""

    t: float
    epc: str
    antenna: int
    dbm: float | None


class Pass(msgspec.Struct, frozen=True, kw_only=True):
    """One crossing. ``decided_s`` is from the loudest moment, the doorway, to the silence that
    ends it: how long a decision takes at least.
    """

    number: int
    want: Way
    from_s: float
    to_s: float
    expected: int
    heard: int
    missed: tuple[str, ...]
    right: int
    wrong: int
    unknown: int
    others: int
    decided_s: float
    by_antenna: Mapping[str, int]
    ended_by: Literal["quiet", "limit", "hand"]
    asked: int = 0

    @property
    def is_right(self) -> bool:
        """Whether every tag was heard, and none told to go the other way."""
        return not self.missed and not self.wrong


def way_of(reads: Sequence[Read], sides: Mapping[int, str], length_s: float) -> Told:
    """Which way one tag went, by the order of the antennas."""
    sums = {"outside": [0.0, 0.0], "inside": [0.0, 0.0]}
    for read in reads:
        side = sums.get(sides.get(read.antenna, "unknown"))
        if side is None:
            continue
        weight = 10 ** ((-60.0 if read.dbm is None else read.dbm) / 20.0)
        side[0] += weight
        side[1] += weight * read.t
    (outside, outside_t), (inside, inside_t) = sums["outside"], sums["inside"]
    if not outside or not inside:
        return "unknown"
    apart_s = inside_t / inside - outside_t / outside
    if abs(apart_s) < PARTED * max(length_s, _LEAST_S):
        return "unknown"
    return "in" if apart_s > 0 else "out"


def judged(
    number: int,
    want: Way,
    reads: Sequence[Read],
    expected: Collection[str],
    sides: Mapping[int, str],
    *,
    quiet_s: float,
    ended_by: Literal["quiet", "limit", "hand"],
) -> Pass:
    """What one pass proves; ``reads`` are in the order of time, at least one is of ``expected``."""
    own = [read for read in reads if read.epc in expected]
    assert own, "a pass of none of the expected tags"
    first, last = own[0].t, own[-1].t
    by_tag: dict[str, list[Read]] = {}
    for read in own:
        by_tag.setdefault(read.epc, []).append(read)
    ways = [way_of(mine, sides, last - first) for mine in by_tag.values()]
    loudest = max(own, key=lambda read: -99.0 if read.dbm is None else read.dbm)
    antennas: dict[int, set[str]] = {}
    for read in own:
        antennas.setdefault(read.antenna, set()).add(read.epc)
    return Pass(
        number=number,
        want=want,
        from_s=round(first, 2),
        to_s=round(last, 2),
        expected=len(expected),
        heard=len(by_tag),
        missed=tuple(sorted(set(expected) - by_tag.keys())),
        right=ways.count(want),
        wrong=len(ways) - ways.count(want) - ways.count("unknown"),
        unknown=ways.count("unknown"),
        others=len({read.epc for read in reads} - set(expected)),
        decided_s=round(last + quiet_s - loudest.t, 2),
        by_antenna={str(no): len(tags) for no, tags in sorted(antennas.items())},
        ended_by=ended_by,
    )


class Walking:
    """Cuts what is heard into passes: one begins with a read of an expected tag and ends after
    ``quiet_s`` without any, or after ``limit_s``. Give it every read, and the time now and then.
    """

    def __init__(
        self,
        expected: Collection[str],
        wanted: Sequence[Way],
        sides: Mapping[int, str],
        *,
        quiet_s: float,
        limit_s: float,
    ) -> None:
        self.expected = frozenset(expected)
        self.wanted = list(wanted)
        self.sides = dict(sides)
        self.passes: list[Pass] = []
        self.now: list[Read] = []
        """The reads of the pass under way."""
        self._quiet_s, self._limit_s = quiet_s, limit_s
        self._last_s = 0.0

    @property
    def done(self) -> bool:
        """Whether all passes were walked."""
        return len(self.passes) >= len(self.wanted)

    @property
    def judges_direction(self) -> bool:
        """Whether the antennas' sides allow any word about direction."""
        return {"outside", "inside"} <= set(self.sides.values())

    def hear(self, read: Read) -> None:
        """The next read."""
        self.look(read.t)
        if self.done:
            return
        if read.epc in self.expected:
            self.now.append(read)
            self._last_s = read.t
        elif self.now:
            self.now.append(read)

    def look(self, now_s: float) -> None:
        """Time went on: the pass under way may be over."""
        if not self.now or self.done:
            return
        if now_s - self._last_s > self._quiet_s:
            self.end("quiet")
        elif now_s - self.now[0].t > self._limit_s:
            self.end("limit")

    def end(self, by: Literal["quiet", "limit", "hand"]) -> None:
        """The pass under way is over."""
        if not self.now or self.done:
            return
        number = len(self.passes) + 1
        want = self.wanted[number - 1]
        self.passes.append(
            judged(
                number, want, self.now, self.expected, self.sides,
                quiet_s=self._quiet_s, ended_by=by,
            )
        )  # fmt: skip
        self.now = []

    def discard(self) -> None:
        """Forget the pass under way, or else the last one: it was not walked properly."""
        if self.now:
            self.now = []
        elif self.passes:
            self.passes.pop()


def summary(passes: Sequence[Pass], *, judges_direction: bool) -> dict[str, object]:
    """All passes together. ``verdict`` is ``pass`` when each tag was heard on each pass and none
    was told to go the other way.
    """
    expected = sum(one.expected for one in passes)
    heard = sum(one.heard for one in passes)
    missed: dict[str, int] = {}
    antennas: dict[str, int] = {}
    for one in passes:
        for epc in one.missed:
            missed[epc] = missed.get(epc, 0) + 1
        for number, tags in one.by_antenna.items():
            antennas[number] = antennas.get(number, 0) + tags
    told = sum(one.right + one.wrong for one in passes)
    decided = sorted(one.decided_s for one in passes)
    return {
        "passes": len(passes),
        "expected": expected,
        "heard": heard,
        "detected": round(heard / expected, 4) if expected else None,
        "direction": {
            "right": sum(one.right for one in passes),
            "wrong": sum(one.wrong for one in passes),
            "unknown": sum(one.unknown for one in passes),
            "asked": sum(one.asked for one in passes),
            "share": round(sum(one.right for one in passes) / told, 4) if told else None,
        }
        if judges_direction
        else None,
        "missed": dict(sorted(missed.items(), key=lambda one: (-one[1], one[0]))),
        "coverage": {
            number: round(tags / expected, 4) if expected else 0.0
            for number, tags in sorted(antennas.items(), key=lambda one: int(one[0]))
        },
        "decided_s": decided[len(decided) // 2] if decided else None,
        "verdict": "pass" if passes and all(one.is_right for one in passes) else "fail",
    }
