"""A movement as a row of the ledger, and back.

The orders of ``COLUMNS`` and ``WITNESS_COLUMNS`` are the canonical rows that blocks are hashed
over: what stands there never changes. The first ``OLDER`` columns are all that blocks of format 1
cover: of rows whose later columns say nothing (``PLAIN``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from central.database.moments import from_us, to_us
from central.reconcile.witness import SENSED
from central.stock.model import AVAILABLE, Cause, Movement, Posted

COLUMNS: tuple[tuple[str, str], ...] = (
    ("seq", "bigint"),
    ("id", "text"),
    ("sku", "text"),
    ("lot", "text"),
    ("quantity", "bigint"),
    ("source", "text"),
    ("destination", "text"),
    ("biz_step", "text"),
    ("disposition", "text"),
    ("origin", "text"),
    ("confidence", "float8"),
    ("event_us", "bigint"),
    ("record_us", "bigint"),
    ("causes", "text"),
    ("epcs", "text"),
    ("evidence", "text"),
    ("corrects", "text"),
    ("reason", "text"),
    ("log_id", "bigint"),
    ("source_status", "text"),
    ("destination_status", "text"),
    ("serials", "text"),
    ("reference", "text"),
    ("actor", "text"),
)
OLDER = 19
PLAIN = (AVAILABLE, AVAILABLE, "[]", "", "")
WITNESS_COLUMNS: tuple[tuple[str, str], ...] = (
    ("no", "bigint"),
    ("id", "text"),
    ("movement_id", "text"),
    ("after_seq", "bigint"),
    ("log_id", "bigint"),
    ("record_us", "bigint"),
    ("event_us", "bigint"),
    ("origin", "text"),
    ("read_point", "text"),
    ("quantity", "bigint"),
    ("confidence", "float8"),
    ("causes", "text"),
    ("epcs", "text"),
    ("evidence", "text"),
)
_KINDS = {"bigint": int, "text": str, "float8": float}
NAMES = ", ".join(name for name, _type in COLUMNS)
WITNESS_NAMES = ", ".join(name for name, _type in WITNESS_COLUMNS)

_encoder = msgspec.json.Encoder()
_causes = msgspec.json.Decoder(tuple[Cause, ...])
_texts = msgspec.json.Decoder(tuple[str, ...])
_evidence = msgspec.json.Decoder(dict[str, Any])


def to_row(seq: int, movement: Movement, record_us: int, log_id: int) -> tuple[object, ...]:
    """The row of a movement that is posted as ``seq``, in the order of ``COLUMNS``."""
    return (
        seq,
        movement.id,
        movement.sku,
        movement.lot,
        movement.quantity,
        movement.source,
        movement.destination,
        movement.biz_step,
        movement.disposition,
        movement.origin,
        float(movement.confidence),
        to_us(movement.event_time),
        record_us,
        _json(movement.causes) if movement.causes else "[]",
        _json(movement.epcs) if movement.epcs else "[]",
        _json(movement.evidence) if movement.evidence else "{}",
        movement.corrects,
        movement.reason,
        log_id,
        movement.source_status,
        movement.destination_status,
        _json(movement.serials) if movement.serials else "[]",
        movement.reference,
        movement.actor,
    )


HEARD_AT = "heard_at"
"""Where the tags of a movement had been heard, in its evidence: its goods were carried on by hand,
and left from another place than judging knew.
"""
DRAWN_FOR = "drawn_for"
"""The place that judging took a movement from, in its evidence: its goods lay in one within."""
BACK_FOR = "back_for"
"""The place that judging would have goods go back to, in the evidence of a movement that corrects
such a one: they go back to where they were taken from.
"""
_TOLD = {HEARD_AT: "source", DRAWN_FOR: "source", BACK_FOR: "destination"}
"""Which end of a movement judging had named otherwise."""


def as_judged(movement: Movement) -> Movement:
    """A posted movement as judging told of it."""
    if movement.origin not in SENSED:
        return movement
    evidence = {**movement.evidence}
    ends = {name: evidence.pop(key) for key, name in _TOLD.items() if key in evidence}
    return msgspec.structs.replace(movement, evidence=evidence, **ends) if ends else movement


def judged(movement: Movement) -> tuple[object, ...]:
    """What judging says of a movement, to compare it with what was posted: the rest of a row the
    ledger knows when it is posted.
    """
    return to_row(0, as_judged(movement), 0, 0)[:OLDER]


def from_row(row: Sequence[Any], *, repeated: bool = False) -> Posted:
    """The posted movement that a row (in the order of ``COLUMNS``) holds."""
    movement = Movement(
        id=row[1],
        sku=row[2],
        lot=row[3],
        quantity=row[4],
        source=row[5],
        destination=row[6],
        biz_step=row[7],
        disposition=row[8],
        origin=row[9],
        confidence=row[10],
        event_time=from_us(row[11]),
        causes=_causes.decode(row[13]),
        epcs=_texts.decode(row[14]),
        evidence=_evidence.decode(row[15]),
        corrects=row[16],
        reason=row[17],
        source_status=row[19],
        destination_status=row[20],
        serials=_texts.decode(row[21]) if row[21] != "[]" else (),
        reference=row[22],
        actor=row[23],
    )
    return Posted(seq=row[0], movement=movement, record_time=from_us(row[12]), repeated=repeated)


def canonical(row: Sequence[Any]) -> bytes:
    """The bytes that a block hashes for a row: JSON of its values in the order of ``COLUMNS``."""
    return _encoder.encode(tuple(row))


def misfit(row: Sequence[Any], columns: Sequence[tuple[str, str]] = COLUMNS) -> str | None:
    """The first column whose value is of another kind than this program writes, or ``None``.

    SQLite stores any kind in any column, and JSON does not tell every two apart.
    """
    for (name, kind), value in zip(columns, row, strict=True):
        if name == "corrects" and value is None:
            continue
        if type(value) is not _KINDS[kind] or (kind == "text" and not _is_text(str(value))):
            return name
    return None


def _is_text(value: str) -> bool:
    """Whether it is Unicode, and not bytes that a reader of damage smuggled into a string."""
    return value.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in value)


def _json(value: object) -> str:
    return _encoder.encode(value).decode()
