"""The audit's chain in the archive: of each block its hash and how far it goes, and no entry of it.
So nobody's name lies there, and who rewrites the audit cannot rewrite what it was sealed as.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from central.archive.shelves import Shelf
from central.audit.chain import Block

__all__ = ["kept_head", "name_of_head", "read_heads"]


class KeptHead(msgspec.Struct, frozen=True, kw_only=True):
    """A block without its entries. ``tallyport_audit_block`` is the version of this form."""

    no: int
    last_id: int
    rows: int
    prev_hash: str
    hash: str
    tallyport_audit_block: int = 1


_decode = msgspec.json.Decoder(KeptHead).decode


def name_of_head(no: int) -> str:
    """Under which name block ``no`` is kept."""
    return f"audit/{no // 10_000:08d}/{no:012d}.json"


def kept_head(block: Block) -> bytes:
    """The file of a block. The same block gives the same bytes."""
    return msgspec.json.encode(KeptHead(**block._asdict())) + b"\n"


async def read_heads(shelf: Shelf) -> tuple[list[Block], list[str]]:
    """What an archive has of the chain, from the first block on, and a sentence for the first file
    that is none of ours. Raises ``ArchiveUnavailable``.
    """
    found: list[Block] = []
    while (content := await shelf.get(path := name_of_head(len(found) + 1))) is not None:
        try:
            one = _decode(content)
        except (msgspec.MsgspecError, UnicodeError) as error:
            return found, [f"{path} cannot be read: {error}"]
        block = Block(*(getattr(one, name) for name in Block._fields))
        if faults := list(_faults(block, found)):
            return found, [f"{path} {fault}" for fault in faults]
        found.append(block)
    return found, []


def _faults(block: Block, before: list[Block]) -> Iterator[str]:
    if block.no != len(before) + 1:
        yield f"says that it is block {block.no}"
    elif before and block.prev_hash != before[-1].hash:
        yield f"does not follow block {before[-1].no}"
