"""When a photo-eye's beam was dark: told by itself, whatever tags do.

A gate's window says that something went on, and among strays that are read all the time it ends
only at its limit. When something stood in the door itself is more exact than that, so each
darkness is a ``GateWindow`` of its own, closed by ``beam``, with no reads. It is told at once when
it begins (without length: it is dark now), and whole as soon as the beam has been free for
``beam_free_s``: shorter gaps are a pallet's feet or a trembling eye. What stands in the beam for
longer than the gate's limit is told in pieces of that length.
"""

from __future__ import annotations

from edge.fold.moments import Place, moment
from edge.fold.settings import FoldSettings
from gateway.contract import GateWindow


class Beam:
    """One photo-eye. Events' times say when it was dark, arrivals when that is surely over."""

    def __init__(self, place: Place, settings: FoldSettings) -> None:
        self._place = place
        self._is_used = settings.gate in {"gpi", "both"}
        self._port = settings.gpi_port
        self._active = settings.gpi_active
        self._free_us = round(settings.beam_free_s * 1e6)
        self._limit_us = round(settings.limit_s * 1e6)
        self._is_dark = False
        self._since_us: int | None = None
        self._since_arrival_us = 0
        self._freed_us = self._freed_arrival_us = 0

    def input(
        self, port: int | None, state: bool | None, at_us: int, arrived_us: int
    ) -> list[GateWindow]:
        """An input of the reader changed: a darkness begins, and the one before it is over."""
        if not self._is_used or port != self._port or state is None:
            return []
        dark = state is self._active
        if dark is self._is_dark:
            return []
        self._is_dark = dark
        if not dark:
            self._freed_us = max(at_us, self._since_us or at_us)
            self._freed_arrival_us = arrived_us
            return []
        told: list[GateWindow] = []
        if self._since_us is not None:
            if at_us - self._freed_us < self._free_us:
                return []
            told.append(self._tell(self._freed_us))
        self._since_us, self._since_arrival_us = at_us, arrived_us
        return [*told, self._tell(at_us)]

    def due(self, now_us: int) -> list[GateWindow]:
        """What is over by now, or has gone on for so long that a piece of it is told."""
        if self._since_us is None:
            return []
        if self._is_dark and now_us - self._since_arrival_us > self._limit_us:
            ends_us = self._since_us + self._limit_us
            piece = self._tell(ends_us)
            self._since_us, self._since_arrival_us = (
                ends_us,
                self._since_arrival_us + self._limit_us,
            )
            return [piece, self._tell(ends_us)]
        if not self._is_dark and now_us - self._freed_arrival_us >= self._free_us:
            whole = self._tell(self._freed_us)
            self._since_us = None
            return [whole]
        return []

    def flush(self, now_us: int) -> list[GateWindow]:
        """The darkness that is not over yet, at the end."""
        if self._since_us is None:
            return []
        lasted_us = max(now_us - self._since_arrival_us, 0)
        whole = self._tell(self._since_us + lasted_us if self._is_dark else self._freed_us)
        self._since_us, self._is_dark = None, False
        return [whole]

    def _tell(self, ends_us: int) -> GateWindow:
        assert self._since_us is not None, "a darkness has a beginning"
        return GateWindow(
            device=self._place.device,
            read_point=self._place.read_point,
            event_time=moment(self._since_us),
            closed_at=moment(ends_us),
            closed_by="beam",
        )
