"""EPC Gen2 inventory: which tag answers when, and which one has answered already.

A round begins with a Query that lets every tag whose session flag is on the reader's target
draw one of 2^Q slots. A slot with one answer yields a read, unless its bits are lost; with
several it is a collision, unless one is so much stronger that it is heard all the same; with
none it is soon over. Q follows as in annex D of the standard: up a little with collisions, down
with empty slots, and at every change of it those who wait draw again. A tag that was read turns
its flag. How long a flag lasts without power is the session's: S0 none, S1 half a second to five
(with power, too), S2 and S3 two seconds or more (EPC Gen2 v2, table 6.20).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from random import Random
from typing import Generic, Protocol, TypeVar

from drivers.emulators.portal_scene import Target, Timing

Q_FIRST, Q_MAX = 4.0, 15
Q_STEP = 0.3
CAPTURE_DB = 7.0
_BARREN_ROUNDS = 2


class Flag:
    """A tag's inventoried flag of the session in use; ``False`` is A."""

    __slots__ = ("_b", "_set_at", "lasts_powered_s", "lasts_s", "seen_at")

    def __init__(self, rng: Random) -> None:
        self._b = False
        self._set_at = self.seen_at = -math.inf
        self.lasts_powered_s = rng.uniform(0.8, 4.5)
        self.lasts_s = rng.uniform(2.5, 20.0)

    def turned(self, session: int, t: float, *, was_dark: bool) -> bool:
        """Whether it stands at B now; to be asked whenever the tag gets power."""
        if self._b:
            if session == 0:
                self._b = not was_dark
            elif session == 1:
                self._b = t - self._set_at < self.lasts_powered_s
            else:
                self._b = t - self.seen_at < self.lasts_s
        self.seen_at = t
        return self._b

    def turn(self, t: float) -> None:
        """The tag was read."""
        self._b, self._set_at = not self._b, t


class Answering(Protocol):
    """A tag with power, as a round sees it."""

    flag: Flag
    rssi_dbm: float
    lost: float
    """How likely its bits do not arrive."""


T = TypeVar("T", bound=Answering)


class Inventory(Generic[T]):
    """A reader's side of the air protocol; ``target`` and Q go on from dwell to dwell."""

    def __init__(self, timing: Timing, rng: Random) -> None:
        self.timing = timing
        self._rng = rng
        self._q = Q_FIRST
        self._wants_b = False
        self._t = 0.0

    def dwell(
        self, tags: list[T], session: int, target: Target, span: tuple[float, float], *, dark: bool
    ) -> Iterator[tuple[float, T]]:
        """Reads of one stay on one antenna and channel, from and to ``span``.

        ``dark`` says that the tags had no power just before.
        """
        self._t, end = max(self._t, span[0]) + (self.timing.switch_s if dark else 0.0), span[1]
        for tag in tags:
            tag.flag.turned(session, span[0], was_dark=dark)
        barren = 0
        while barren < _BARREN_ROUNDS and self._t < end:
            if target == "single":
                self._wants_b = False
            flags = ((tag, tag.flag.turned(session, self._t, was_dark=False)) for tag in tags)
            waiting = [tag for tag, turned in flags if turned is self._wants_b]
            barren = 0 if waiting else barren + 1
            self._t += self.timing.round_s
            if not waiting:
                self._q = max(0.0, self._q - Q_STEP)
            while waiting:
                yield from self._frame(waiting, round(self._q), end)
                if self._t >= end:
                    return  # the rest of the round is for the next antenna
            self._wants_b = not self._wants_b

    def _frame(self, waiting: list[T], q: int, end: float) -> Iterator[tuple[float, T]]:
        """The slots of one Query, until Q changes; who is read leaves ``waiting``."""
        chance, timing = self._rng.random, self.timing
        slots: dict[int, list[T]] = {}
        for tag in waiting:
            slots.setdefault(self._rng.getrandbits(q) if q else 0, []).append(tag)
        for number in range(1 << q):
            answers = slots.get(number)
            if answers is None:
                self._t += timing.empty_s
                self._q = max(0.0, self._q - Q_STEP)
            elif (heard := _heard(answers)) is None:
                self._t += timing.collision_s
                self._q = min(float(Q_MAX), self._q + Q_STEP)
            else:
                self._t += timing.read_s * (0.9 + 0.2 * chance())
                if chance() >= heard.lost:
                    waiting.remove(heard)
                    heard.flag.turn(self._t)
                    yield self._t, heard
            if self._t >= end or round(self._q) != q:
                return


def _heard(answers: list[T]) -> T | None:
    """Who of those that answer at once is heard: the only one, or one that drowns the rest."""
    if len(answers) == 1:
        return answers[0]
    strongest = max(answers, key=lambda tag: tag.rssi_dbm)
    rest_mw = sum(10 ** (tag.rssi_dbm / 10) for tag in answers if tag is not strongest)
    return strongest if strongest.rssi_dbm - 10 * math.log10(rest_mw) >= CAPTURE_DB else None
