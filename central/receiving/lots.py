"""What labels tell of lots, as goods are received: the day on which a lot expires."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Literal

from sqlalchemy import Connection

from central.catalogue.changes import Told
from central.lots import store as lots
from central.receiving.model import ExpiryDiffers, Ruled

__all__ = ["keep_expiries"]


def keep_expiries(
    conn: Connection,
    ruled: Iterable[Ruled],
    holds: Literal["", "known", "scanned"],
    told: Told,
) -> None:
    """Let the lots of what is received be known with the days that their labels tell.

    Where another day is known of a lot, nobody but a person can say which one ``holds``: the one
    that was ``known``, or the one that was ``scanned``. Raises ``ExpiryDiffers`` until he did, and
    ``NotValid`` for a lot that would expire before it was made.
    """
    for one in ruled:
        seen = one.seen
        if seen.expiry is None or not seen.lot or not (one.ruling.takes or one.ruling.aside):
            continue
        day = date.fromisoformat(seen.expiry)
        known = lots.find(conn, seen.sku, seen.lot)
        if known is None or known.expires_on in {None, day}:
            lots.arrived(conn, seen.sku, seen.lot, told, {"expires_on": day})
        elif holds == "scanned":
            lots.keep(conn, seen.sku, seen.lot, told, expires_on=day)
        elif not holds:
            raise ExpiryDiffers(
                f"the label says that lot {seen.lot} of {seen.sku} expires on {day}, and "
                f"{known.expires_on} is known of it: look at it, and send this again with "
                '`"expiry": "known"` or `"expiry": "scanned"`; nothing was received'
            )
