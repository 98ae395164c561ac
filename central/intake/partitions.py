"""The shares into which work is cut: what belongs together always falls into the same one.

An edge's stream and a read point's memory each belong to the partition of their name, so that
whoever holds a partition does all of its work, in order, and nobody else does any. Pure.
"""

from __future__ import annotations

import functools
import zlib
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

__all__ = ["ALL", "PARTITIONS", "Held", "partition_of", "share"]

PARTITIONS = 16
"""As many as rows in table ``partition``: the most workers that can share one database. Another
number needs a migration, since memories are kept by partition.
"""
ALL = frozenset(range(PARTITIONS))


class Held(NamedTuple):
    """A partition whose work is ours: ``epoch`` counts how often it changed hands, ``position``
    is the last entry of the observation log that was judged for it.
    """

    no: int
    epoch: int
    position: int


@functools.lru_cache(maxsize=4_096)
def partition_of(name: str) -> int:
    """The partition of an edge or a read point: CRC-32 of its UTF-8 name (ISO 3309), modulo."""
    return zlib.crc32(name.encode()) % PARTITIONS


def share(
    holders: Mapping[int, str], alive: Collection[str], worker: str
) -> tuple[list[int], list[int]]:
    """What ``worker`` should take and what it should leave.

    ``holders`` says who holds each partition; who is not among ``alive`` holds nothing. Every
    worker's share is the same or one more than another's, and a share that is not too large
    keeps what it has: each worker decides for itself, and all come to the same end.
    """
    order: Sequence[str] = sorted(alive)
    least, over = divmod(len(holders), len(order))
    most = least + (order.index(worker) < over)
    mine = sorted(no for no, holder in holders.items() if holder == worker)
    free = sorted(no for no, holder in holders.items() if holder not in alive)
    return free[: max(0, most - len(mine))], mine[most:]
