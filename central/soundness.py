"""Everything that can be found wrong with books by looking at them."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection

from central.stock import chain
from central.stock.chain import Head
from central.stock.projection import check_balances, check_tags

__all__ = ["faults", "ledger_faults"]


def faults(conn: Connection, published: Iterable[Head] = ()) -> list[str]:
    """Sentences about the ledger, its hash chain and what follows from it; none when whole.

    ``published`` are heads that were told outside the database, oldest first.
    """
    return [*ledger_faults(conn), *chain.compare(conn, published)]


def ledger_faults(conn: Connection) -> list[str]:
    """Those that make the books wrong."""
    return [*chain.verify(conn), *check_balances(conn), *check_tags(conn)]
