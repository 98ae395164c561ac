"""Events that their senders declare wrong (EPCIS 2.0, 7.4.1.3): what was booked is taken back.

A declaration repeats the event, its id too, and says when it was found wrong, why, and which events
are right instead. The event is kept, and so is the declaration; the ledger takes back by movements
that name those they correct. Where stock does not let it (the goods have moved on), or somebody
corrected it meanwhile, a person is asked, and nothing is taken back by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from central.judging import findings, questions
from central.reconcile.identity import derived_id
from central.stock import ledger, queries
from central.stock.model import Movement, StockError

__all__ = ["FIELD", "NOT_KNOWN", "TOO_LATE", "key_of", "take_back"]

FIELD = "errorDeclaration"
NOT_KNOWN = "the event that is declared wrong is not known here: there is nothing to take back"
TOO_LATE = "it was declared wrong before it came"


def key_of(event_id: str) -> str:
    """Under what the declaration that an event is wrong is kept; the event has its own id."""
    return f"urn:tallyport:epcis:error:{event_id}"


def take_back(
    conn: Connection, names: Sequence[str], declaration: Mapping[str, Any], *, record_us: int,
    actor: str,
) -> tuple[list[str], str]:  # fmt: skip
    """Undo these movements, all or none; the ids of what does, or why nothing was undone."""
    if not names:
        return [], "nothing followed from the event: there is nothing to take back"
    said = str(declaration.get("reason", "")) or "no reason given"
    stood = [queries.movement_by_id(conn, name) for name in names]
    back = [
        msgspec.structs.replace(
            one.movement,
            id=derived_id("declared wrong", one.movement.id),
            source=one.movement.destination,
            source_status=one.movement.destination_status,
            destination=one.movement.source,
            destination_status=one.movement.source_status,
            corrects=one.movement.id,
            reason=f"EPCIS error declaration: {said}"[:200],
            actor=actor,
        )
        for one in stood
        if one is not None
    ]
    corrected = [one.corrects for one in back if queries.is_corrected(conn, str(one.corrects))]
    if corrected:
        why = StockError(f"movement {corrected[0]} was corrected meanwhile")
        return [], _asked(conn, back, why, record_us)
    inner = conn.begin_nested()
    posted = ledger.post_each(conn, back, record_us=record_us)
    refused = [one for one in posted if isinstance(one, StockError)]
    if refused:
        inner.rollback()
        return [], _asked(conn, back, refused[0], record_us)
    inner.commit()
    return [one.id for one in back], ""


def _asked(conn: Connection, back: Sequence[Movement], why: StockError, record_us: int) -> str:
    """Ask somebody about each of them; says so."""
    reviews = [
        msgspec.structs.replace(
            questions.of_refusal(one, why),
            reason=f"an EPCIS event was declared wrong, and is not taken back: {why}",
        )
        for one in back
    ]
    findings.keep_reviews(conn, reviews, record_us, 0)
    return f"{why}: {', '.join(one.id for one in reviews)} asks a person"
