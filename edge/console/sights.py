"""What a device shows right now, for somebody who looks at it: pure, every time is passed in.

Kept only while somebody looks. A *picture* is all of it, in words that JSON has.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Sequence
from typing import Any

from drivers.readings import (
    CodeScan,
    DeviceEvent,
    LoadCellWindow,
    Reading,
    TagRead,
    WeightReading,
)
from edge.console.tag_sight import TagSight
from gateway.gs1 import parse_scan
from gateway.gs1.symbologies import symbology_name

_TRACE_US = 3_000_000
"""So much of a scale's trace is in each picture: who skips one misses no point."""
_TRACE_MOST = 200
_SCANS = 20
_EVENTS = 10


class Sight:
    """One device, whatever it is: what it said, and what that comes to."""

    def __init__(self) -> None:
        self.tags = TagSight()
        self._weight = _WeightSight()
        self._scans: deque[dict[str, Any]] = deque(maxlen=_SCANS)
        self._events: deque[dict[str, Any]] = deque(maxlen=_EVENTS)
        self._cell: dict[str, Any] | None = None
        self._heard_us: int | None = None
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._number = 0

    def feed(self, now_us: int, readings: Sequence[Reading]) -> None:
        """What the device said at ``now_us``."""
        for reading in readings:
            if isinstance(reading, TagRead):
                self._kind("tags", now_us)
                self.tags.feed(now_us, reading)
            elif isinstance(reading, WeightReading):
                self._kind("weight", now_us)
                self._weight.feed(now_us, reading)
            elif isinstance(reading, CodeScan):
                self._kind("scans", now_us)
                self._number += 1
                self._scans.appendleft({"no": self._number, "at_us": now_us, **scan(reading)})
            elif isinstance(reading, LoadCellWindow):
                self._kind("cell", now_us)
                self._cell = _cell(reading)
            else:
                self._number += 1
                self._events.appendleft({"no": self._number, "at_us": now_us, **_event(reading)})

    def picture(self, now_us: int) -> dict[str, Any]:
        """All of it. What the device never sent is missing."""
        shown: dict[str, Any] = {"heard_us": self._heard_us, "events": list(self._events)}
        if "tags" in self._seen:
            shown["tags"] = self.tags.picture(now_us)
        if "weight" in self._seen:
            shown["weight"] = self._weight.picture(now_us)
        if "scans" in self._seen:
            shown["scans"] = list(self._scans)
        if self._cell is not None:
            shown["cell"] = self._cell
        return shown

    def _kind(self, name: str, now_us: int) -> None:
        self._heard_us = now_us
        self._seen[name] = None


class _WeightSight:
    """A scale: its newest word, gross, net and tare as far as it tells, and the last seconds."""

    def __init__(self) -> None:
        self._newest: WeightReading | None = None
        self._figures: dict[str, str] = {}
        self._points: deque[tuple[int, float, bool | None]] = deque(maxlen=_TRACE_MOST)
        self._frames: deque[int] = deque(maxlen=_TRACE_MOST)

    def feed(self, now_us: int, reading: WeightReading) -> None:
        self._frames.append(now_us)
        if reading.tare:
            self._figures["tare"] = str(reading.value)
            return
        self._newest = reading
        if reading.value is None:
            return
        self._figures["net" if reading.net else "gross"] = str(reading.value)
        if reading.net is False:
            self._figures.pop("net", None)
        self._points.append((now_us, float(reading.value), reading.stable))

    def picture(self, now_us: int) -> dict[str, Any]:
        newest = self._newest
        recent = [one for one in self._points if one[0] > now_us - _TRACE_US]
        return {
            "value": None if newest is None or newest.value is None else str(newest.value),
            "unit": newest.unit if newest else None,
            "stable": newest.stable if newest else None,
            "zero": newest.zero if newest else None,
            "status": str(newest.status) if newest else None,
            "compare": newest.compare if newest else None,
            "spread": str(newest.spread) if newest and newest.spread is not None else None,
            "frames_per_s": sum(at > now_us - 1_000_000 for at in self._frames),
            **{key: self._figures.get(key) for key in ("gross", "net", "tare")},
            "trace": [[at // 1_000, value, stable] for at, value, stable in recent],
        }


def scan(reading: CodeScan) -> dict[str, Any]:
    """A scan, and what GS1 makes of it."""
    parsed = parse_scan(reading.data, reading.symbology)
    said = {
        "gtin": parsed.gtin, "sscc": parsed.sscc, "lot": parsed.lot, "expiry": parsed.expiry,
        "serial": parsed.serial, "quantity": parsed.quantity, "note": parsed.error,
    }  # fmt: skip
    return {
        "data": reading.data[:500].replace("\x1d", "\u241d"),
        "symbology": symbology_name(reading.symbology) if reading.symbology else None,
        **{key: value for key, value in said.items() if value is not None},
    }


def _event(event: DeviceEvent) -> dict[str, Any]:
    return {"name": event.name, "port": event.port, "state": event.state, "text": event.detail}


def _cell(window: LoadCellWindow) -> dict[str, Any]:
    return {
        "node": window.node, "samples": window.samples, "saturated": window.saturated,
        "mean_counts": None if window.mean is None else str(window.mean),
        "std_counts": None if window.std is None else str(window.std),
        "temp_c": None if window.temp_c is None else str(window.temp_c),
    }  # fmt: skip
