"""Everything that can be found wrong with books by looking at them, however damaged they are."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator

import msgspec
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from central.audit import chain as audit_chain
from central.database.guards import missing_guards
from central.reservations.projection import check_reserved
from central.stock import chain, ends, serials, totals
from central.stock.chain import Head
from central.stock.projection import Disordered, check_balances, check_tags
from gateway.terminal.progress import Went, nobody

__all__ = ["damage", "faults", "ledger_faults"]

_DAMAGE = (
    SQLAlchemyError, msgspec.MsgspecError, Disordered, OverflowError, TypeError, UnicodeError,
)  # fmt: skip
"""What looking at damaged rows may raise."""
_MOST_TOLD = 20


def faults(conn: Connection, published: Iterable[Head] = (), went: Went = nobody) -> list[str]:
    """Sentences about the ledger, its hash chain, what follows from it, what is reserved, the
    audit, and whether what is written can only be added to; none when whole.

    ``published`` are heads that were told outside the database, oldest first. Raises what
    reading them raises.
    """
    found = ledger_faults(conn, went)
    if not found:  # a chain that is broken in itself was told of already
        found = chain.compare(conn, published)
    return [
        *found,
        *_told("reservations", check_reserved, conn),
        *_told("audit", audit_chain.verify, conn),
        *_told("guards", missing_guards, conn),
    ]


def ledger_faults(conn: Connection, went: Went = nobody) -> list[str]:
    """Those that make the books wrong, the database's own first. ``went`` is told of blocks."""
    with _whatever_stands_there(conn):
        return [
            *damage(conn, went),
            *_told("balances", check_balances, conn),
            *_told("tags' places", check_tags, conn),
            *_told("pieces' places", serials.check, conn),
            *_told("places' totals", totals.check, conn),
        ]


def damage(conn: Connection, went: Went = nobody) -> list[str]:
    """Those after which nothing that is built from the ledger can be trusted."""
    with _whatever_stands_there(conn):
        broken = _told("chain", lambda c: chain.verify(c, went), conn)
        return [
            *_told("file", _sqlite_faults, conn),
            *_told("ends of movements", ends.check, conn),
            *broken,
        ]


def _told(what: str, check: Callable[[Connection], list[str]], conn: Connection) -> list[str]:
    """What a check finds; one that cannot be done has found something, too."""
    try:
        found = check(conn)
    except _DAMAGE as error:
        reason = str(error).partition("\n")[0]
        found = [f"the {what} cannot be checked, the database is damaged: {reason}"]
    return [line.encode(errors="backslashreplace").decode() for line in found]


def _sqlite_faults(conn: Connection) -> list[str]:
    """What SQLite finds wrong with its own file. PostgreSQL has no such question."""
    if conn.dialect.name != "sqlite":
        return []
    told = conn.execute(text(f"PRAGMA integrity_check({_MOST_TOLD})")).scalars()
    strays = conn.execute(text("PRAGMA foreign_key_check")).all()
    return [
        *(f"the file is damaged: {line}" for line in told if line != "ok"),
        *(f"row {row[1]} of {row[0]} names a {row[2]} that is not there" for row in strays),
    ][:_MOST_TOLD]


@contextlib.contextmanager
def _whatever_stands_there(conn: Connection) -> Iterator[None]:
    """Read text as the bytes that it is: damaged text must be compared, not refused."""
    if conn.dialect.name != "sqlite":
        yield
        return
    driver = conn.connection.driver_connection
    assert driver is not None
    before = driver.text_factory
    driver.text_factory = _text
    try:
        yield
    finally:
        driver.text_factory = before


def _text(stored: bytes) -> str:
    return stored.decode(errors="surrogateescape")
