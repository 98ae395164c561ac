"""Messages that wait for somebody: tried again, or given up."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence

from sqlalchemy import Connection

from central.catalogue.changes import Told
from central.erp import messages
from central.erp.messages import Message
from central.erp.target import subscription_id
from central.events import deliveries

__all__ = ["discard", "replay"]


def replay(conn: Connection, chosen: Sequence[Message], told: Told) -> None:
    """Apply or tell them again, as mapping and catalogue are now. Raises ``NotWaiting``."""
    messages.move(conn, chosen, "received", "replay ERP message", told)
    _each(conn, chosen, deliveries.again_of)


def discard(conn: Connection, chosen: Sequence[Message], told: Told) -> None:
    """Give them up: nothing more is tried. Raises ``NotWaiting``."""
    messages.move(conn, chosen, "discarded", "discard ERP message", told)
    _each(conn, chosen, deliveries.give_up)


def _each(
    conn: Connection,
    chosen: Sequence[Message],
    work: Callable[[Connection, str, Collection[str]], int],
) -> None:
    """Do so with what was to be told."""
    told: defaultdict[str, list[str]] = defaultdict(list)
    for one in chosen:
        if one.direction == "out":
            told[one.connection].append(one.key)
    for connection, keys in told.items():
        work(conn, subscription_id(connection), keys)
