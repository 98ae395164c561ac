"""How much of one kind of line may be logged, so that a storm costs a bounded number of lines.

Lines are of one kind when they tell of the same event, at the same level, of the same device.
Of each kind ``most`` pass in a window of ``window_s``; the rest is held back and counted, and
the count is told when the window is over. A storm that goes on makes the next window twice as
long, up to ``longest_s``, so that three days of it cost some hundred lines; a window in which
nothing was held back ends the storm. Pure but for its clock; safe to ask from any thread.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import NamedTuple

from gateway.clock import Clock, SystemClock


class Kind(NamedTuple):
    """What makes lines alike; ``device`` is empty where none is named."""

    event: str
    level: str
    device: str = ""


class Limits(NamedTuple):
    """See the module. ``kinds`` bounds the memory: kinds beyond it share one budget a level."""

    most: int = 5
    window_s: float = 60.0
    longest_s: float = 3_600.0
    kinds: int = 2_000


class Suppressed(NamedTuple):
    """``lines`` of a kind were held back in a window of ``over_s`` seconds."""

    kind: Kind
    lines: int
    over_s: float


@dataclass(slots=True)
class _Window:
    ends_s: float
    lasts_s: float
    passed: int = 0
    held: int = 0


class LogLimit:
    """``admits`` each line or not; ``ended`` says what was held back meanwhile."""

    def __init__(self, limits: Limits | None = None, clock: Clock | None = None) -> None:
        self._limits = limits or Limits()
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._windows: dict[Kind, _Window] = {}
        self._next_end_s = float("inf")

    def admits(self, kind: Kind) -> tuple[bool, float]:
        """Whether a line may be written, and, with the last one that may, for how many seconds
        those like it will only be counted (else 0).
        """
        with self._lock:
            now_s = self._clock.steady_s()
            window = self._windows.get(kind) or self._begin(kind, now_s)
            if window.passed >= self._limits.most:
                window.held += 1
                return False, 0.0
            window.passed += 1
            is_last = window.passed == self._limits.most
            return True, max(0.0, window.ends_s - now_s) if is_last else 0.0

    def ended(self, *, all_of_them: bool = False) -> list[Suppressed]:
        """What was held back in windows that are over by now (or in all of them, at the end)."""
        with self._lock:
            now_s = self._clock.steady_s()
            if now_s < self._next_end_s and not all_of_them:
                return []
            told = []
            for kind, window in list(self._windows.items()):
                if now_s < window.ends_s and not all_of_them:
                    continue
                if not window.held:
                    del self._windows[kind]
                    continue
                told.append(Suppressed(kind, window.held, window.lasts_s))
                lasts_s = min(2 * window.lasts_s, self._limits.longest_s)
                self._windows[kind] = _Window(now_s + lasts_s, lasts_s)
            ends = (window.ends_s for window in self._windows.values())
            self._next_end_s = min(ends, default=float("inf"))
            return told

    def _begin(self, kind: Kind, now_s: float) -> _Window:
        if len(self._windows) >= self._limits.kinds:
            kind = Kind("", kind.level)
            if known := self._windows.get(kind):
                return known
        window = _Window(now_s + self._limits.window_s, self._limits.window_s)
        self._windows[kind] = window
        self._next_end_s = min(self._next_end_s, window.ends_s)
        return window
