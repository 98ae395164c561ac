"""Asks of edges in the audit: that something was asked, and how it ended. Two entries for each."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, Row, Select, or_, select

from central import schema
from central.audit import trail
from gateway.console import Ask

__all__ = ["ASKED", "ENDED", "Asked", "Begun", "keep_ask", "keep_end", "newest", "since"]

ASKED = "ask an edge"
ENDED = "end of an ask"
"""What the audit calls them."""
_decode = msgspec.json.Decoder(dict[str, Any])
_PAGE = 5_000


class Begun(msgspec.Struct, frozen=True, kw_only=True):
    """An entry: ``no`` is its number, ``id`` the ask's; ``state`` is empty where it is the ask."""

    no: int
    id: str
    edge: str
    op: str
    subject: str
    by: str
    at_us: int
    state: str = ""
    code: str = ""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """An ask with its end: ``state`` is ``done``, ``failed``, ``cancelled``, ``lost``, or empty
    as long as nobody knows; ``code`` says why.
    """

    id: str
    op: str
    device: str
    by: str
    at_us: int
    state: str
    code: str
    ended_us: int | None


def keep_ask(
    conn: Connection, edge: str, ask: Ask, arguments: dict[str, object], *, by: str, at_us: int
) -> Begun:
    """Keep that somebody asked; ``arguments`` without their secrets."""
    device = ask.arguments.get("device")
    subject = (f"edge {edge}" if device is None else f"device {edge}/{device}")[:200]
    after: dict[str, object] = {"op": ask.op, "id": ask.id, "arguments": arguments}
    change = trail.Change(subject, None, after)
    trail.record(conn, [change], actor=by, action=ASKED, at_us=at_us)
    no = trail.entries(conn, limit=1)[0].id
    return Begun(no=no, id=ask.id, edge=edge, op=ask.op, subject=subject, by=by, at_us=at_us)


def keep_end(conn: Connection, begun: Begun, *, state: str, code: str, by: str, at_us: int) -> bool:
    """Keep how an ask ended, unless that is known already; whether it was kept."""
    for row in conn.execute(_entries(begun.no, begun.subject)):
        there = _read(row)
        if there.id == begun.id and there.state not in {"", "lost"}:
            return False
        if there.id == begun.id and there.state == state:
            return False
    after: dict[str, object] = {"op": begun.op, "id": begun.id, "state": state}
    if code:
        after["code"] = code
    change = trail.Change(begun.subject, None, after)
    trail.record(conn, [change], actor=by, action=ENDED, at_us=at_us)
    return True


def since(conn: Connection, no: int) -> list[Begun]:
    """Entries of both kinds behind number ``no``, the oldest first."""
    return [_read(row) for row in conn.execute(_entries(no).limit(_PAGE))]


def newest(conn: Connection, edge: str, limit: int = 50) -> list[Asked]:
    """What was asked of an edge lately with its end, the newest first."""
    table = schema.audit.c
    its_devices = table.subject.startswith(f"device {edge}/", autoescape=True)
    its = or_(table.subject == f"edge {edge}", its_devices)
    wanted = select(schema.audit).where(table.action.in_((ASKED, ENDED)), its)
    rows = [_read(row) for row in conn.execute(wanted.order_by(table.id.desc()).limit(4 * limit))]
    ends: dict[str, Begun] = {}
    asks = []
    for one in rows:
        if one.state:
            ends.setdefault(one.id, one)
        else:
            asks.append(_with_end(one, ends.get(one.id)))
    return asks[:limit]


def _with_end(one: Begun, end: Begun | None) -> Asked:
    return Asked(
        id=one.id,
        op=one.op,
        device=one.subject.partition("/")[2],
        by=one.by.partition(" (role ")[0],
        at_us=one.at_us,
        state="" if end is None else end.state,
        code="" if end is None else end.code,
        ended_us=None if end is None else end.at_us,
    )


def _entries(behind: int, subject: str | None = None) -> Select[Any]:
    table = schema.audit.c
    wanted = select(schema.audit).where(table.id > behind, table.action.in_((ASKED, ENDED)))
    if subject is not None:
        wanted = wanted.where(table.subject == subject)
    return wanted.order_by(table.id)


def _read(row: Row[Any]) -> Begun:
    after = _decode.decode(row.after)
    edge = row.subject.partition(" ")[2].partition("/")[0]
    return Begun(
        no=row.id,
        id=after["id"],
        edge=edge,
        op=after["op"],
        subject=row.subject,
        by=row.actor,
        at_us=row.at_us,
        state=after.get("state", "") if row.action == ENDED else "",
        code=after.get("code", ""),
    )
