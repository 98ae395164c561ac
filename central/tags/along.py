"""Which tags went along with what hands moved without naming them. Pure.

People put goods away, pick and ship them by item and quantity. The ledger knows then that a place
holds none of an item any more, and yet some of its tags were last heard of there: they went along.
With which of several moves nobody told. Those that came first are taken to have gone first, and no
more with any move than were moved: so each place has as many units by its tags as by its stock, and
if two lots of the same goods were mistaken for each other, they are so until both have left.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["Move", "Tag", "along"]


class Tag(NamedTuple):
    """A tag that is said to lie at a place since number ``seq`` of the ledger, for ``units``."""

    epc: str
    seq: int
    units: int


class Move(NamedTuple):
    """What was moved from there without naming tags: ``units`` of which none is known yet."""

    id: str
    seq: int
    units: int


def along(tags: Sequence[Tag], moves: Sequence[Move]) -> dict[str, list[Tag]]:
    """The tags that went with each move, by its id. Who went with none is in no list."""
    left = {move.id: move.units for move in moves}
    went: dict[str, list[Tag]] = {}
    for tag in sorted(tags, key=lambda tag: (tag.seq, tag.epc)):
        for move in sorted(moves, key=lambda move: move.seq):
            if move.seq > tag.seq and left[move.id] >= tag.units:
                left[move.id] -= tag.units
                went.setdefault(move.id, []).append(tag)
                break
    return went
