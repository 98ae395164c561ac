"""What the edge says of itself: health observations, and the counters in them."""

from __future__ import annotations

from collections.abc import Mapping

from edge.fold.moments import moment
from gateway.contract import DeviceHealth

STATES = ("starting", "running", "retrying", "refused", "held", "stopped")
"""``held``: a technician's operation has the device, which the cause names."""


class Health:
    """The state of one thing. ``turn`` gives an observation when there is news.

    Repeats of the same state and cause are no news: a device that stays away is reported once
    when it goes and once when it is back.
    """

    def __init__(self, device: str, read_point: str) -> None:
        self._device = device
        self._read_point = read_point
        self.state = ""
        self.cause = ""
        self.hint = ""
        self.since_us = 0

    def turn(
        self,
        state: str,
        now_us: int,
        *,
        cause: str = "",
        hint: str = "",
        counters: Mapping[str, int] | None = None,
    ) -> DeviceHealth | None:
        """Take in the state; an observation when state or cause changed, else ``None``."""
        assert state in STATES, state
        if (state, cause) == (self.state, self.cause):
            return None
        if state != self.state:
            self.since_us = now_us
        self.state, self.cause, self.hint = state, cause, hint
        return self.say(now_us, counters or {})

    def say(self, now_us: int, counters: Mapping[str, int]) -> DeviceHealth:
        """The state as it is, with the counters as they are."""
        return DeviceHealth(
            device=self._device,
            read_point=self._read_point,
            event_time=moment(now_us),
            state=self.state,
            cause=self.cause[:500],
            hint=self.hint[:500],
            counters=dict(counters),
        )


def added(totals: Mapping[str, int], more: Mapping[str, int]) -> dict[str, int]:
    """Counters of several lives of one thing, added up."""
    return {name: totals.get(name, 0) + more.get(name, 0) for name in sorted({*totals, *more})}
