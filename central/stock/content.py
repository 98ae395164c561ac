"""What is on the ledger, as one hash that does not depend on when or in which order it came.

Two ledgers of the same observations have the same content though one was posted an hour later or
by more workers: where a row stands, when it was recorded and under which log entry are left out.
The hash chain proves the very rows; this compares what they say.
"""

from __future__ import annotations

import hashlib

from sqlalchemy import Connection, text

from central.stock import rows

__all__ = ["content"]

_CHANCE = {"seq", "record_us", "log_id"}
_NAMES = [name for name, _ in rows.COLUMNS if name not in _CHANCE]
_PAGE = 2_000
_ROWS = text(
    f"SELECT {', '.join(_NAMES)} FROM movement WHERE id > :after ORDER BY id LIMIT :limit"  # noqa: S608
)


def content(conn: Connection) -> str:
    """SHA-256 over all movements in the order of their names, in hexadecimal digits."""
    hasher = hashlib.sha256()
    after = ""
    while page := conn.execute(_ROWS, {"after": after, "limit": _PAGE}).all():
        for row in page:
            hasher.update(rows.canonical(row) + b"\n")
        after = page[-1].id
    return hasher.hexdigest()
