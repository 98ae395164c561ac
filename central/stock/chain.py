"""The proof that nobody edited the ledger: blocks of rows, each hashed over the one before.

A block's hash is SHA-256 over the previous block's hash and the canonical rows
(``rows.canonical``), each ended by a newline: first the movements, then the witnesses that were
kept since the block before. Every transaction seals the rows it wrote, evidence that was kept
without a movement in a block without rows. Whoever can write to the database could forge the whole
chain, so its ``head`` is worth as much as the copies of it that are kept elsewhere.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, insert, text

from central import schema
from central.bulk import BulkLookup
from central.stock import rows

__all__ = ["GENESIS", "Head", "compare", "head", "seal", "verify"]

GENESIS = "0" * 64
"""What the first block names as its predecessor's hash."""
_PAGE = 2_000
_PAGE_OF_ROWS = text(
    f"SELECT {rows.NAMES} FROM movement WHERE seq >= :first AND seq <= :last ORDER BY seq"  # noqa: S608
)
_PAGE_OF_WITNESSES = text(
    f"SELECT {rows.WITNESS_NAMES} FROM witness WHERE no > :after AND no <= :last "  # noqa: S608
    "ORDER BY no LIMIT :limit"
)
_LOOSE = text(
    "SELECT min(seq) AS first, max(seq) AS last, count(*) AS rows, "
    "(SELECT count(*) FROM block) AS blocks, "
    "(SELECT count(*) FROM witness WHERE no > :witness OR no < 1) AS witnesses "
    "FROM movement WHERE seq > :last OR seq < 1"
)
_NAMED = BulkLookup(
    "SELECT b.no, b.last_seq, b.hash FROM {keys} JOIN block b ON b.no = k.no", (("no", "bigint"),)
)


class Head(NamedTuple):
    """The last block: publish it outside the database and the past is fixed."""

    no: int
    last_seq: int
    hash: str


class _Sealed(NamedTuple):
    """A block, and the last witness that it or one before it seals."""

    head: Head = Head(0, 0, GENESIS)
    witness: int = 0


def head(conn: Connection) -> Head:
    """The last sealed block; number 0 with the ``GENESIS`` hash before the first."""
    return _sealed(conn).head


def seal(
    conn: Connection,
    lines: Sequence[tuple[object, ...]],
    witnesses: Sequence[tuple[object, ...]] = (),
) -> Head:
    """Seal rows that were just written as the next block: movements in the order of
    ``rows.COLUMNS``, witnesses in that of ``rows.WITNESS_COLUMNS``.
    """
    before, witness = _sealed(conn)
    digest = _digest(before.hash, [*lines, *witnesses])
    last = _place(lines[-1]) if lines else before.last_seq
    conn.execute(
        insert(schema.block).values(
            no=before.no + 1,
            first_seq=before.last_seq + 1,
            last_seq=last,
            rows=len(lines),
            prev_hash=before.hash,
            hash=digest,
            last_witness=_place(witnesses[-1]) if witnesses else witness,
        )
    )
    return Head(before.no + 1, last, digest)


def _sealed(conn: Connection) -> _Sealed:
    row = conn.execute(
        text("SELECT no, last_seq, hash, last_witness FROM block ORDER BY no DESC LIMIT 1")
    ).one_or_none()
    return _Sealed() if row is None else _Sealed(Head(*row[:3]), row.last_witness)


def verify(conn: Connection) -> list[str]:
    """Recompute the chain; sentences that name the first broken block and its rows.

    Empty means: every row from 1 to the last and every witness of them is there, sealed, and as
    it was when sealed.
    """
    sealed = _Sealed()
    for block in _blocks(conn):
        fault = _block_fault(conn, block, sealed)
        if fault:
            return [fault]
        sealed = _Sealed(Head(block.no, block.last_seq, block.hash), block.last_witness)
    before = sealed.head
    asked = {"last": before.last_seq, "witness": sealed.witness}
    loose = conn.execute(_LOOSE, asked).one()
    if loose.rows:
        fault = (
            f"{loose.rows} rows ({loose.first} to {loose.last}) stand outside every block: "
            "they were not posted by the ledger, or the blocks behind them were removed"
        )
        return [fault]
    if loose.witnesses:
        return [
            f"{loose.witnesses} witnesses stand outside every block: they were not kept by the "
            "ledger, or the blocks behind them were removed"
        ]
    if loose.blocks != before.no:
        return [f"there are {loose.blocks} blocks, and the chain has {before.no}"]
    return []


