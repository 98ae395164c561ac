"""What a block of the ledger seals, and whether rows are what it sealed. Pure.

A block's hash is SHA-256 over the previous block's hash and the canonical rows
(``rows.canonical``), each ended by a newline: first the movements, then the witnesses that were
kept since the block before. A block of format 1 covers the columns that there were in the first
releases, and says of the others that they hold nothing (``rows.PLAIN``); one of format 2 covers
all, and its format. Which one a block has follows from its rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from central.stock import rows

__all__ = ["GENESIS", "Block", "Head", "Line", "Sealed", "fault_of", "sealed"]

GENESIS = "0" * 64
"""What the first block names as its predecessor's hash."""
_FORMATS = (1, 2)
Line = Sequence[Any]
"""A row in the order of ``rows.COLUMNS`` or ``rows.WITNESS_COLUMNS``."""


class Head(NamedTuple):
    """The last block: publish it outside the database and the past is fixed."""

    no: int
    last_seq: int
    hash: str


class Sealed(NamedTuple):
    """A block, and the last witness that it or one before it seals."""

    head: Head = Head(0, 0, GENESIS)
    witness: int = 0


class Block(NamedTuple):
    """A block as it is stored: rows ``first_seq`` to ``last_seq`` behind those of ``prev_hash``,
    and the witnesses up to ``last_witness`` that no block before it seals.
    """

    no: int
    first_seq: int
    last_seq: int
    rows: int
    prev_hash: str
    hash: str
    last_witness: int
    format: int

    @property
    def sealed(self) -> Sealed:
        """How far the chain is with it."""
        return Sealed(Head(self.no, self.last_seq, self.hash), self.last_witness)


def sealed(before: Sealed, movements: Sequence[Line], witnesses: Sequence[Line]) -> Block:
    """The next block, over rows that were just written."""
    head = before.head
    kind = 1 if all(line[rows.OLDER :] == rows.PLAIN for line in movements) else 2
    hasher = _begun(head.hash, kind)
    for line in movements:
        _take(hasher, _covered(line, kind))
    for line in witnesses:
        _take(hasher, line)
    return Block(
        no=head.no + 1,
        first_seq=head.last_seq + 1,
        last_seq=movements[-1][0] if movements else head.last_seq,
        rows=len(movements),
        prev_hash=head.hash,
        hash=hasher.hexdigest(),
        last_witness=witnesses[-1][0] if witnesses else before.witness,
        format=kind,
    )


def fault_of(
    block: Block, before: Sealed, movements: Iterable[Line], witnesses: Iterable[Line]
) -> str | None:
    """What is wrong with the block behind ``before``, or with its rows; ``None`` when nothing is.

    The rows are only asked for when the block itself can be one.
    """
    fault = _shape_fault(block) or _order_fault(block, before)
    if not fault:
        hasher = _begun(block.prev_hash, block.format)
        fault = _rows_fault(block, movements, hasher)
        fault = fault or _witnesses_fault(block, before.witness, witnesses, hasher)
        if not fault and hasher.hexdigest() != block.hash:
            fault = "is broken: the rows are not what was sealed, or the hash was edited"
    return fault and f"block {block.no} (rows {block.first_seq} to {block.last_seq}) {fault}"


def _shape_fault(block: Block) -> str | None:
    if [type(value) for value in block] != [int, int, int, int, str, str, int, int]:
        return "holds what no block of ours does"
    if block.format not in _FORMATS:
        return f"is of format {block.format}, which this release does not know"
    if block.rows != block.last_seq - block.first_seq + 1 or block.rows < 0:
        return f"says that it has {block.rows} rows"
    return None


def _order_fault(block: Block, sealed: Sealed) -> str | None:
    before = sealed.head
    if block.no != before.no + 1 or block.first_seq != before.last_seq + 1:
        missing = "" if block.no == before.no + 1 else f": block {before.no + 1} is missing"
        return f"does not follow block {before.no}, which ends at row {before.last_seq}{missing}"
    if block.last_witness < sealed.witness + (block.rows == 0):
        return f"says that it seals witnesses up to {block.last_witness}"
    if block.prev_hash != before.hash:
        return f"names another predecessor than block {before.no}: one was replaced"
    return None


def _rows_fault(block: Block, found: Iterable[Line], hasher: hashlib._Hash) -> str | None:
    expected = block.first_seq
    for row in found:
        if row[0] != expected:
            break
        if column := rows.misfit(row):
            return f"is broken: {column} of row {expected} holds what no movement of ours does"
        if block.format == 1 and tuple(row[rows.OLDER :]) != rows.PLAIN:
            return f"is broken: row {expected} says more than was sealed of it"
        _take(hasher, _covered(row, block.format))
        expected += 1
    if expected != block.last_seq + 1:
        return f"is broken: row {expected} is missing"
    return None


def _witnesses_fault(
    block: Block, witness: int, found: Iterable[Line], hasher: hashlib._Hash
) -> str | None:
    for row in found:
        if row[0] != witness + 1:
            break
        if column := rows.misfit(row, rows.WITNESS_COLUMNS):
            return f"is broken: {column} of witness {row[0]} holds what none of ours does"
        _take(hasher, row)
        witness += 1
    if witness != block.last_witness:
        return f"is broken: witness {witness + 1} is missing"
    return None


def _begun(prev_hash: str, kind: int) -> hashlib._Hash:
    """A block's hash before its first row."""
    begun = prev_hash if kind == 1 else f"{prev_hash} format {kind}"
    return hashlib.sha256(begun.encode() + b"\n")


def _take(hasher: hashlib._Hash, line: Line) -> None:
    hasher.update(rows.canonical(line) + b"\n")


def _covered(line: Line, kind: int) -> Line:
    """What a block of this format covers of a movement's row."""
    return line[: rows.OLDER] if kind == 1 else line
