"""The proof that nobody edited the ledger: blocks of rows, each hashed over the one before.

Every transaction seals the rows it wrote (``sealing`` says how), evidence that was kept without a
movement in a block without rows. Whoever can write to the database could forge the whole chain, so
its ``head`` is worth as much as the copies of it that are kept elsewhere.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence

from sqlalchemy import Connection, insert, text

from central import schema
from central.database.bulk import BulkLookup
from central.stock import rows, sealing
from central.stock.sealing import GENESIS, Block, Head, Line, Sealed
from gateway.terminal.progress import Went, nobody

__all__ = [
    "GENESIS",
    "Head",
    "blocks",
    "compare",
    "head",
    "last",
    "movements_of",
    "put",
    "seal",
    "sealed_at",
    "verify",
    "witnesses_of",
]

_NAMES = ", ".join(Block._fields)
_TELL_EVERY = 200
_PAGE = 2_000
_PAGE_OF_ROWS = text(
    f"SELECT {rows.NAMES} FROM movement WHERE seq >= :first AND seq <= :last ORDER BY seq"  # noqa: S608
)
_PAGE_OF_WITNESSES = text(
    f"SELECT {rows.WITNESS_NAMES} FROM witness WHERE no > :after AND no <= :last "  # noqa: S608
    "ORDER BY no LIMIT :limit"
)
_PAGE_OF_BLOCKS = text(
    f"SELECT {_NAMES} FROM block WHERE no > :after ORDER BY no LIMIT :limit"  # noqa: S608
)
_LAST = text("SELECT no, last_seq, hash, last_witness FROM block ORDER BY no DESC LIMIT 1")
_LOOSE = text(
    "SELECT min(seq) AS first, max(seq) AS last, count(*) AS rows, "
    "(SELECT count(*) FROM block) AS blocks, "
    "(SELECT count(*) FROM witness WHERE no > :witness OR no < 1) AS witnesses "
    "FROM movement WHERE seq > :last OR seq < 1"
)
_NAMED = BulkLookup(
    "SELECT b.no, b.last_seq, b.hash FROM {keys} JOIN block b ON b.no = k.no", (("no", "bigint"),)
)


def head(conn: Connection) -> Head:
    """The last sealed block; number 0 with the ``GENESIS`` hash before the first."""
    return last(conn).head


def seal(
    conn: Connection,
    lines: Sequence[tuple[object, ...]],
    witnesses: Sequence[tuple[object, ...]] = (),
) -> Head:
    """Seal rows that were just written as the next block: movements in the order of
    ``rows.COLUMNS``, witnesses in that of ``rows.WITNESS_COLUMNS``.
    """
    block = sealing.sealed(last(conn), lines, witnesses)
    put(conn, block)
    return block.sealed.head


def put(conn: Connection, block: Block) -> None:
    """Keep a block that seals what was just written behind the ``last`` one."""
    conn.execute(insert(schema.block).values(block._asdict()))


def last(conn: Connection) -> Sealed:
    """How far the chain is."""
    row = conn.execute(_LAST).one_or_none()
    return Sealed() if row is None else Sealed(Head(*row[:3]), row.last_witness)


def sealed_at(conn: Connection, no: int) -> Sealed:
    """How far the chain is with block ``no``; before the first for 0."""
    for block in blocks(conn, no - 1) if no else ():
        return block.sealed
    return Sealed()


def verify(conn: Connection, went: Went = nobody) -> list[str]:
    """Recompute the chain; sentences that name the first broken block and its rows.

    ``went`` is told how many blocks are done. Empty means: every row from 1 to the last and every
    witness of them is there, sealed, and as it was when sealed.
    """
    sealed, newest = Sealed(), head(conn).no
    for block in blocks(conn):
        if block.no % _TELL_EVERY == 0:
            went(block.no, newest)
        movements = movements_of(conn, block)
        fault = sealing.fault_of(block, sealed, movements, witnesses_of(conn, block, sealed))
        if fault:
            return [fault]
        sealed = block.sealed
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


def blocks(conn: Connection, after: int = 0) -> Iterator[Block]:
    """The blocks behind number ``after``, in order: whoever finds them out of order must stop."""
    while found := conn.execute(_PAGE_OF_BLOCKS, {"after": after, "limit": _PAGE}).all():
        yield from (Block(*row) for row in found)
        after = found[-1].no


def movements_of(conn: Connection, block: Block) -> Iterator[Line]:
    """The rows of a block, up to the first page that is not full: a forged block may claim any
    number of rows.
    """
    last = block.last_seq
    for start in range(block.first_seq, last + 1, _PAGE):
        upto = min(start + _PAGE - 1, last)
        page = conn.execute(_PAGE_OF_ROWS, {"first": start, "last": upto}).all()
        yield from page
        if len(page) <= upto - start:
            return


def witnesses_of(conn: Connection, block: Block, before: Sealed) -> Iterator[Line]:
    """The witnesses of a block that stands behind ``before``."""
    after, last = before.witness, block.last_witness
    while after < last:
        asked = {"after": after, "last": last, "limit": _PAGE}
        page = conn.execute(_PAGE_OF_WITNESSES, asked).all()
        yield from page  # in order without a gap, or the reader stopped
        if len(page) < _PAGE:
            return
        after = page[-1][0]
