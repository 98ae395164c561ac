"""Tags as a technician lists them: by antenna, how often, how loud. Pure."""

from __future__ import annotations

from typing import Any

from drivers.readings import TagRead
from edge.console.tag_sight import named
from gateway.gs1 import decode_epc

MOST_TAGS = 2_000


class TagList:
    """``feed`` reads; ``rows`` is what there is, the loudest first. Beyond ``MOST_TAGS`` tags
    others are only counted (``more``).
    """

    def __init__(self) -> None:
        self.reads = 0
        self._tags: dict[str, dict[int, list[float]]] = {}
        self._more: set[str] = set()

    def feed(self, read: TagRead) -> None:
        """One more read."""
        self.reads += read.count
        antennas = self._tags.get(read.epc)
        if antennas is None:
            if len(self._tags) >= MOST_TAGS:
                self._more.add(read.epc)
                return
            antennas = self._tags[read.epc] = {}
        level = -99.0 if read.peak_rssi_dbm is None else read.peak_rssi_dbm
        seen = antennas.setdefault(read.antenna or 0, [0.0, level])
        seen[0] += read.count
        seen[1] = max(seen[1], level)

    @property
    def epcs(self) -> frozenset[str]:
        """All tags."""
        return frozenset(self._tags)

    @property
    def more(self) -> int:
        """Tags that were heard and are not in the list."""
        return len(self._more)

    def antennas(self) -> list[dict[str, Any]]:
        """Each antenna: how many tags, how many reads, the loudest."""
        found: dict[int, list[float]] = {}
        for antennas in self._tags.values():
            for number, (count, level) in antennas.items():
                one = found.setdefault(number, [0, 0, -99.0])
                one[0] += 1
                one[1] += count
                one[2] = max(one[2], level)
        return [
            {"antenna": number, "tags": tags, "reads": int(reads), "peak_rssi_dbm": level}
            for number, (tags, reads, level) in sorted(found.items())
        ]

    def rows(self, most: int = MOST_TAGS) -> list[dict[str, Any]]:
        """Tag by tag."""
        loudest = sorted(
            self._tags.items(),
            key=lambda one: (-max(level for _, level in one[1].values()), one[0]),
        )
        return [
            {
                "epc": epc,
                **named(decode_epc(epc)),
                "reads": int(sum(count for count, _ in antennas.values())),
                "peak_rssi_dbm": max(level for _, level in antennas.values()),
                "antennas": {str(no): level for no, (_, level) in sorted(antennas.items())},
            }
            for epc, antennas in loudest[:most]
        ]
