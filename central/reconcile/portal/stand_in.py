"""What stands in for the level of a read whose reader tells none: how often the antenna reads.

The nearer a tag is, the more often it is read; whoever leaves PeakRSSI out of a reader's reports
leaves that alone. So a tag's reads by one antenna are counted, each worth less by the factor *e*
with every ``LATELY_S``, and r of them a second stand for ``ONCE_DBM + PER_DECADE_DB * log10(r)``.
The three were chosen on emulated docks for training whose levels were taken away. It is far less
than a level tells: many tags share one reader's time, so that all are read less often where many
are. Nothing is posted by it without a person (``desk``).
"""

from __future__ import annotations

import math

import msgspec

from gateway.contract import TagSighting

LATELY_S = 1.0
ONCE_DBM = -55.0
PER_DECADE_DB = 25.0
MOST_TAGS = 4_000


class Often(msgspec.Struct, array_like=True):
    """How much of an antenna's reads of a tag counts still, at ``at_us``."""

    at_us: int
    reads: float = 0.0

    def read(self, at_us: int, count: int) -> float:
        """So many more reads; the rate of late, in reads a second."""
        gone_s = max(at_us - self.at_us, 0) / 1e6
        self.at_us = max(self.at_us, at_us)
        self.reads = self.reads * math.exp(-gone_s / LATELY_S) + count
        return self.reads / LATELY_S


class StandIn(msgspec.Struct):
    """The rates of tags without levels, the longest unheard first out: by EPC and antenna."""

    tags: dict[str, dict[str, Often]] = {}

    def levelled(self, seen: TagSighting, at_us: int) -> TagSighting:
        """A sighting without a level, with one that stands in for it."""
        antennas = self.tags.pop(seen.epc, {})
        self.tags[seen.epc] = antennas
        while len(self.tags) > MOST_TAGS:
            del self.tags[next(iter(self.tags))]
        often = antennas.setdefault(f"{seen.device}/{seen.antenna}", Often(at_us))
        rate = often.read(at_us, seen.count)
        level_dbm = ONCE_DBM + PER_DECADE_DB * math.log10(max(rate, 0.1))
        return msgspec.structs.replace(seen, peak_rssi_dbm=round(min(level_dbm, 0.0), 2))


def tells_level(seen: TagSighting) -> bool:
    """Whether its reader told how loud it was."""
    return seen.peak_rssi_dbm is not None or seen.mean_rssi_dbm is not None
