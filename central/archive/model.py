"""A sealed block as JSON: all of its rows by the names of their columns, its hash, and its
predecessor's. From such files alone the chain can be computed again. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from central.stock import rows
from central.stock.sealing import Block, Head, Line, Sealed, fault_of

__all__ = ["Kept", "Walk", "kept", "name_of", "read"]

_MOVEMENT = [name for name, _type in rows.COLUMNS]
_WITNESS = [name for name, _type in rows.WITNESS_COLUMNS]


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A block with its rows. ``tallyport_block`` is the version of this form."""

    no: int
    first_seq: int
    last_seq: int
    rows: int
    prev_hash: str
    hash: str
    last_witness: int
    format: int
    movements: list[dict[str, Any]]
    witnesses: list[dict[str, Any]]
    tallyport_block: int = 1

    @property
    def block(self) -> Block:
        """Without its rows."""
        return Block(*(getattr(self, name) for name in Block._fields))


_decode = msgspec.json.Decoder(Kept).decode
_encode = msgspec.json.Encoder().encode


def name_of(no: int) -> str:
    """Under which name block ``no`` is kept: in the order of the numbers, 10,000 to a folder."""
    return f"{no // 10_000:08d}/{no:012d}.json"


def kept(block: Block, movements: Iterable[Line], witnesses: Iterable[Line]) -> bytes:
    """The file of a block. The same block gives the same bytes."""
    form = Kept(
        **block._asdict(),
        movements=[dict(zip(_MOVEMENT, line, strict=True)) for line in movements],
        witnesses=[dict(zip(_WITNESS, line, strict=True)) for line in witnesses],
    )
    return _encode(form) + b"\n"


def read(content: bytes) -> Kept:
    """What a file holds. Raises ``msgspec.MsgspecError`` or ``UnicodeError`` for another's."""
    return _decode(content)


class Walk:
    """The chain, computed again block by block. ``sealed`` is how far it is whole."""

    def __init__(self) -> None:
        self.sealed = Sealed()

    def step(self, one: Kept) -> str | None:
        """Take the next block; what is wrong with it or its rows, and then it is not taken."""
        movements = _lines(one.movements, _MOVEMENT)
        witnesses = _lines(one.witnesses, _WITNESS)
        if len(one.movements) != one.rows:
            return f"block {one.no} says that it has {one.rows} rows"
        try:
            fault = fault_of(one.block, self.sealed, movements, witnesses)
        except KeyError as missing:
            return f"block {one.no} has a row without {missing}"
        if fault is None:
            self.sealed = one.block.sealed
        return fault

    @property
    def head(self) -> Head:
        """The last block that was taken."""
        return self.sealed.head


def _lines(found: list[dict[str, Any]], names: Sequence[str]) -> Iterator[Line]:
    """Rows in the order of their columns; a later release may have added some."""
    return (tuple(row[name] for name in names) for row in found)
