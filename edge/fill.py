"""How full the journal is, told while there is time left. Pure: figures and times are passed in.

The alarm is raised at 80 % of what the journal may take (its limit, or less when the disk has no
more) and taken back below 70 %, so that it does not flutter. It says how many hours are left at
the rate of the last quarter of an hour, and what will give then, as the operator chose. Once
observations are dropped or refused, it says that and how many.
"""

from __future__ import annotations

from collections import deque
from typing import Literal, NamedTuple

RAISED_AT = 0.8
CLEARED_AT = 0.7
_LOOKS_BACK_S = 900.0
_LOOKS = 64
_PROMISED = {
    "drop_oldest": "the oldest observations are dropped",
    "refuse_newest": "the newest observations are refused",
}


class Level(NamedTuple):
    """``used_bytes`` of ``limit_bytes``; ``given_up`` observations were dropped or refused."""

    used_bytes: int
    limit_bytes: int
    given_up: int


class Fill:
    """``look`` at a level now and then. ``cause`` is a steady sentence for health, ``sentence``
    the same with its figures; both are empty while all is well.
    """

    hint = "find out why central takes nothing, or raise journal.max_mib"

    def __init__(self, when_full: Literal["drop_oldest", "refuse_newest"]) -> None:
        self._then = _PROMISED[when_full]
        self._seen: deque[tuple[float, int]] = deque(maxlen=_LOOKS)
        self._given_up_before = 0
        self.cause = ""
        self.sentence = ""

    def look(self, level: Level, at_s: float) -> None:
        """Take in a level at a steady time."""
        self._remember(level.used_bytes, at_s)
        share = level.used_bytes / level.limit_bytes if level.limit_bytes > 0 else 1.0
        if share < (CLEARED_AT if self.cause else RAISED_AT):
            self.cause = self.sentence = ""
            self._given_up_before = level.given_up
            return
        lost = level.given_up - self._given_up_before
        if lost:
            self.cause = f"the journal is full: {self._then}"
            self.sentence = f"{self.cause}, {lost} so far"
        else:
            self.cause = f"the journal is more than {RAISED_AT:.0%} full"
            self.sentence = f"the journal is {share:.0%} full; {self._outlook(level)}"

    def _outlook(self, level: Level) -> str:
        rate = self._bytes_per_s()
        if rate <= 0:
            return f"it does not grow now; at its limit {self._then}"
        hours = max(0.0, level.limit_bytes - level.used_bytes) / rate / 3_600
        return f"at the present rate {_about(hours)} are left, then {self._then}"

    def _remember(self, used_bytes: int, at_s: float) -> None:
        """Spread over the time looked back on, however often it is looked."""
        if len(self._seen) > 1 and at_s - self._seen[-2][0] < _LOOKS_BACK_S / _LOOKS:
            self._seen.pop()
        self._seen.append((at_s, used_bytes))
        while at_s - self._seen[0][0] > _LOOKS_BACK_S:
            self._seen.popleft()

    def _bytes_per_s(self) -> float:
        (since_s, was), (now_s, now) = self._seen[0], self._seen[-1]
        return (now - was) / (now_s - since_s) if now_s > since_s else 0.0


def _about(hours: float) -> str:
    """Rounded, so that it is no news every minute."""
    if hours < 1:
        return f"{max(1, round(60 * hours / 5)) * 5} minutes"
    return f"{hours:.1f} hours" if hours < 10 else f"{hours:.0f} hours"
