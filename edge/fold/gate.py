"""The windows in which a portal was active: opened by a fresh tag or a photo-eye, closed by
silence, the photo-eye or the limit. Empty windows of a photo-eye are told too: somebody passed
and no tag was heard.

Two clocks are at work. Event times say where a window begins and ends; arrival times say when
a silence is over although nothing comes any more. Either closes a window, so that a reader's
backlog of minutes that arrives within a second falls into the windows it was heard in.
"""

from __future__ import annotations

from edge.fold.moments import Place, moment
from edge.fold.settings import FoldSettings
from gateway.contract import GateWindow


class Gate:
    """One read point's activity. ``due`` and ``breaks`` say why to close; ``close`` does it."""

    def __init__(self, place: Place, settings: FoldSettings) -> None:
        self._place = place
        self._on_tags = settings.gate in {"quiet", "both"}
        self._on_gpi = settings.gate in {"gpi", "both"}
        self._port = settings.gpi_port
        self._active = settings.gpi_active
        self._quiet_us = round(settings.quiet_s * 1e6)
        self._limit_us = round(settings.limit_s * 1e6)
        self._settle_us = round(settings.gpi_settle_s * 1e6)
        self._most_tags = settings.max_tags
        self._held = False
        self._is_open = False
        self._clear()

    def _clear(self) -> None:
        self._is_open = False
        self._opened_us = self._last_us = 0
        self._opened_arrival_us = self._last_arrival_us = 0
        self._fell_us: int | None = None
        self._fell_arrival_us = 0
        self._reads = 0
        self._tags: set[str] = set()

    @property
    def is_open(self) -> bool:
        """Whether a window is open now."""
        return self._is_open

    def breaks(self, at_us: int) -> str | None:
        """Why the open window must close before a fresh read of ``at_us`` is added to it."""
        if not self._is_open:
            return None
        if self._on_tags and not self._held and at_us - self._last_us > self._quiet_us:
            return "quiet"
        return "limit" if at_us - self._opened_us > self._limit_us else None

    def due(self, now_us: int) -> str | None:
        """Why the open window must close by now, or ``None``."""
        if not self._is_open:
            return None
        if now_us - self._opened_arrival_us > self._limit_us:
            return "limit"
        if self._held:
            return None
        silent_us = now_us - max(self._last_arrival_us, self._fell_arrival_us)
        if self._fell_us is not None:
            return "gpi" if silent_us >= self._settle_us else None
        return "quiet" if silent_us >= self._quiet_us else None

    def fresh(self, epc: str, count: int, at_us: int, arrived_us: int) -> None:
        """A read that is not a resident's: opens the window, or keeps it open."""
        if not self._is_open:
            if not self._on_tags:
                return
            self._open(at_us, arrived_us)
        self._opened_us = min(self._opened_us, at_us)
        self._last_us = max(self._last_us, at_us)
        self._last_arrival_us = arrived_us
        self._reads += count
        if len(self._tags) < self._most_tags:
            self._tags.add(epc)

    def input(self, port: int | None, state: bool | None, at_us: int, arrived_us: int) -> None:
        """A general-purpose input of the reader changed."""
        if not self._on_gpi or port != self._port or state is None:
            return
        if state is self._active:
            self._held = True
            self._fell_us = None
            if not self._is_open:
                self._open(at_us, arrived_us)
        elif self._held:
            self._held = False
            self._fell_us, self._fell_arrival_us = at_us, arrived_us

    def close(self, reason: str, now_us: int) -> GateWindow:
        """The window as it was; the gate stands closed after it. Only the limit cuts a window
        in two: what goes on opens the next one at once, so that a silence later ends that.
        """
        ends_us = self._last_us
        if reason == "quiet":
            ends_us = min(self._last_us + self._quiet_us, now_us)
        elif reason == "gpi" and self._fell_us is not None:
            ends_us = max(self._fell_us, self._last_us)
        elif reason == "limit" and self._held:
            ends_us = min(self._opened_us + self._limit_us, now_us)
        window = GateWindow(
            device=self._place.device,
            read_point=self._place.read_point,
            event_time=moment(self._opened_us),
            closed_at=moment(max(ends_us, self._last_us, self._opened_us)),
            closed_by=reason,
            reads=self._reads,
            tags=len(self._tags),
        )
        goes_on = reason == "limit" and self._on_tags and not self._held
        last_us, last_arrival_us = self._last_us, self._last_arrival_us
        self._clear()
        if goes_on:
            self._open(last_us, now_us)
            self._last_arrival_us = last_arrival_us
        return window

    def _open(self, at_us: int, arrived_us: int) -> None:
        self._is_open = True
        self._opened_us = self._last_us = at_us
        self._opened_arrival_us = self._last_arrival_us = arrived_us