def compare(conn: Connection, published: Iterable[Head]) -> list[str]:
    """Hold the chain against heads that were published outside the database, oldest first.

    A chain that was forged as a whole is sound in itself: only here it shows. One sentence
    names the first head that does not fit; ``verify`` first, so that blocks are what they say.
    """
    heads = iter(published)
    while page := list(itertools.islice(heads, _PAGE)):
        known = {row[0]: Head(*row) for row in _NAMED.run(conn, [(one.no,) for one in page])}
        for one in page:
            fault = _published_fault(known.get(one.no), one)
            if fault:
                return [fault]
    return []


def _published_fault(found: Head | None, one: Head) -> str | None:
    if found == one or one.no == 0:
        return None
    if found is None:
        return f"block {one.no} was published (up to row {one.last_seq}) and is not there"
    return (
        f"block {one.no} (up to row {found.last_seq}) is not what was published of it: "
        f"{found.hash[:12]}... instead of {one.hash[:12]}... up to row {one.last_seq}; "
        "the ledger was rewritten at or before it"
    )


def _block_fault(conn: Connection, block: Row[Any], before: _Sealed) -> str | None:
    fault = _place_fault(block, before) or _content_fault(conn, block, before.witness)
    return fault and f"block {block.no} (rows {block.first_seq} to {block.last_seq}) {fault}"


def _place_fault(block: Row[Any], sealed: _Sealed) -> str | None:
    before = sealed.head
    if [type(value) for value in block] != [int, int, int, int, str, str, int]:
        return "holds what no block of ours does"
    if block.no != before.no + 1 or block.first_seq != before.last_seq + 1:
        missing = "" if block.no == before.no + 1 else f": block {before.no + 1} is missing"
        return f"does not follow block {before.no}, which ends at row {before.last_seq}{missing}"
    if block.rows != block.last_seq - block.first_seq + 1 or block.rows < 0:
        return f"says that it has {block.rows} rows"
    if block.last_witness < sealed.witness + (block.rows == 0):
        return f"says that it seals witnesses up to {block.last_witness}"
    if block.prev_hash != before.hash:
        return f"names another predecessor than block {before.no}: one was replaced"
    return None


def _content_fault(conn: Connection, block: Row[Any], witness: int) -> str | None:
    hasher = _hasher(block.prev_hash)
    expected = block.first_seq
    for row in _rows(conn, block.first_seq, block.last_seq):
        if row[0] != expected:
            break
        if column := rows.misfit(row):
            return f"is broken: {column} of row {expected} holds what no movement of ours does"
        hasher.update(rows.canonical(row) + b"\n")
        expected += 1
    if expected != block.last_seq + 1:
        return f"is broken: row {expected} is missing"
    for row in _witnesses(conn, witness, block.last_witness):
        if row[0] != witness + 1:
            break
        if column := rows.misfit(row, rows.WITNESS_COLUMNS):
            return f"is broken: {column} of witness {row[0]} holds what none of ours does"
        hasher.update(rows.canonical(row) + b"\n")
        witness += 1
    if witness != block.last_witness:
        return f"is broken: witness {witness + 1} is missing"
    if hasher.hexdigest() != block.hash:
        return "is broken: the rows are not what was sealed, or the hash was edited"
    return None


def _blocks(conn: Connection) -> Iterator[Row[Any]]:
    after = 0
    page = text(
        "SELECT no, first_seq, last_seq, rows, prev_hash, hash, last_witness FROM block "
        "WHERE no > :after ORDER BY no LIMIT :limit"
    )
    while found := conn.execute(page, {"after": after, "limit": _PAGE}).all():
        yield from found  # in order, or the reader stopped: this ends
        after = found[-1].no


def _rows(conn: Connection, first: int, last: int) -> Iterator[Sequence[Any]]:
    """Up to the first page that is not full: a forged block may claim any number of rows."""
    for start in range(first, last + 1, _PAGE):
        upto = min(start + _PAGE - 1, last)
        page = conn.execute(_PAGE_OF_ROWS, {"first": start, "last": upto}).all()
        yield from page
        if len(page) <= upto - start:
            return


def _witnesses(conn: Connection, after: int, last: int) -> Iterator[Sequence[Any]]:
    while after < last:
        asked = {"after": after, "last": last, "limit": _PAGE}
        page = conn.execute(_PAGE_OF_WITNESSES, asked).all()
        yield from page  # in order without a gap, or the reader stopped
        if len(page) < _PAGE:
            return
        after = page[-1][0]


def _digest(prev_hash: str, lines: Iterable[Sequence[object]]) -> str:
    hasher = _hasher(prev_hash)
    for line in lines:
        hasher.update(rows.canonical(line) + b"\n")
    return hasher.hexdigest()


def _hasher(prev_hash: str) -> hashlib._Hash:
    return hashlib.sha256(prev_hash.encode() + b"\n")


def _place(line: tuple[object, ...]) -> int:
    place = line[0]
    assert isinstance(place, int)
    return place
