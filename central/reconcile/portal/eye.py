"""What a portal remembers of its photo-eye: when the beam was dark, and how much it is to be
believed. Bounded: a few hundred bytes.

``hits`` and ``misses`` count the groups that crossed without a doubt with and without a darkness,
so an eye that is dirty, misaligned or looks at another door is soon not heeded any more.
"""

from __future__ import annotations

import msgspec

from central.database.moments import to_us
from gateway.contract import GateWindow

MOST_DARKS = 32
PASSED_TOGETHER_US = 600_000
"""Free for less between two darknesses, it was one event: who pushes a pallet walks behind it."""
AROUND_US = 1_500_000
"""A tag is nearest to the antennas at most so long before or after its way through the beam:
antennas hang up to half a metre before and behind it, and who drives slowly does 0.4 m/s."""
LONGEST_US = 60_000_000
"""A darkness of which the end is missing is held to be over after so long: the edge tells again
of what still stands there, every 30 s unless set otherwise."""
LEARNT = 64
"""So many groups make an eye's record; then the older ones count half."""
Dark = tuple[int, int]
"""Since when and until when, in us since 1970; the same twice while it is still dark."""


class Eye(msgspec.Struct):
    """What is known of a portal's photo-eye. ``closings`` are those of windows, which are all
    that edges of before tell: they part pallets, and say nothing of who crossed.
    """

    darks: list[Dark] = []
    closings: list[int] = []
    hits: int = 0
    misses: int = 0

    def take(self, seen: GateWindow) -> None:
        """Take in that it was dark, or that it closed a window."""
        dark = (to_us(seen.event_time), to_us(seen.closed_at))
        if seen.closed_by == "gpi":
            self.closings = [*self.closings, dark[1]][-MOST_DARKS:]
            return
        others = [one for one in self.darks if one[0] != dark[0]]
        self.darks = sorted([*others, dark])[-MOST_DARKS:]

    def middles(self) -> list[int]:
        """When things passed: the middles of what was dark together."""
        if not self.darks:
            return self.closings
        joined: list[Dark] = []
        for since_us, until_us in self.darks:
            if joined and since_us - joined[-1][1] < PASSED_TOGETHER_US:
                joined[-1] = (joined[-1][0], max(until_us, joined[-1][1]))
            else:
                joined.append((since_us, until_us))
        return [(since_us + until_us) // 2 for since_us, until_us in joined]

    def around(self, at_us: int) -> Dark | None:
        """The darkness nearest to a moment, none if it was free for ``AROUND_US`` about it."""
        ends = [self._ends(place) for place in range(len(self.darks))]
        away = [
            (max(since_us - at_us, at_us - until_us, 0), place)
            for place, ((since_us, _), until_us) in enumerate(zip(self.darks, ends, strict=True))
        ]
        away_us, place = min(away, default=(AROUND_US + 1, -1))
        return self.darks[place] if away_us <= AROUND_US else None

    def _ends(self, place: int) -> int:
        """Until when it was dark, as far as that is known."""
        since_us, until_us = self.darks[place]
        if since_us < until_us:
            return until_us
        later = self.darks[place + 1 :]
        return min([since_us + LONGEST_US, *(one[0] for one in later[:1])])

    @property
    def miss_share(self) -> float:
        """How often something crosses that it does not see (with Laplace's rule)."""
        return (self.misses + 1) / (self.hits + self.misses + 2)

    def learn(self, *, dark: bool) -> None:
        """A group crossed without a doubt."""
        self.hits, self.misses = self.hits + dark, self.misses + (not dark)
        if self.hits + self.misses > LEARNT:
            self.hits, self.misses = self.hits // 2, self.misses // 2
