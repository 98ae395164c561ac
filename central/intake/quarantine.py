"""What cannot be read or stored goes here with its bytes, for a person to look at; bounded.

The same payload again is no news: it raises a count. An edge sends what is not acknowledged again
under a new time of sending, so what makes two payloads the same leaves that out. Beyond its limits
the oldest (by when it came last) goes, and how much went is kept.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from typing import NamedTuple

import structlog
from sqlalchemy import Connection, text

from central.database.bulk import storable
from gateway import codec
from gateway.contract import ContractError

__all__ = ["KEPT_BYTES", "Limits", "Standing", "bound", "set_aside", "standing"]

_log = structlog.get_logger("central.intake.quarantine")
KEPT_BYTES = 2**20
"""Of a longer payload only its beginning is kept."""
_OF_THE_MOMENT = re.compile(rb'"(?:sent_at":"[^"]{0,64}"|committed_seq":[0-9]{1,20})')


class Limits(NamedTuple):
    """What the quarantine may hold; ``max_bytes`` of payloads, more than ``KEPT_BYTES``."""

    max_rows: int = 10_000
    max_bytes: int = 64 * 2**20


class Standing(NamedTuple):
    """``rows`` are kept, which came ``times`` in all; ``gone`` rows had to go."""

    rows: int
    times: int
    gone: int


def set_aside(conn: Connection, topic: str, payload: bytes, reason: str, now_us: int) -> None:
    """Keep a payload, or count it once more. ``bound`` has to follow in the transaction."""
    row = {
        "digest": _digest(topic, payload),
        "now": now_us,
        "topic": storable(topic),
        "reason": storable(reason),
    }
    if conn.execute(_AGAIN, row).rowcount:
        return
    _log.warning("payload_quarantined", topic=topic, why=reason, bytes=len(payload))
    kept = payload[:KEPT_BYTES]
    conn.execute(_INSERT, {**row, "payload": kept, "bytes": len(kept)})


def bound(conn: Connection, limits: Limits) -> int:
    """Let the oldest go until the limits hold; how many rows went."""
    rows, size = conn.execute(_HELD).one()
    if rows <= limits.max_rows and size <= limits.max_bytes:
        return 0
    gone = conn.execute(_LET_GO, limits._asdict()).rowcount
    conn.execute(_COUNT_GONE, {"gone": gone})
    _log.error("quarantine_full", gone=gone, hint="find out who sends what nobody understands")
    return gone


def standing(conn: Connection) -> Standing:
    """What it holds now."""
    rows, times = conn.execute(_STANDING).one()
    gone = conn.execute(text("SELECT coalesce(sum(gone), 0) FROM quarantine_gone")).scalar_one()
    return Standing(int(rows), int(times), int(gone))


def _digest(topic: str, payload: bytes) -> str:
    """Of what stays the same when an edge sends it again."""
    with contextlib.suppress(ContractError):  # what cannot be unpacked stays what it is
        payload = codec.unpack(payload)
    told = _OF_THE_MOMENT.sub(b"", payload)
    return hashlib.sha256(topic.encode(errors="replace") + b"\0" + told).hexdigest()


_AGAIN = text(
    "UPDATE quarantine SET times = times + 1, last_us = :now, reason = :reason "
    "WHERE digest = :digest"
)
_INSERT = text(
    "INSERT INTO quarantine (received_us, last_us, times, bytes, digest, topic, reason, payload) "
    "VALUES (:now, :now, 1, :bytes, :digest, :topic, :reason, :payload)"
)
_HELD = text("SELECT count(*), coalesce(sum(bytes), 0) FROM quarantine")
_LET_GO = text(
    "DELETE FROM quarantine WHERE id IN (SELECT id FROM (SELECT id, "
    "row_number() OVER newest_first AS place, sum(bytes) OVER newest_first AS size "
    "FROM quarantine WINDOW newest_first AS (ORDER BY last_us DESC, id DESC)) AS held "
    "WHERE place > :max_rows OR size > :max_bytes)"
)
_COUNT_GONE = text(
    "INSERT INTO quarantine_gone (no, gone) VALUES (1, :gone) "
    "ON CONFLICT (no) DO UPDATE SET gone = quarantine_gone.gone + excluded.gone"
)
_STANDING = text("SELECT count(*), coalesce(sum(times), 0) FROM quarantine")
