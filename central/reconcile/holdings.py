"""What places hold of an item, and which tags of it are known there. Pure types.

Goods that were booked without tags (opening stock, receipts by hand) are on the ledger, and the
tags that they bear are not. Judging takes what it has never met for these where a place holds more
of the item than its known tags stand for (``portal.untagged``).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, Protocol

__all__ = ["NOTHING_HELD", "UNTAGGED", "Held", "Holdings", "Lot"]

UNTAGGED = "untagged"
"""In a movement's evidence: its tags had never been met, and the ledger told where they lay."""

Lot = tuple[str, str]
"""An item, and which lot of it."""


class Held(NamedTuple):
    """A place with ``units`` of a lot that may be sold, ``every`` unit of the item there, whatever
    its lot and status, and the tags ``epcs`` that are known to lie there.

    ``by_name`` says that each piece is known by its serial number: which of them bears a tag that
    was never met the number of units does not tell.
    """

    place: str
    units: int
    every: int
    epcs: tuple[str, ...] = ()
    by_name: bool = False


class Holdings(Protocol):
    """The ledger's balances, as of the log entry that is judged."""

    def of(self, lots: Collection[Lot]) -> Mapping[Lot, Sequence[Held]]:
        """The places inside that hold some of each lot, and more units of its item than tags."""
        ...

    def picked_to(self, sku: str, place: str) -> bool:
        """Whether any of an item was ever picked to a place, to leave from there."""
        ...


class _NothingHeld:
    """A ledger that says nothing of what lies where."""

    def of(self, _lots: Collection[Lot]) -> Mapping[Lot, Sequence[Held]]:
        return {}

    def picked_to(self, _sku: str, _place: str) -> bool:
        return False


NOTHING_HELD: Holdings = _NothingHeld()
