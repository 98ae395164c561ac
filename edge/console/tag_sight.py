"""What a reader hears right now: antennas with their rates and levels, tags with their names.

Rates are of the last second. A tag that was away for ``AWAY_US`` and is back stands on top of the
list again; one that stays keeps its row, so that the list can be read. Pure, bounded.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import Any

from drivers.readings import TagRead
from gateway.gs1 import Epc, decode_epc

__all__ = ["AWAY_US", "TagSight", "named"]

AWAY_US = 2_000_000
_WINDOW_US = 1_000_000
_SHOWN = 24
_REMEMBERED = 5_000
_READS_KEPT = 4_000


@dataclass(slots=True)
class _Antenna:
    reads: deque[tuple[int, str, float | None, int]] = field(
        default_factory=lambda: deque(maxlen=_READS_KEPT)
    )
    total: int = 0


@dataclass(slots=True)
class _Tag:
    came_us: int
    last_us: int
    count: int = 0
    antenna: int | None = None
    peak_rssi_dbm: float | None = None


class TagSight:
    """``feed`` each read; ``picture`` says what there is to see."""

    def __init__(self) -> None:
        self._antennas: dict[int, _Antenna] = {}
        self._tags: OrderedDict[str, _Tag] = OrderedDict()
        self._reads = 0

    def feed(self, now_us: int, read: TagRead) -> None:
        """One read, which arrived at ``now_us``."""
        antenna = self._antennas.setdefault(read.antenna or 0, _Antenna())
        antenna.reads.append((now_us, read.epc, read.peak_rssi_dbm, read.count))
        antenna.total += read.count
        self._reads += read.count
        tag = self._tags.get(read.epc)
        if tag is None or now_us - tag.last_us > AWAY_US:
            count = 0 if tag is None else tag.count
            tag = self._tags[read.epc] = _Tag(now_us, now_us, count)
            self._tags.move_to_end(read.epc)
        tag.last_us, tag.count, tag.antenna = now_us, tag.count + read.count, read.antenna
        tag.peak_rssi_dbm = read.peak_rssi_dbm
        if len(self._tags) > _REMEMBERED:
            self._tags.popitem(last=False)

    def picture(self, now_us: int) -> dict[str, Any]:
        """Antennas by number, the newest tags first."""
        antennas = [self._antenna(no, now_us) for no in sorted(self._antennas)]
        newest = [epc for epc, _ in zip(reversed(self._tags), range(_SHOWN), strict=False)]
        present = {
            epc
            for one in self._antennas.values()
            for at, epc, _, _ in one.reads
            if at > now_us - _WINDOW_US
        }
        return {
            "reads": self._reads,
            "different": len(self._tags),
            "present": len(present),
            "reads_per_s": sum(one["reads_per_s"] for one in antennas),
            "antennas": antennas,
            "tags": [self._tag(epc, now_us) for epc in newest],
        }

    def _antenna(self, number: int, now_us: int) -> dict[str, Any]:
        antenna = self._antennas[number]
        reads = antenna.reads
        while reads and reads[0][0] <= now_us - _WINDOW_US:
            reads.popleft()
        levels = [level for _, _, level, _ in reads if level is not None]
        return {
            "antenna": number,
            "reads_per_s": sum(count for _, _, _, count in reads),
            "tags": len({epc for _, epc, _, _ in reads}),
            "peak_rssi_dbm": max(levels, default=None),
            "mean_rssi_dbm": round(sum(levels) / len(levels), 1) if levels else None,
            "reads": antenna.total,
        }

    def _tag(self, epc: str, now_us: int) -> dict[str, Any]:
        tag = self._tags[epc]
        return {
            "epc": epc,
            **named(decode_epc(epc)),
            "antenna": tag.antenna,
            "peak_rssi_dbm": tag.peak_rssi_dbm,
            "count": tag.count,
            "ago_ms": max(0, now_us - tag.last_us) // 1_000,
        }


def named(epc: Epc) -> dict[str, Any]:
    """What people call it: the scheme, the key with its name, the serial."""
    keys = (
        ("GTIN", epc.gtin), ("SSCC", epc.sscc), ("GRAI", epc.grai), ("GIAI", epc.giai),
        ("GLN", epc.gln),
    )  # fmt: skip
    name, key = next(((name, key) for name, key in keys if key), ("", ""))
    return {"scheme": epc.scheme, "key": name, "value": key, "serial": epc.serial}
