"""Fields that a reader leaves out because they are what they were: filled in again. Pure.

LLRP 1.0.1 on TagReportData: an optional parameter that is enabled and absent is identical to the
last one of the same type received, whichever tag that came with. Nothing in a message tells
"not enabled" from "as before" (the Go client of EdgeX calls it the ambiguous nil): only who
wrote the ROSpec knows which fields it enabled, and only these are filled.

Nothing is carried from one ROSpec to another, from one connection to the next, from the clock
of one kind to the other, or over a place where something was not understood: a field is then
empty until the reader sends it again, which is better than a value of another antenna.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from drivers.readings import TagRead

FIELDS = frozenset(
    {"antenna", "peak_rssi_dbm", "first_seen_us", "last_seen_us", "count", "channel"}
)
"""What LLRP itself reports of a tag. Vendors' own fields (phase, Doppler) follow no such rule."""

_STAMPS = ("first_seen_us", "last_seen_us")
_ENABLED_BY = {
    "EnableAntennaID": "antenna",
    "EnablePeakRSSI": "peak_rssi_dbm",
    "EnableFirstSeenTimestamp": "first_seen_us",
    "EnableLastSeenTimestamp": "last_seen_us",
    "EnableTagSeenCount": "count",
    "EnableChannelIndex": "channel",
}


def enabled_fields(selector: Mapping[str, Any]) -> frozenset[str]:
    """Fields of ``TagRead`` that a TagReportContentSelector, as sllurp writes it, asks for."""
    return frozenset(field for name, field in _ENABLED_BY.items() if selector.get(name))


class LastValues:
    """The last value of each enabled field on one connection. ``enabled`` is of ``FIELDS``."""

    def __init__(self, enabled: Collection[str]) -> None:
        if unknown := set(enabled) - FIELDS:
            raise ValueError(f"no field that LLRP lets a reader leave out: {sorted(unknown)}")
        self._plain = tuple(sorted(set(enabled) - {*_STAMPS, "count"}))
        self._stamps = tuple(name for name in _STAMPS if name in enabled)
        self._counts = "count" in enabled
        self.forget()

    def forget(self) -> None:
        """What comes next says nothing by what it leaves out."""
        self._last: dict[str, Any] = {}
        self._uptime = False
        self._rospec: int | None = None

    def fill(self, read: TagRead, *, counted: bool, rospec: int | None) -> TagRead:
        """``read`` with what it lacks; ``counted`` says whether it brought a count of its own,
        ``rospec`` is the ROSpec it names, if it names one.
        """
        if rospec is not None:
            if self._rospec is not None and rospec != self._rospec:
                self.forget()
            self._rospec = rospec
        last = self._last
        found: dict[str, Any] = {}
        for name in self._plain:
            self._take(name, getattr(read, name), found)
        stamped = read.first_seen_us is not None or read.last_seen_us is not None
        if stamped and read.uptime_clock != self._uptime:
            self._uptime = read.uptime_clock
            for name in _STAMPS:
                last.pop(name, None)
        for name in self._stamps:
            self._take(name, getattr(read, name), found)
        if self._counts:
            self._take("count", read.count if counted else None, found)
        if not found:
            return read
        if not stamped and not found.keys().isdisjoint(_STAMPS):
            found["uptime_clock"] = self._uptime
        return msgspec.structs.replace(read, **found)

    def _take(self, name: str, value: object, found: dict[str, Any]) -> None:
        """Remember a value that came, or find the one before."""
        if value is not None:
            self._last[name] = value
        elif name in self._last:
            found[name] = self._last[name]
