"""Documents: what people announced that will come or go. Pure types.

An expected document settles doubts of judging; it never makes a quantity.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Protocol

import msgspec

__all__ = [
    "KINDS",
    "NOTHING_BROUGHT",
    "Brought",
    "Content",
    "Document",
    "Line",
    "LineTold",
    "Note",
    "Unit",
    "units_of",
]

KINDS = ("asn", "purchase_order", "return", "sales_order", "transfer")


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """``quantity`` units of an item. ``epcs`` name the pieces where the sender told them."""

    line: str
    sku: str
    quantity: int
    lot: str = ""
    epcs: tuple[str, ...] = ()


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """Units of an item in a logistic unit whose single pieces were not told."""

    sku: str
    quantity: int
    lot: str = ""


class Unit(msgspec.Struct, frozen=True, kw_only=True):
    """A pallet or box and what the sender says is in it (EPCIS aggregation). ``name`` is as in
    ``serials``: the Digital Link of its SSCC, or the EPC of its own tag (a GRAI).
    """

    name: str
    epcs: tuple[str, ...] = ()
    contents: tuple[Content, ...] = ()


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """What should go from ``source`` to ``destination``, through ``read_point`` if that is known,
    between two moments if they are known (microseconds since 1970).
    """

    id: str
    kind: str
    source: str
    destination: str
    read_point: str | None = None
    from_us: int | None = None
    until_us: int | None = None
    lines: tuple[Line, ...] = ()
    units: tuple[Unit, ...] = ()
    status: str = "open"

    def is_due(self, door: str | None, at_us: int) -> bool:
        """Whether it is expected at this door now (``None``: at any)."""
        if door is not None and self.read_point not in (None, door):
            return False
        return (self.from_us or at_us) <= at_us <= (self.until_us or at_us)

    def way(self, inside: Callable[[str], bool]) -> str:
        """``in`` or ``out`` for what ends or begins ``inside``; empty for what does both, or
        neither.
        """
        ends, begins = inside(self.destination), inside(self.source)
        return "" if ends == begins else "in" if ends else "out"


class LineTold(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a line at one event. ``state`` is ``matched``, ``short``, ``over``, or
    ``expected`` where nothing of it was read; quantities are units.
    """

    line: str
    sku: str
    state: str
    expected_qty: int
    read_qty: int = 0
    inferred_qty: int = 0


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """What one event (``of`` is a pass or a movement) meant for a document: its lines, and units
    by item that were ``unexpected`` or went the wrong way. ``again`` are units that another kind
    of sensor had moved before: they are read here, and count once.
    """

    id: str
    document: str
    of: str
    read_point: str
    event_time: datetime
    lines: tuple[LineTold, ...] = ()
    unexpected: dict[str, int] = {}
    wrong_direction: dict[str, int] = {}
    again: dict[str, int] = {}


class Brought(Protocol):
    """What came of documents so far, as of the log entry that is judged."""

    def of(self, document: str) -> Mapping[str, int]:
        """Units of a document that were moved, by item."""
        ...


class _NothingBrought:
    """Nothing came of any document."""

    def of(self, _document: str) -> Mapping[str, int]:
        return {}


NOTHING_BROUGHT: Brought = _NothingBrought()


def units_of(notes: Iterable[Note]) -> Counter[str]:
    """Units by item that some notes of one document tell of, each counted once."""
    units: Counter[str] = Counter()
    for note in notes:
        for line in note.lines:
            units[line.sku] += line.read_qty + line.inferred_qty
        units.subtract(note.again)
    return +units
