"""From which places an order is served. Pure.

What expires first goes first (FEFO), and of goods that do not expire, or on the same day, what
came into the house first (FIFO), by the day. Within such a rank one place that has all of it
comes before several, the one with the least left over; otherwise the fullest places come first,
so that few places are walked to.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from typing import NamedTuple

from central.reservations.model import Part

__all__ = ["Cell", "Supply"]

_DAY_US = 86_400 * 1_000_000
_NEVER = "9999-12-31"
Rank = tuple[str, float]


class Cell(NamedTuple):
    """What lies of an item at a place: ``on_hand`` units of a lot, ``reserved`` of them promised.

    ``expires_on`` is its last day (ISO 8601), ``since_us`` when it came into the house in
    microseconds since 1970; where one is not known, the goods go last.
    """

    lot: str
    location: str
    on_hand: int
    reserved: int = 0
    expires_on: str = ""
    since_us: int | None = None

    @property
    def rank(self) -> Rank:
        """The least goes first."""
        came = math.inf if self.since_us is None else self.since_us // _DAY_US
        return self.expires_on or _NEVER, came


class Supply:
    """What of one item can be given, while it is given to one after another.

    Where more is promised of a place than lies there (a sensor saw it leave), as much is kept
    back elsewhere: ``available`` is the sum over all places, and nobody gets more than that.
    """

    def __init__(self, cells: Iterable[Cell]) -> None:
        self.on_hand = self.reserved = 0
        free: list[tuple[Rank, str, str, int]] = []
        for one in cells:
            self.on_hand += one.on_hand
            self.reserved += one.reserved
            if one.on_hand > one.reserved:
                free.append((one.rank, one.location, one.lot, one.on_hand - one.reserved))
        free.sort()
        self._ranks: dict[Rank, dict[tuple[str, str], int]] = {}
        for rank, location, lot, units in free:
            self._ranks.setdefault(rank, {})[lot, location] = units

    @property
    def available(self) -> int:
        """Units that nobody claims; negative where more is promised than is there."""
        return self.on_hand - self.reserved

    def free(self, *, lot: str = "", places: Collection[str] | None = None) -> int:
        """Units that a claim could be given, of a lot and at some places if these are told."""
        fitting = sum(
            units
            for cells in self._ranks.values()
            for key, units in cells.items()
            if _fits(key, lot, places)
        )
        return max(0, min(fitting, self.available))

    def give(
        self, wanted: int, *, lot: str = "", places: Collection[str] | None = None
    ) -> list[Part]:
        """Set aside up to ``wanted`` units, as many as there are."""
        left = min(wanted, max(0, self.available))
        given: list[Part] = []
        for rank in list(self._ranks):
            if left <= 0:
                break
            cells = self._ranks[rank]
            for key in _served(cells, left, lot, places):
                units = min(left, cells[key])
                given.append(Part(*key, units))
                cells[key] -= units
                left -= units
                if not cells[key]:
                    del cells[key]
                if not left:
                    break
            if not cells:
                del self._ranks[rank]
        self.reserved += sum(part.units for part in given)
        return given


def _served(
    cells: dict[tuple[str, str], int],
    wanted: int,
    lot: str,
    places: Collection[str] | None,
) -> list[tuple[str, str]]:
    """The cells of one rank in the order in which they serve."""
    fitting = [key for key in cells if _fits(key, lot, places)]
    whole = [key for key in fitting if cells[key] >= wanted]
    if whole:
        return [min(whole, key=lambda key: (cells[key], key))]
    return sorted(fitting, key=lambda key: (-cells[key], key))


def _fits(key: tuple[str, str], lot: str, places: Collection[str] | None) -> bool:
    return (not lot or key[0] == lot) and (places is None or key[1] in places)
