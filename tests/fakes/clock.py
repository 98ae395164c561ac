"""A clock that stands where a test puts it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class FakeClock:
    """``wall_us`` and ``steady`` (seconds) are set by the test; ``pass_s`` moves both."""

    wall_us: int = 0
    steady: float = 0.0

    def now_us(self) -> int:
        """The wall clock, right or wrong."""
        return self.wall_us

    def steady_s(self) -> float:
        """The steady clock."""
        return self.steady

    def pass_s(self, seconds: float) -> None:
        """Let time pass."""
        self.wall_us += round(seconds * 1e6)
        self.steady += seconds
