"""Numbers given away for labels: each once, and the same ones to a command that is repeated.

A piece that has a serial number of its own takes that number out of those that are given away: its
tag and another's would say the same.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, func, insert, select

from central import schema
from central.catalogue.changes import Told
from central.labels.model import LabelClash, LabelRefused
from central.orders.packing import Numbers, next_sscc

__all__ = ["SSCC", "allot", "claim"]

SSCC = "sscc"
_LAST_SERIAL = 2**38 - 1
"""What SGTIN-96 and GRAI-96 hold (GS1 EPC Tag Data Standard, tables 14-3 and 14-12)."""
_CLAIMED = -1
"""The place of a number that a piece brought along."""
_WINDOW = 10_000
_row = schema.label_number.c


def allot(  # noqa: PLR0917 (a command)
    conn: Connection, command: str, scopes: Sequence[str], ssccs: Numbers, first: int, told: Told
) -> list[int]:
    """A number for each scope: a serial of a key (``gtin 0401...``) from ``first`` on, or an SSCC
    (``SSCC``). The same command with the same scopes gets the same numbers.

    Raises ``LabelClash`` for a command that asked for others, ``LabelRefused`` and ``OrderError``
    where there are no numbers left.
    """
    mine = (_row.command == command) & (_row.place != _CLAIMED)
    before = conn.execute(select(_row.scope, _row.number).where(mine).order_by(_row.place)).all()
    if before:
        if [row.scope for row in before] != list(scopes):
            raise LabelClash(f"{command} made other labels with tags: use a fresh id")
        return [row.number for row in before]
    free = {scope: _Free(conn, scope, first) for scope in set(scopes) - {SSCC}}
    found = [
        int(next_sscc(conn, ssccs)) if scope == SSCC else free[scope].take() for scope in scopes
    ]
    rows = [
        {"command": command, "place": place, "scope": scope, "number": number,
         "given_us": told.at_us, "given_by": told.by}
        for place, (scope, number) in enumerate(zip(scopes, found, strict=True))
    ]  # fmt: skip
    if rows:
        conn.execute(insert(schema.label_number), rows)
    return found


def claim(conn: Connection, scope: str, number: int, told: Told) -> None:
    """Keep a number that is a piece's own; again: nothing changes. Raises ``LabelClash`` where it
    was given to another's tag.
    """
    query = select(_row.place).where(_row.scope == scope, _row.number == number)
    place = conn.execute(query).scalar()
    if place is None:
        values = {"command": f"{scope} {number}", "place": _CLAIMED, "scope": scope}
        given = {"number": number, "given_us": told.at_us, "given_by": told.by}
        conn.execute(insert(schema.label_number).values(values | given))
    elif place != _CLAIMED:
        raise LabelClash(
            f"serial {number} of {scope.upper()} was given to a tag without a serial number: two "
            "would say the same. Give the piece another, or print it without a tag"
        )


class _Free:
    """The serials of a key that nothing has had, in order."""

    def __init__(self, conn: Connection, scope: str, first: int) -> None:
        self._conn, self._scope = conn, scope
        given = (_row.scope == scope) & (_row.place != _CLAIMED)
        last = conn.execute(select(func.max(_row.number)).where(given)).scalar() or 0
        self._next = max(last + 1, first)
        self._claimed: frozenset[int] = frozenset()
        self._seen_to = self._next

    def take(self) -> int:
        """The next one. Raises ``LabelRefused`` behind the last."""
        while self._is_claimed(self._next):
            self._next += 1
        if self._next > _LAST_SERIAL:
            raise LabelRefused(f"all serials that 96 bits hold are given away for {self._scope}")
        self._next += 1
        return self._next - 1

    def _is_claimed(self, number: int) -> bool:
        if number >= self._seen_to:
            self._seen_to = number + _WINDOW
            inside = _row.number.between(number, self._seen_to - 1)
            mine = (_row.scope == self._scope) & (_row.place == _CLAIMED) & inside
            self._claimed = frozenset(self._conn.execute(select(_row.number).where(mine)).scalars())
        return number in self._claimed
