"""A sum on every row of the journal: what a torn write or a bad card changed is found. Pure.

CRC-32 (ISO 3309, as in ``zlib``) of the body, begun with the row's number: a body that stands at
another row's place is found, too.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence

from edge.segments import Row

SummedRow = tuple[int, bytes, int]
"""A row and its sum. Segments of versions before this one have rows without."""


def added(rows: Iterable[Row]) -> list[SummedRow]:
    """Each row with its sum."""
    return [(seq, body, _sum(seq, body)) for seq, body in rows]


def sound(rows: Sequence[SummedRow | Row]) -> list[Row]:
    """The rows before the first whose sum does not fit."""
    kept: list[Row] = []
    for seq, body, *told in rows:
        if told and told[0] != _sum(seq, body):
            break
        kept.append((seq, body))
    return kept


def _sum(seq: int, body: bytes) -> int:
    return zlib.crc32(body, seq & 0xFFFFFFFF)
