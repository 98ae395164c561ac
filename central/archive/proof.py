"""The archive's own proof: the chain computed from its files alone, and held against the books."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from central.archive.model import Walk, name_of, read
from central.archive.shelves import Shelf
from central.stock.sealing import Head
from gateway.terminal.progress import Went, nobody

__all__ = ["Proof", "prove"]


class Proof(NamedTuple):
    """What was found: ``heads`` are the blocks that are whole, ``faults`` what is wrong."""

    heads: list[Head]
    faults: list[str]


async def prove(shelf: Shelf, went: Went = nobody) -> Proof:
    """Read every block from the first on, and compute the chain again. An archive that misses
    its last blocks is whole as far as it goes: only the books know that there were more. ``went``
    is told how many blocks are done.

    Raises ``ArchiveUnavailable``.
    """
    walk, heads = Walk(), list[Head]()
    while True:
        path = name_of(walk.head.no + 1)
        content = await shelf.get(path)
        if content is None:
            return Proof(heads, [])
        try:
            fault = walk.step(read(content))
        except (msgspec.MsgspecError, UnicodeError) as error:
            fault = f"cannot be read: {error}"
        if fault:
            return Proof(heads, [f"{path}: {fault}"])
        heads.append(walk.head)
        went(len(heads))
