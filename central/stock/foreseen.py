"""Accounts that are taken from without having been looked at, and looked at afterwards.

Balances are read and written row by row, and finding a row is most of the work. PostgreSQL can
change one and tell what it was in one go. So a batch of commands is decided as if every place
held enough; what must have been there for that is said along with the changes, and where it was
not, all is taken back and decided again over balances that were read (``standing``).
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from central.database import copying
from central.database.bulk import columns_of
from central.stock.model import Movement, Posted
from central.stock.rules import FACTS
from central.stock.standing import UPSERTED

__all__ = ["Foreseen", "Short", "missed", "worth_it"]

_TAKE = (
    "WITH k AS MATERIALIZED (SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], "  # noqa: S608
    "%s::text[], %s::bigint[], %s::bigint[], %s::bigint[]) "
    "AS k(sku, lot, location, status, change, seq, need)), "
    "moved AS (INSERT INTO balance (sku, lot, location, status, on_hand, last_seq) "
    "SELECT sku, lot, location, status, change, seq FROM k "
    f"{UPSERTED} RETURNING sku, lot, location, status, on_hand) "
    "SELECT EXISTS (SELECT FROM moved JOIN k USING (sku, lot, location, status) "
    "WHERE moved.on_hand - k.change < k.need)"
)
_ANYTHING = -(2**62)
"""What a place must hold that may owe."""
_PATIENCE = 50
"""Batches that are decided over what was read after one that was not what was foreseen."""
_MISSED = "ledger_reads_first"


class Short(Exception):
    """A place did not hold what was taken from it."""


def worth_it(conn: Connection, movements: Sequence[Movement]) -> bool:
    """Whether these are likely to be posted as they are: commands, and many, by PostgreSQL."""
    if conn.dialect.name != "postgresql" or len(movements) < copying.WORTH_IT:
        return False
    if left := conn.info.get(_MISSED, 0):
        conn.info[_MISSED] = left - 1
        return False
    return FACTS.isdisjoint([one.origin for one in movements])


def missed(conn: Connection) -> None:
    """What was foreseen did not come true: for a while it would not either."""
    conn.info[_MISSED] = _PATIENCE


class Foreseen:
    """As ``Standing``, for commands, over places that hold whatever is asked of them."""

    def __init__(self) -> None:
        self._moved: dict[tuple[str, str, str, str], list[int]] = {}
        self._bounded: set[str] = set()

    def settled(self, movement: Movement, *, bounded: bool) -> Movement:
        """A command says which account it takes from; ``bounded`` as in ``Standing``."""
        if bounded:
            self._bounded.add(movement.source)
        return movement

    def short(self, movement: Movement) -> None:
        """Nothing lacks yet."""

    def add(self, posted: Posted) -> None:
        """The movement is posted, if its source holds what it takes."""
        moved, seq, one = self._moved, posted.seq, posted.movement
        sku, lot, quantity = one.sku, one.lot, one.quantity
        key = (sku, lot, one.source, one.source_status)
        account = moved.get(key)
        if account is None:
            moved[key] = [-quantity, seq, quantity]
        else:
            account[0] -= quantity
            account[1] = seq
            account[2] = max(account[2], -account[0])
        key = (sku, lot, one.destination, one.destination_status)
        account = moved.get(key)
        if account is None:
            moved[key] = [quantity, seq, 0]
        else:
            account[0] += quantity
            account[1] = seq

    def write(self, conn: Connection) -> None:
        """Bring the balances up to date. Raises ``Short``: then all must be taken back."""
        if not self._moved:
            return
        bounded = self._bounded
        rows = [
            (*key, change, seq, need if key[2] in bounded else _ANYTHING)
            for key, (change, seq, need) in sorted(self._moved.items())
        ]
        if conn.exec_driver_sql(_TAKE, columns_of(rows)).scalar_one():
            raise Short
