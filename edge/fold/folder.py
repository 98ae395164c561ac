"""One device's readings of whatever kind, folded in the order in which they came."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import cast

from drivers.readings import (
    CodeScan,
    DeviceEvent,
    LoadCellWindow,
    Reading,
    TagRead,
    WeightReading,
)
from edge.fold.moments import Place
from edge.fold.scan import ScanFolder
from edge.fold.settings import FoldSettings
from edge.fold.tags import TagFolder
from edge.fold.weight import WeightFolder
from gateway.contract import Observation


class Folder:
    """``feed`` what a device says, ``tick`` about ten times a second, ``flush`` at the end.

    Times are the edge's, in microseconds since 1970, and must not go backwards: after a step
    of the edge's own clock, flush and begin with a new folder.
    """

    def __init__(
        self, device: str, read_point: str, settings: FoldSettings, *, plate: int = 1
    ) -> None:
        place = Place(device, read_point)
        self._tags = TagFolder(place, settings)
        self._weights = WeightFolder(place, settings, plate)
        self._scans = ScanFolder(place, settings)
        self._events = 0
        self._frame_errors = 0
        self._uncalibrated = 0

    def feed(self, readings: Sequence[Reading], arrived_us: int) -> list[Observation]:
        """Fold one lot of readings that arrived together at ``arrived_us``."""
        out: list[Observation] = []
        for kind, lot in groupby(readings, type):
            if kind is TagRead:
                out += self._tags.feed(cast("list[TagRead]", list(lot)), arrived_us)
            elif kind is WeightReading:
                out += self._weights.feed(cast("list[WeightReading]", list(lot)), arrived_us)
            elif kind is CodeScan:
                out += self._scans.feed(cast("list[CodeScan]", list(lot)), arrived_us)
            elif kind is LoadCellWindow:
                self._uncalibrated += len(list(lot))  # raw counts are no weight
            else:
                for event in cast("list[DeviceEvent]", list(lot)):
                    out += self._event(event, arrived_us)
        return out

    def tick(self, now_us: int) -> list[Observation]:
        """What is due by the passing of time alone."""
        return [*self._tags.tick(now_us), *self._weights.tick(now_us)]

    def flush(self, now_us: int) -> list[Observation]:
        """Everything pending, at the end: nothing heard is kept back."""
        return self._tags.flush(now_us)

    @property
    def tells_no_levels(self) -> bool:
        """Whether a reader of tags leaves out how loud it hears them."""
        return self._tags.tells_no_levels

    def counters(self) -> dict[str, int]:
        """What was heard and made of it; kinds that this device never sent are left out."""
        counts = {
            **self._tags.counters(),
            **self._weights.counters(),
            **self._scans.counters(),
            "device_events": self._events,
            "frame_errors_reported": self._frame_errors,
            "uncalibrated": self._uncalibrated,
        }
        return {name: count for name, count in counts.items() if count}

    def _event(self, event: DeviceEvent, arrived_us: int) -> list[Observation]:
        self._events += 1
        if event.name == "frame_error":
            self._frame_errors += 1
        elif event.name in {"connected", "reader_restarted", "restarted"}:
            self._weights.reconnected()
        return self._tags.event(event, arrived_us)
