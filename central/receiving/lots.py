"""What labels tell of lots, as goods are received: the day on which a lot expires."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Literal

from sqlalchemy import Connection

from central.catalogue.changes import Told
from central.database.moments import to_us
from central.judging import findings
from central.judging.effective import judged_upto
from central.lots import store as lots
from central.receiving.model import ExpiryDiffers, Ruled
from central.reconcile.identity import derived_id
from central.reconcile.verdict import Hypothesis, Review
from central.reviews.model import Resolution, Stored
from central.stock.model import Movement

__all__ = ["answered", "keep_expiries", "keep_sensed"]

KNOWN_HOLDS = 0.6
"""A choice, not a fit: what somebody wrote down is right more often than a scanner's one look."""
_FOLLOWS = "expiry"


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


def keep_sensed(conn: Connection, movement: Movement, told: Told) -> None:
    """The same for what a scanner saw come in by itself: it stands on the ledger, so that a review
    asks which day holds. One that is open for this lot and day already stays as it is.
    """
    expiry = movement.evidence.get("expiry")
    if not isinstance(expiry, str) or not movement.lot:
        return
    day = date.fromisoformat(expiry)
    known = lots.find(conn, movement.sku, movement.lot)
    if known is None or known.expires_on == day:
        lots.arrived(conn, movement.sku, movement.lot, told, {"expires_on": day})
        return
    if known.expires_on is None and not (known.made_on and day < known.made_on):
        lots.keep(conn, movement.sku, movement.lot, told, expires_on=day)
        return
    what = f"lot {movement.lot} of {movement.sku}"
    before = known.expires_on or "an unknown day"
    review = Review(
        id=f"received-{derived_id('expiry', movement.sku, movement.lot, expiry)}",
        read_point=str(movement.evidence.get("read_point", movement.destination)),
        reason=f"a label says that {what} expires on {day}, and {before} is known of it",
        event_time=movement.event_time,
        hypotheses=(
            Hypothesis(says=f"{what} expires on {before}", probability=KNOWN_HOLDS),
            Hypothesis(says=f"{what} expires on {day}", probability=1.0 - KNOWN_HOLDS),
        ),
        causes=movement.causes,
        evidence={
            _FOLLOWS: {
                "sku": movement.sku,
                "lot": movement.lot,
                "days": [known.expires_on and known.expires_on.isoformat(), expiry],
            },
            "movement": movement.id,
        },
    )
    findings.keep_reviews(conn, [review], told.at_us, judged_upto(conn))


def answered(conn: Connection, review: Stored, done: Resolution) -> None:
    """Let a lot expire as a review's answer says. Does nothing for other reviews."""
    asked = review.evidence.get(_FOLLOWS)
    if not isinstance(asked, dict) or done.choice is None:
        return
    told = Told(by=done.by, at_us=to_us(done.at))
    day = asked["days"][done.choice]
    if day is not None:
        lots.keep(conn, asked["sku"], asked["lot"], told, expires_on=date.fromisoformat(day))
