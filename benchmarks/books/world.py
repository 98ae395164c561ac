"""A large company's history of stock, drawn from a seed: where every item lies, and every move.

Ten warehouses with a hundred bins each; every item has a bin in some of them. Goods come in from
the supplier, go from bin to bin and out to customers, and no bin ever holds less than nothing.
"""

from __future__ import annotations

import random
from array import array
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from benchmarks.machine import NotHere
from central.stock.model import Movement

WAREHOUSES = 10
BINS = 100
_BEGAN = datetime(2026, 1, 5, 6, tzinfo=UTC)
_STEP = timedelta(milliseconds=250)
_RECEIVED, _SHIPPED = 0.3, 0.7
"""Of a hundred movements thirty come in, forty go out, and thirty stay in the house."""


class Size(NamedTuple):
    """How large the books are; ``balances`` is a multiple of ``skus``, up to tenfold."""

    skus: int
    balances: int
    movements: int


SIZES = {
    "tiny": Size(100, 1_000, 2_000),
    "small": Size(10_000, 100_000, 200_000),
    "wide": Size(100_000, 300_000, 600_000),
    "full": Size(100_000, 1_000_000, 10_000_000),
}


def sized(name: str) -> Size:
    """The size that ``--size`` names. Raises ``NotHere`` for another word."""
    if name not in SIZES:
        raise NotHere(f"there is no size {name!r}: {', '.join(SIZES)}")
    return SIZES[name]


def sku(number: int) -> str:
    """An item's name."""
    return f"SKU-{number:06d}"


def bin_code(warehouse: int, place: int) -> str:
    """A bin's name."""
    return f"WH-{warehouse:02d}-B{place:02d}"


class World:
    """Where everything is, while its history is told."""

    def __init__(self, size: Size, seed: int) -> None:
        self.size = size
        self.each = size.balances // size.skus
        self.on_hand = array("q", [0]) * size.balances
        self._random = random.Random(seed)

    def place(self, index: int) -> str:
        """The bin of a balance."""
        item, warehouse = divmod(index, self.each)
        return bin_code(warehouse, (item * 37 + warehouse * 11) % BINS)

    def movements(self) -> Iterator[Movement]:
        """The whole history, oldest first; a first receipt into every bin begins it."""
        for number in range(self.size.movements):
            yield self.movement(number)

    def movement(self, number: int) -> Movement:
        """One more, in the order of their numbers."""
        draw = self._random
        if number < self.size.balances:
            index, kind = number, 0.0
        else:
            index, kind = draw.randrange(self.size.balances), draw.random()
        held, place = self.on_hand[index], self.place(index)
        if kind < _RECEIVED or held < 2:
            quantity = draw.randrange(50, 500)
            ends, step = ("supplier", place), "receiving"
            self.on_hand[index] += quantity
        elif kind < _SHIPPED or self.each == 1:
            quantity = draw.randrange(1, min(held, 12))
            ends, step = (place, "customer"), "shipping"
            self.on_hand[index] -= quantity
        else:
            quantity = draw.randrange(1, min(held, 24))
            item = index - index % self.each
            other = item + (index - item + 1) % self.each
            ends, step = (place, self.place(other)), "storing"
            self.on_hand[index] -= quantity
            self.on_hand[other] += quantity
        return Movement(
            id=f"{number:016x}{draw.getrandbits(64):016x}",
            sku=sku(index // self.each),
            quantity=quantity,
            source=ends[0],
            destination=ends[1],
            biz_step=step,
            event_time=_BEGAN + number * _STEP,
        )
