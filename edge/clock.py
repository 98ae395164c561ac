"""A reader's clock mapped to the edge's, by the least delay seen. Pure: arrival times are given.

A reader stamps a read on its own clock (UTC that may be wrong, or time since boot); the edge
knows when the report arrived. ``arrival - stamp`` is the clocks' offset plus the transport's
delay, and a delay is never negative: the least difference of the last minute heard is the best
estimate of the offset (the rule of NTP's clock filter, RFC 5905 §10, with one way only).
Because the estimate is never above any difference in the window, a mapped time is never
later than the arrival. Old reads that a reader kept through an outage only show larger
differences, so they do not move the estimate and land where they happened.
"""

from __future__ import annotations

from collections import deque

_SLICES = 6
_STEADY_SAMPLES = 10
_STEADY_SPREAD_US = 200_000
_STEADY_FOR_US = 5_000_000
_CONFIRMATIONS = 3


class ReaderClock:
    """The offset filter of one reader. All times in microseconds since 1970.

    ``window_us`` is how long a difference counts; a difference that lies more than ``step_us``
    from the estimate is either a garbled stamp, a stepped clock or a backlog, and is adopted
    only when the following ones agree with it.
    """

    def __init__(self, *, window_us: int = 60_000_000, step_us: int = 500_000) -> None:
        self._slice_us = window_us // _SLICES
        self._step_us = step_us
        self._least: deque[tuple[int, int]] = deque()
        self._offset: int | None = None
        self._below: list[int] = []
        self._late: deque[tuple[int, int]] = deque()
        self._uptime: bool | None = None
        self.steps = 0

    @property
    def offset_us(self) -> int | None:
        """Edge clock minus reader clock, or ``None`` before the first stamp."""
        return self._offset

    def restarted(self) -> None:
        """The reader booted or its clock was set anew: what was learned is void."""
        self._least.clear()
        self._below.clear()
        self._late.clear()
        self._offset = None

    def observe(self, stamp_us: int, arrived_us: int, *, uptime: bool = False) -> None:
        """Learn from one stamp (of a report, the newest one: it waited least)."""
        if uptime is not self._uptime:
            self.restarted()
            self._uptime = uptime
        difference = arrived_us - stamp_us
        if self._offset is not None and difference < self._offset - self._step_us:
            self._early(difference, arrived_us)
            return
        self._below.clear()
        if self._offset is not None and difference > self._offset + self._step_us:
            if self._is_steadily_late(difference, arrived_us):
                self._adopt(difference, arrived_us)
                return
        else:
            self._late.clear()
        self._remember(difference, arrived_us)

    def told(self, stamp_us: int, arrived_us: int, *, uptime: bool = False) -> None:
        """Learn what the reader's clock says now, as it does when a connection begins.

        This stamp never waited in a backlog: a difference to the estimate is a reader that
        booted, or whose clock was set while nobody listened, and needs no confirmation.
        """
        difference = arrived_us - stamp_us
        if uptime is not self._uptime:
            self.restarted()
            self._uptime = uptime
        elif self._offset is not None and abs(difference - self._offset) > self._step_us:
            self._adopt(difference, arrived_us)
            return
        self._below.clear()
        self._late.clear()
        self._remember(difference, arrived_us)

    def to_edge(self, stamp_us: int | None, arrived_us: int, *, uptime: bool | None = None) -> int:
        """The edge's time of a stamp; the arrival where there is nothing better. ``uptime`` says
        which clock stamped, where the caller knows: what was learned of one is not of the other.
        """
        if stamp_us is None or self._offset is None:
            return arrived_us
        if uptime is not None and uptime is not self._uptime:
            return arrived_us
        return max(0, min(stamp_us + self._offset, arrived_us))

    def _early(self, difference: int, arrived_us: int) -> None:
        """A stamp from the estimate's future: a clock set forward, or one garbled stamp."""
        self._below.append(difference)
        if max(self._below) - min(self._below) > self._step_us:
            del self._below[:-1]
        if len(self._below) >= _CONFIRMATIONS:
            self._adopt(min(self._below), arrived_us)

    def _is_steadily_late(self, difference: int, arrived_us: int) -> bool:
        """A backlog drains and its lag shrinks; a clock set back stays off by the same amount."""
        self._late.append((arrived_us, difference))
        differences = [one for _, one in self._late]
        if max(differences) - min(differences) > _STEADY_SPREAD_US:
            self._late.clear()
            return False
        if len(self._late) > 4 * _STEADY_SAMPLES:
            del self._late[1]  # the oldest stays: it tells since when
        since = arrived_us - self._late[0][0]
        return len(self._late) >= _STEADY_SAMPLES and since >= _STEADY_FOR_US

    def _adopt(self, difference: int, arrived_us: int) -> None:
        self.restarted()
        self.steps += 1
        self._remember(difference, arrived_us)

    def _remember(self, difference: int, arrived_us: int) -> None:
        """Keep the least difference per slice of the window; the estimate is the least of all."""
        now = arrived_us // self._slice_us
        if self._least and self._least[-1][0] == now:
            if difference < self._least[-1][1]:
                self._least[-1] = (now, difference)
        else:
            self._least.append((now, difference))
            # Slices count only while something is heard, so that after a silence the reader's
            # backlog is measured against what was known before it.
            if len(self._least) > _SLICES:
                self._least.popleft()
        self._offset = min(least for _, least in self._least)
