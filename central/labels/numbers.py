"""Numbers given away for labels: each once, and the same ones to a command that is repeated."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, func, insert, select

from central import schema
from central.catalogue.changes import Told
from central.labels.model import LabelClash, LabelRefused
from central.orders.packing import Numbers, next_sscc

__all__ = ["SSCC", "allot"]

SSCC = "sscc"
_LAST_SERIAL = 2**38 - 1
"""What SGTIN-96 and GRAI-96 hold (GS1 EPC Tag Data Standard, tables 14-3 and 14-12)."""
_row = schema.label_number.c


def allot(
    conn: Connection, command: str, scopes: Sequence[str], ssccs: Numbers, told: Told
) -> list[int]:
    """A number for each scope: a serial of a key (``gtin 0401...``), or an SSCC (``SSCC``). The
    same command with the same scopes gets the same numbers.

    Raises ``LabelClash`` for a command that asked for others, ``LabelRefused`` and ``OrderError``
    where there are no numbers left.
    """
    query = select(_row.scope, _row.number).where(_row.command == command).order_by(_row.place)
    before = conn.execute(query).all()
    if before:
        if [row.scope for row in before] != list(scopes):
            raise LabelClash(f"{command} made other labels with tags: use a fresh id")
        return [row.number for row in before]
    free = {scope: _free(conn, scope) for scope in set(scopes) - {SSCC}}
    found = []
    for scope in scopes:
        if scope == SSCC:
            found.append(int(next_sscc(conn, ssccs)))
            continue
        found.append(free[scope])
        free[scope] += 1
    if any(number > _LAST_SERIAL + 1 for number in free.values()):
        raise LabelRefused("all serials of a 96-bit EPC are given away for this GTIN")
    rows = [
        {"command": command, "place": place, "scope": scope, "number": number,
         "given_us": told.at_us, "given_by": told.by}
        for place, (scope, number) in enumerate(zip(scopes, found, strict=True))
    ]  # fmt: skip
    if rows:
        conn.execute(insert(schema.label_number), rows)
    return found


def _free(conn: Connection, scope: str) -> int:
    last = conn.execute(select(func.max(_row.number)).where(_row.scope == scope)).scalar()
    return (last or 0) + 1
