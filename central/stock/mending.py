"""What follows from the ledger put right by it, with a word about each part that was not."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from sqlalchemy import Connection

from central import audit
from central.audit import Change
from central.stock import chain, projection, serials, totals

__all__ = ["LedgerBroken", "mend"]


class LedgerBroken(Exception):
    """The ledger is not what was sealed: nothing can be rebuilt from it. The text says where."""


def mend(conn: Connection, *, actor: str, at_us: int) -> list[str]:
    """Build what follows from the ledger anew; sentences about what had been wrong.

    Each row that is another one now is kept in the audit with what stood there before, in the
    same transaction; nothing wrong leaves nothing there. ``at_us`` is microseconds since 1970.
    Raises ``LedgerBroken``.
    """
    broken = chain.verify(conn)
    if broken:
        raise LedgerBroken(f"{broken[0]}: restore a backup, there is nothing to mend by")
    checks = (projection.check_balances, projection.check_tags, serials.check, totals.check)
    faults = [fault for check in checks for fault in check(conn)]
    changes = [*_balances(conn), *_tags(conn), *_pieces(conn)]
    if changes:
        projection.rebuild_balances(conn)
        projection.rebuild_tags(conn)
        serials.rebuild(conn)
    changes += _totals(conn)  # of the balances as they are now
    if changes:
        totals.rebuild(conn)
        audit.record(conn, changes, actor=actor, action="replay --mend", at_us=at_us)
    return faults


def _balances(conn: Connection) -> Iterator[Change]:
    for row in conn.execute(projection.DIFFERENT):
        before = None if row.said is None else {"on_hand": row.said, "last_seq": row.said_seq}
        after = {"on_hand": row.truth, "last_seq": row.truth_seq}
        yield Change(_balance(row.sku, row.lot, row.location, row.status), before, after)
    for row in conn.execute(projection.UNFOUNDED):
        before = {"on_hand": row.on_hand, "last_seq": row.last_seq}
        yield Change(_balance(row.sku, row.lot, row.location, row.status), before, None)


def _tags(conn: Connection) -> Iterator[Change]:
    for epc, said, truth in projection.misplaced(conn):
        before, after = (None if one is None else one._asdict() for one in (said, truth))
        yield Change(f"tag {epc}", before, after)


def _pieces(conn: Connection) -> Iterator[Change]:
    for key, said, truth in serials.misplaced(conn):
        before, after = (None if one is None else one._asdict() for one in (said, truth))
        yield Change(f"piece {msgspec.json.encode(key).decode()}", before, after)


def _totals(conn: Connection) -> Iterator[Change]:
    for place, said, truth in totals.different(conn):
        before, after = (None if one is None else one._asdict() for one in (said, truth))
        yield Change(f"total {place}", before, after)


def _balance(*key: str) -> str:
    return f"balance {msgspec.json.encode(key).decode()}"
