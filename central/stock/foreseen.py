"""Accounts that are taken from without having been looked at, and looked at afterwards.

Balances are read and written row by row, and finding a row is most of the work. PostgreSQL can
change one and tell what it was in one go. So a batch of commands is decided as if every place
held enough, and as if every id were new. What must have been there for that is said along with
the changes, and the ledger refuses an id that it has: then all is taken back and decided again
over what was read (``standing``).
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from central.database import copying
from central.database.ahead import Ahead
from central.database.bulk import array_of, columns_of
from central.stock.model import VIRTUAL_LOCATIONS, Movement, Posted
from central.stock.rules import FACTS
from central.stock.standing import UPSERTED

__all__ = ["Foreseen", "Short", "missed", "worth_it"]

_VIRTUAL = ", ".join(f"'{kind.value}'" for kind in VIRTUAL_LOCATIONS)
_TAKEN = (
    "WITH moved AS (INSERT INTO balance (sku, lot, location, status, on_hand, last_seq) "  # noqa: S608
    "SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], "
    f"$6::bigint[]) {UPSERTED} RETURNING %s) "
    f"SELECT EXISTS (SELECT FROM moved WHERE on_hand < 0 AND location NOT IN ({_VIRTUAL}))"
)
_TAKE = _TAKEN % "location, on_hand"
"""Most places are only taken from, or only given to: what these hold in the end says whether they
held enough.
"""
_TAKE_AND_GIVE = (
    _TAKEN
    % "sku, lot, location, status, on_hand"
    + " OR EXISTS (SELECT FROM unnest($7::text[], $8::text[], $9::text[], $10::text[], "
    "$11::bigint[]) AS k(sku, lot, location, status, least) "
    "JOIN moved USING (sku, lot, location, status) WHERE moved.on_hand < k.least)"
)
"""Of the others it is said how much they must hold in the end."""
_PATIENCE = 50
"""Batches that are decided over what was read after one that was not what was foreseen."""
_MISSED = "ledger_reads_first"


class Short(Exception):
    """A place did not hold what was taken from it, or what was refused had been posted before."""


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

    fresh = True

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

    def put(self, ahead: Ahead | None) -> None:
        """Bring the balances up to date with what was added since the last time. Where a place
        did not hold enough, ``ahead`` raises ``Short``: then all must be taken back.
        """
        if not self._moved:
            return
        if ahead is None:
            raise RuntimeError("what was foreseen is written ahead, or its balances would be lost")
        told = sorted(self._moved.items())
        rows = [(*key, change, seq) for key, (change, seq, _need) in told]
        ahead.go_on()
        least = [
            (*key, need + change)
            for key, (change, _seq, need) in told
            if need and need + change and key[2] in self._bounded
        ]
        self._moved = {}
        asked = []
        for column in zip(*rows, strict=True):
            asked.append(array_of(column))
            ahead.go_on()  # each takes a millisecond, and the server may be done with the rows
        ahead.ask(_TAKE_AND_GIVE if least else _TAKE, (*asked, *columns_of(least)), _heard)

    def write(self, conn: Connection) -> None:
        """Everything was put."""


def _heard(short: str | None) -> None:
    if short != "f":
        raise Short
