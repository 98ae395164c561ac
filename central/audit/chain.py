"""The proof that nobody edited the audit: its entries in blocks, each hashed over the one before.

As the ledger's blocks are (``central.stock.sealing``): SHA-256 over the previous block's hash and
the entries' values as JSON, each ended by a newline. Every transaction seals what it wrote.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, insert, text

from central import schema
from central.stock.sealing import GENESIS

__all__ = ["Block", "Line", "blocks", "compare", "head", "seal", "verify"]

Line = Sequence[Any]
"""An entry: ``id``, ``at_us``, ``actor``, ``action``, ``subject``, ``before``, ``after``."""
_KINDS = [int, int, str, str, str, str, str]
_PAGE = 2_000
_LAST = text("SELECT no, last_id, rows, prev_hash, hash FROM audit_block ORDER BY no DESC LIMIT 1")
_BLOCKS = text(
    "SELECT no, last_id, rows, prev_hash, hash FROM audit_block WHERE no > :after "
    "ORDER BY no LIMIT :limit"
)
_LINES = text(
    "SELECT id, at_us, actor, action, subject, before, after FROM audit "
    "WHERE id > :after AND id <= :last ORDER BY id LIMIT :limit"
)
_LOOSE = text("SELECT count(*) FROM audit WHERE id > :last")
_encode = msgspec.json.Encoder().encode


class Block(NamedTuple):
    """Entries behind the last one of the block before, up to ``last_id``."""

    no: int
    last_id: int
    rows: int
    prev_hash: str
    hash: str


_NONE = Block(0, 0, 0, GENESIS, GENESIS)


def head(conn: Connection) -> Block:
    """The last block; number 0 before the first."""
    row = conn.execute(_LAST).one_or_none()
    return _NONE if row is None else Block(*row)


def seal(conn: Connection, lines: Sequence[Line]) -> None:
    """Seal entries that were just written, in the order of their ids."""
    before = head(conn)
    made = _next(before, lines)
    conn.execute(insert(schema.audit_block).values(made._asdict()))


def verify(conn: Connection) -> list[str]:
    """A sentence for the first block that does not fit; none when every entry is there, sealed,
    and as it was when sealed.
    """
    before = _NONE
    for block in blocks(conn):
        if fault := _fault(conn, block, before):
            return [f"block {block.no} of the audit (entries up to {block.last_id}) {fault}"]
        before = block
    loose = conn.execute(_LOOSE, {"last": before.last_id}).scalar_one()
    if loose:
        return [f"{loose} entries of the audit behind {before.last_id} stand outside every block"]
    return []


def _fault(conn: Connection, block: Block, before: Block) -> str | None:
    if [type(value) for value in block] != [int, int, int, str, str]:
        return "holds what no block of ours does"
    if block.no != before.no + 1 or block.prev_hash != before.hash:
        return f"does not follow block {before.no}"
    lines = list(_lines(conn, before.last_id, block.last_id))
    if any([type(value) for value in line] != _KINDS for line in lines):
        return "is broken: an entry holds what none of ours does"
    if not lines or _next(before, lines) != block:
        return "is broken: the entries are not what was sealed, or the hash was edited"
    return None


def _next(before: Block, lines: Sequence[Line]) -> Block:
    hasher = hashlib.sha256(before.hash.encode() + b"\n")
    for line in lines:
        hasher.update(_encode(tuple(line)) + b"\n")
    return Block(before.no + 1, lines[-1][0], len(lines), before.hash, hasher.hexdigest())


def compare(conn: Connection, kept: Sequence[Block]) -> list[str]:
    """A sentence for the first of these blocks, which were kept elsewhere, that stands otherwise
    here or not at all.
    """
    here = blocks(conn)
    for block in kept:
        found = next(here, None)
        if found is None:
            return [
                f"the audit ends before block {block.no} (entries up to {block.last_id}), which "
                "was kept elsewhere: entries were taken out, or an older backup was put back"
            ]
        if found != block:
            return [
                f"block {block.no} of the audit (entries up to {found.last_id}) is another than "
                "was kept elsewhere: the chain was rewritten from there on"
            ]
    return []


def blocks(conn: Connection, after: int = 0) -> Iterator[Block]:
    """All blocks behind number ``after``, in order."""
    while found := conn.execute(_BLOCKS, {"after": after, "limit": _PAGE}).all():
        yield from (Block(*row) for row in found)
        after = found[-1].no


def _lines(conn: Connection, after: int, last: int) -> Iterator[Line]:
    while True:
        asked = {"after": after, "last": last, "limit": _PAGE}
        found = conn.execute(_LINES, asked).all()
        yield from found
        if len(found) < _PAGE:
            return
        after = found[-1].id
