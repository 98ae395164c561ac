"""What a tag's presence in a zone says of stock, where its read point is told to say so. Pure.

A piece that the ledger has elsewhere and that a zone has heard for ``SETTLED_S``, in ``ENOUGH_S``
seconds of them, is posted to the zone's location, once a visit. Its confidence is the rule of
succession: heard in ``n`` of the ``n`` seconds in which it was listened for, it is there with
``(n + 1) / (n + 2)``. Evidence counts from the arrival on, or from when another sensor moved the
piece in the middle of the visit: a pallet that is driven out through a portal is heard in the hall
until it is through.

Silence says nothing of stock, and neither does a departure. Nor does a tag that the ledger never
knew: receiving is for portals, scans and people.

A person is asked where the zone contradicts: goods that another sensor moved away during the visit
and that are heard here all the same (two zones may hear one tag), and goods that the ledger has
outside, with a customer or scrapped.
"""

from __future__ import annotations

from collections.abc import Mapping

from central.database.moments import from_us
from central.reconcile.identity import derived_id
from central.reconcile.serials import places_of, serial_of
from central.reconcile.verdict import Context, Hypothesis, Logged, Pack, ReadPoint, Review, Verdict
from central.reconcile.witness import Known, Recent
from central.reconcile.zone.tags import Tag
from central.reconcile.zone.zone import Zone
from central.stock.model import LocationKind, Movement

SETTLED_S = 30.0
ENOUGH_S = 19
"""With so many seconds it is there with a probability of 0.952."""
HERE_RIGHT = 0.5
"""Two sensors say two things: nothing says which of them errs."""

_OUTSIDE = {kind.value for kind in LocationKind if kind is not LocationKind.INTERNAL}


def settled(
    zone: Zone,
    epc: str,
    logged: Logged,
    point: ReadPoint,
    context: Context,
    *,
    recent: Recent,
    moved: Mapping[str, str],
) -> Verdict:
    """What a read of this tag lets its zone say of stock; ``moved`` is what this call decided."""
    tag = zone.state.tags.get(epc)
    if tag is None or not _is_settled(tag):
        return Verdict()
    pack = context.pack_of(epc)
    place = None if pack is None else _place(epc, context, moved)
    if pack is None or place is None or place == point.location:
        tag.claimed = True
        return Verdict()
    away = _moved_away(epc, tag, pack, recent)
    if away is not None and away.event_us > tag.since_us:
        tag.since_us, tag.proof_s = away.event_us, 0  # what was heard before says nothing of now
        return Verdict()
    tag.claimed = True
    movement = _movement(zone, epc, tag, pack, place, logged, point)
    doubt = _doubt(place, away, point)
    if doubt:
        return Verdict(reviews=(_ask(movement, doubt, point),))
    return Verdict(movements=(movement,))


def _is_settled(tag: Tag) -> bool:
    if not tag.present or tag.claimed or tag.proof_s < ENOUGH_S:
        return False
    return tag.last_us - tag.since_us >= SETTLED_S * 1_000_000


def _place(epc: str, context: Context, moved: Mapping[str, str]) -> str | None:
    return places_of([epc], moved).get(epc) or places_of([epc], context.placed).get(epc)


def _moved_away(epc: str, tag: Tag, pack: Pack, recent: Recent) -> Known | None:
    """The last movement of this piece by a sensor since it arrived here."""
    name = serial_of(epc)
    found = recent.of(pack.sku, tag.first_us, tag.last_us)
    moves = [one for one in found if name in map(serial_of, one.epcs)]
    return max(moves, key=lambda one: one.event_us, default=None)


def _doubt(place: str, away: Known | None, point: ReadPoint) -> str:
    if away is not None:
        return f"heard at {point.location}, though the {away.origin} moved it to {place}"
    return f"heard at {point.location}, though it went to {place}" if place in _OUTSIDE else ""


def _movement(  # noqa: PLR0917 (all that it tells)
    zone: Zone, epc: str, tag: Tag, pack: Pack, place: str, logged: Logged, point: ReadPoint
) -> Movement:
    return Movement(
        id=derived_id("zone", point.code, logged.edge, logged.epoch, logged.seq, epc),
        sku=pack.sku,
        quantity=pack.quantity,
        lot=pack.lot,
        source=place,
        destination=point.location,
        biz_step="storing",
        event_time=from_us(tag.since_us),
        origin="zone",
        confidence=round((tag.proof_s + 1) / (tag.proof_s + 2), 4),
        causes=zone.causes(tag, logged),
        epcs=(epc,),
        evidence={
            "presence": tag.levels.place or point.location,
            "read_point": point.code,
            "reader": tag.reader,
            "reads": tag.reads,
            "seconds_heard": tag.proof_s,
            "seconds": round((tag.last_us - tag.since_us) / 1e6, 3),
            "mean_gap_s": round(tag.gaps.mean_s, 3),
            "thresholds": {"SETTLED_S": SETTLED_S, "ENOUGH_S": ENOUGH_S},
        },
    )


def _ask(movement: Movement, doubt: str, point: ReadPoint) -> Review:
    return Review(
        id=derived_id("review", movement.id),
        read_point=point.code,
        reason=doubt,
        event_time=movement.event_time,
        hypotheses=(
            Hypothesis(
                says=f"it is at {movement.destination}",
                probability=HERE_RIGHT,
                movements=(movement,),
            ),
            Hypothesis(
                says=f"it is at {movement.source}, and heard from there",
                probability=1.0 - HERE_RIGHT,
            ),
        ),
        causes=movement.causes,
        evidence={**movement.evidence, "epc": movement.epcs[0]},
    )
