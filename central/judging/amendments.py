"""What came late changes what was decided: posted as a whole, or put before a person.

A correction is only right while nothing else was built on what it corrects: the originals stand
as they were posted, nobody answered the questions meanwhile, and every tag lies where it was
left. Otherwise somebody knows more than the sensors do, and decides.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, select, text

from central import schema
from central.catalogue.context import PlacedTags
from central.reconcile.amending import question
from central.reconcile.verdict import Amendment, Review
from central.reviews.store import answer
from central.stock import ledger, queries
from central.stock.model import Movement, Posted, StockError
from central.stock.rows import BACK_FOR, as_judged

__all__ = ["Applied", "apply"]

_ANSWERED = "answered"
_CORRECTED = text(
    "SELECT 1 FROM movement WHERE sku = :sku AND seq > :seq AND corrects = :id "
    "AND origin NOT IN ('portal', 'shelf', 'scan', 'zone') LIMIT 1"
)
_movement, _review_row = schema.movement.c, schema.review.c


class Applied(NamedTuple):
    """What became of an amendment: the movements that stand on the ledger, or, if none do, the
    review to open instead.
    """

    posted: tuple[Posted, ...] = ()
    asked: Review | None = None


def apply(conn: Connection, amendment: Amendment, *, record_us: int, log_id: int) -> Applied:
    """Post all of it, or none."""
    movements = [_back(conn, one) for one in amendment.movements]
    posted: Sequence[Posted] = ()
    why = "" if _is_posted(conn, movements) else _obstacle(conn, amendment)
    if not why:
        try:
            posted = ledger.post(conn, movements, record_us=record_us, log_id=log_id)
        except StockError as error:
            why = f"the ledger refuses it: {error}"
    if why:
        return Applied(asked=question(amendment, why))
    if amendment.answers:
        answer(
            conn,
            amendment.answers,
            name=amendment.id,
            says="what came late from the same place tells",
            movements=tuple(one.id for one in movements),
            now_us=record_us,
        )
    return Applied(tuple(posted))


def _back(conn: Connection, movement: Movement) -> Movement:
    """What goes back goes to where it was taken from, which judging may not have known."""
    original = queries.movement_by_id(conn, movement.corrects) if movement.corrects else None
    if original is None:
        return movement
    taken, judged = original.movement, as_judged(original.movement)
    ends = (judged.destination, judged.source)
    if (movement.source, movement.destination) != ends or taken.source == judged.source:
        return movement
    evidence = movement.evidence | {BACK_FOR: judged.source}
    return msgspec.structs.replace(movement, destination=taken.source, evidence=evidence)


def _is_posted(conn: Connection, movements: Sequence[Movement]) -> bool:
    """Whether this was done before: a crash, or a memory built again."""
    if not movements:
        return False
    ids = [one.id for one in movements]
    return len(_posted(conn, ids)) == len(ids)


def _posted(conn: Connection, ids: Collection[str]) -> list[tuple[str, str, int]]:
    """Those that are on the ledger: name, item and number."""
    query = select(_movement.id, _movement.sku, _movement.seq).where(_movement.id.in_(ids))
    return [(row.id, row.sku, row.seq) for row in conn.execute(query).all()]


def _obstacle(conn: Connection, amendment: Amendment) -> str:
    """Why it cannot simply be posted; empty when it can."""
    found = _posted(conn, amendment.originals)
    if len(found) < len(amendment.originals):
        return "what was posted is not what judging would post today"
    for name, sku, seq in found:
        if conn.execute(_CORRECTED, {"id": name, "sku": sku, "seq": seq}).scalar():
            return "a person has corrected it meanwhile"
    asked = select(_review_row.status).where(_review_row.id.in_(amendment.answers))
    if any(status not in {"open", _ANSWERED} for status in conn.execute(asked).scalars()):
        return "a person has answered what was asked then"
    places = PlacedTags(conn)
    here: dict[str, str | None] = {}
    for movement in amendment.movements:
        for epc in movement.epcs:
            place = here.get(epc) or places.get(epc)
            if place is not None and place != movement.source:
                return f"tag {epc} lies at {place} meanwhile"
            here[epc] = movement.destination
    return ""
