"""What encloses each place, from a log entry on: how judging knows what lies behind a portal.

The tree itself (``tree``) says how places lie now. Here it is kept how they lay when each
observation was judged. Only places that lie, or ever lay, within another one have rows.
"""

from __future__ import annotations

from sqlalchemy import Connection, insert, text

from central import schema
from central.judging.effective import next_log_id
from central.reconcile.verdict import Enclosing

__all__ = ["KeptEnclosures", "enclose", "path_now"]

_MOST_KEPT = 65_536
_DEEPEST = 64
_END = 2**62
_NEWEST = text(
    "SELECT id, valid_from_log FROM enclosure WHERE valid_from_log <= :at ORDER BY id DESC LIMIT 1"
)
_PARENT = text(
    "SELECT parent FROM enclosure WHERE code = :code AND id <= :newest ORDER BY id DESC LIMIT 1"
)


def enclose(conn: Connection, code: str, parent: str | None) -> None:
    """Let a place lie within another one from the next observation on; ``None``: within none."""
    values = {"code": code, "parent": parent, "valid_from_log": next_log_id(conn)}
    conn.execute(insert(schema.enclosure).values(values))


def path_now(conn: Connection, place: str) -> tuple[str, ...]:
    """The places that enclose one, outermost first, and itself last, also out of reach."""
    enclosing, _ = KeptEnclosures().at(conn, _END)
    return enclosing(place)


class KeptEnclosures:
    """Looks up what encloses a place, keeping answers for as long as nothing was moved."""

    def __init__(self) -> None:
        self._newest = 0
        self._kept: dict[str, tuple[str, ...]] = {}

    def at(self, conn: Connection, at_log: int) -> tuple[Enclosing, int]:
        """The ways down to places at a log entry, and the log entry since which they are so."""
        row = conn.execute(_NEWEST, {"at": at_log}).one_or_none()
        newest, since = (0, 0) if row is None else (row.id, row.valid_from_log)
        if newest != self._newest:
            self._newest, self._kept = newest, {}
        return _Paths(conn, newest, self._kept), since


class _Paths:
    """The places that enclose one, outermost first, and itself last; ``newest`` is the last row
    that counts.
    """

    def __init__(self, conn: Connection, newest: int, kept: dict[str, tuple[str, ...]]) -> None:
        self._conn, self._newest, self._kept = conn, newest, kept

    def __call__(self, place: str) -> tuple[str, ...]:
        if place not in self._kept:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            self._kept[place] = self._read(place)
        return self._kept[place]

    def _read(self, place: str) -> tuple[str, ...]:
        found = [place]
        # Nothing can lie in itself; a table that says so must not stop the judging.
        while (parent := self._parent(found[-1])) is not None and len(found) < _DEEPEST:
            found.append(parent)
        return tuple(reversed(found))

    def _parent(self, code: str) -> str | None:
        return self._conn.execute(_PARENT, {"code": code, "newest": self._newest}).scalar()
