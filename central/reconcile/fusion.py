"""One physical event, one movement: what a second kind of sensor says of goods that moved already.

The same case may be scanned and driven through a portal; what is taken out of the back room by
scanner arrives on a plate that weighs. Each read point judges for itself, and whoever is first
posts at once: nothing waits for a sensor that may never speak. What another kind of sensor says
later of the same event becomes a ``Witness`` of that movement and posts nothing.

**The same event** is the same item from the same place to the same place, told by another kind of
sensor, within ``ReadPoint.fuse_s`` of event time (0: never), as far as that kind has not borne
witness to it yet. Two kinds that each name their pieces (EPC, GTIN with serial) only meet over the
same name; that is decided before this stage, by where the ledger has the piece (``serials``).
Sensors of one kind never fuse: two docks see two pallets. What a person booked is no sensor's
word: see ``by_hand``. But what was sold or shipped by hand leaves with a portal's goods.

**Counts.** A portal's group, a shelf's change and a label that tells a count (AI 30, 37) claim to
be all there was; a scan of one pack says of one pack. So scans that follow a pass are ticked off
against it, and a pass that follows scans covers them and posts the rest. Two counts that differ
are a conflict: the first stands, the rest becomes a Review with both readings, whose movement names
the first in ``corrects``. What comes short may still be on its way: the question is put when
the window is over (``Short``), and forgotten when the rest was seen meanwhile.

**Replay.** All this rests on committed facts: the ledger's sensed movements and their witnesses,
as they stand when an entry is judged (``Context.recent``, as ``Context.placed`` does for tags).
Only ``Short`` is memory, of the read point that was short. So it does not matter which worker
judges which read point, nor where the log is cut.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from central.database.moments import from_us, to_us
from central.reconcile import by_hand
from central.reconcile.documents import with_again
from central.reconcile.identity import derived_id
from central.reconcile.serials import names_pieces
from central.reconcile.shares import remainder, shared, witness_to
from central.reconcile.verdict import Context, Hypothesis, ReadPoint, Review, Verdict
from central.reconcile.witness import BOOKED, SENSED, Known, Recent, Witness, is_counted
from central.stock.model import Cause, Movement

__all__ = ["MOST_SHORTS", "Fused", "Recently", "Short", "fuse", "fuse_all", "known_of", "overdue"]

MOST_SHORTS = 64
"""So many counts may wait for their rest at one read point; the oldest is asked about early."""
SECOND_RIGHT = 0.5
"""Two counts differ: nothing says which of them erred."""


class Short(msgspec.Struct, array_like=True):
    """A count that came short of what had been posted, until its window is over."""

    sku: str
    source: str
    destination: str
    origin: str
    movements: list[str]
    from_us: int
    upto_us: int
    due_us: int
    said: int
    cause: Cause

    @property
    def key(self) -> tuple[str, str, str, str]:
        """Counts of the same goods on the same way come short together."""
        return (self.sku, self.source, self.destination, self.origin)


class Fused(NamedTuple):
    """What becomes of a movement in the light of others."""

    movement: Movement | None
    witnesses: tuple[Witness, ...] = ()
    review: Review | None = None
    short: Short | None = None


class Recently:
    """The ledger's recent movements and those that this call of judging decided."""

    def __init__(self, recent: Recent) -> None:
        self._recent = recent
        self._fresh: list[Known] = []
        self._seen: dict[str, Counter[str]] = {}

    def of(self, sku: str, from_us: int, upto_us: int, *, besides: str = "") -> list[Known]:
        """As ``Recent.of``."""
        there = self._recent.of(sku, from_us, upto_us, besides=besides)
        here = [
            one
            for one in self._fresh
            if one.sku == sku and from_us <= one.event_us <= upto_us and one.origin != besides
        ]
        return [self._now(known) for known in (*there, *here)]

    def moved(self, movement: Movement) -> None:
        """It will be posted."""
        self._fresh.append(known_of(movement))

    def attested(self, witness: Witness) -> None:
        """It will be kept beside a movement."""
        seen = self._seen.setdefault(witness.movement_id, Counter())
        seen[witness.origin] += witness.quantity

    def _now(self, known: Known) -> Known:
        more = self._seen.get(known.id)
        if not more:
            return known
        return known._replace(attested=Counter(known.attested) + more)


def known_of(movement: Movement) -> Known:
    """A movement that judging decided, as it will be known."""
    return Known(
        movement.id,
        movement.sku,
        movement.quantity,
        movement.source,
        movement.destination,
        movement.origin,
        to_us(movement.event_time),
        is_counted(movement.origin, movement.evidence),
        movement.lot,
        movement.epcs,
        read_point=str(movement.evidence.get("read_point", "")),
    )


def fuse(movement: Movement, point: ReadPoint, context: Context, recent: Recent) -> Fused:
    """Post it, attach it to what is there, or ask: see the module."""
    if movement.corrects is not None or movement.origin not in SENSED:
        return Fused(movement)
    known = _same_event(movement, point, context, recent)
    if not known:
        return _besides_hands(movement, point, recent)
    counted = is_counted(movement.origin, movement.evidence)
    shares, rest = shared(movement, known)
    witnesses = tuple(
        witness_to(movement, point, one, quantity, first=not place)
        for place, (one, quantity) in enumerate(shares)
    )
    if not rest:
        return Fused(None, witnesses, short=_short(movement, point, known, shares, counted=counted))
    if counted and shares and not any(one.counted for one, _ in shares):
        return Fused(remainder(movement, rest, witnesses), witnesses)
    against = shares[0][0] if shares else known[0]
    return Fused(None, witnesses, _conflict(movement, point, against, rest, fused=bool(shares)))


def _besides_hands(movement: Movement, point: ReadPoint, recent: Recent) -> Fused:
    """What no other sensor has told, in the light of what was booked."""
    sold = by_hand.sold(movement, point, recent)
    if sold and (left := _left_with(movement, point, sold)) is not None:
        return left
    again = by_hand.booked(movement, point, recent)
    if again is None:
        return Fused(movement)
    return Fused(None, review=by_hand.question(movement, point, again))


def _left_with(movement: Movement, point: ReadPoint, sold: Sequence[Known]) -> Fused | None:
    """What left with what was booked out: a witness to as many, and the rest moved. ``None`` where
    as many are not so many tags.
    """
    shares, rest = shared(movement, sold)
    tags, units = sorted(movement.epcs), movement.quantity
    count, odd = divmod(len(tags) * (units - rest), units)
    if odd:
        return None
    seen = msgspec.structs.replace(movement, epcs=tuple(tags[:count]))
    witnesses = tuple(
        witness_to(seen, point, one, quantity, first=not place)
        for place, (one, quantity) in enumerate(shares)
    )
    if not rest:
        return Fused(None, witnesses)
    others = msgspec.structs.replace(movement, epcs=tuple(tags[count:]))
    return Fused(remainder(others, rest, witnesses), witnesses)


class FusedAll(NamedTuple):
    """A verdict whose movements are news, and the counts that came short."""

    verdict: Verdict
    shorts: list[Short]


def fuse_all(part: Verdict, point: ReadPoint, context: Context, recent: Recently) -> FusedAll:
    """Each movement of a verdict in the light of what moved, one after another."""
    movements, witnesses, reviews, shorts = [], list(part.witnesses), list(part.reviews), []
    again: Counter[str] = Counter()
    for witness in witnesses:
        recent.attested(witness)
    for movement in part.movements:
        fused = fuse(movement, point, context, recent)
        if fused.movement is not None:
            movements.append(fused.movement)
            recent.moved(fused.movement)
        for witness in fused.witnesses:
            witnesses.append(witness)
            recent.attested(witness)
            again[movement.sku] += witness.quantity
        if fused.review is not None:
            reviews.append(fused.review)
        if fused.short is not None:
            shorts.append(fused.short)
    verdict = msgspec.structs.replace(
        part,
        movements=tuple(movements),
        witnesses=tuple(witnesses),
        reviews=tuple(reviews),
        notes=tuple(with_again(part.notes, again)),
    )
    return FusedAll(verdict, shorts)


def _same_event(
    movement: Movement, point: ReadPoint, context: Context, recent: Recent
) -> list[Known]:
    """Movements that may be the same event, nearest in time first."""
    ends = (movement.source, movement.destination)
    if not (point.fuse_s > 0 and _has_partner(point, ends, context)):
        return []
    at_us, window_us = to_us(movement.event_time), point.fuse_s * 1_000_000
    found = [
        one
        for one in recent.of(
            movement.sku, at_us - window_us, at_us + window_us, besides=movement.origin
        )
        if one.origin not in {movement.origin, BOOKED}
        and one.quantity > 0
        and (one.source, one.destination) == ends
        and not (names_pieces(one.epcs) and names_pieces(movement.epcs))
        and (one.lot == movement.lot or not (one.lot and movement.lot))
    ]
    if not any(one.left(movement.origin) for one in found) and movement.origin != "scan":
        return []  # all that was seen of it: a further pass or change is a further event
    return sorted(found, key=lambda one: (abs(one.event_us - at_us), one.event_us, one.id))


def _has_partner(point: ReadPoint, ends: tuple[str, str], context: Context) -> bool:
    """Whether another kind of sensor looks at either end: otherwise the ledger is not asked."""
    return any(
        other.kind != point.kind and other.location in ends
        for other in context.read_points.values()
    )


def _conflict(
    movement: Movement, point: ReadPoint, against: Known, rest: int, *, fused: bool
) -> Review:
    """More than had been posted of the event: which count is right?"""
    reason = f"the {movement.origin} tells of {rest} more than the {against.origin} did"
    more = msgspec.structs.replace(
        movement,
        id=derived_id("more", movement.id, against.id),
        quantity=rest,
        epcs=() if fused else movement.epcs,
        corrects=against.id,
        reason=reason,
    )
    return Review(
        id=derived_id("review", "more", movement.id, against.id),
        read_point=point.code,
        reason=reason,
        event_time=movement.event_time,
        hypotheses=(
            Hypothesis(
                says=f"the {movement.origin} is right: {rest} more moved",
                probability=SECOND_RIGHT,
                movements=(more,),
            ),
            Hypothesis(
                says=f"the {against.origin} is right: what it posted is all",
                probability=1.0 - SECOND_RIGHT,
            ),
        ),
        causes=movement.causes,
        evidence={
            **movement.evidence,
            "movement": against.id,
            "counted_first": against.quantity,
            "counted_here": movement.quantity,
        },
    )


def _short(
    movement: Movement,
    point: ReadPoint,
    known: Sequence[Known],
    shares: Sequence[tuple[Known, int]],
    *,
    counted: bool,
) -> Short | None:
    """What others posted of this event and this count has not seen, if it should have."""
    seen = {one.id: quantity for one, quantity in shares}
    lacking = [one for one in known if one.left(movement.origin) > seen.get(one.id, 0)]
    if not (counted and lacking and movement.causes):
        return None
    times = [one.event_us for one in lacking]
    return Short(
        movement.sku,
        movement.source,
        movement.destination,
        movement.origin,
        sorted(one.id for one in lacking),
        min(times),
        max(times),
        to_us(movement.event_time) + point.fuse_s * 1_000_000,
        movement.quantity,
        movement.causes[0],
    )


def overdue(short: Short, point: ReadPoint, recent: Recent) -> Review | None:
    """The question that a count which stayed short comes to; ``None`` when the rest was seen."""
    wanted = set(short.movements)
    lacking = [
        one
        for one in recent.of(short.sku, short.from_us, short.upto_us)
        if one.id in wanted and one.left(short.origin)
    ]
    if not lacking:
        return None
    fewer = sum(one.left(short.origin) for one in lacking)
    reason = f"the {short.origin} tells of {fewer} fewer than the {lacking[0].origin} did"
    back = tuple(_taken_back(one, short, reason) for one in lacking)
    return Review(
        id=derived_id("review", "fewer", point.code, short.due_us, *short.movements),
        read_point=point.code,
        reason=reason,
        event_time=from_us(max(one.event_us for one in lacking)),
        hypotheses=(
            Hypothesis(
                says=f"the {short.origin} is right: {fewer} of it never moved",
                probability=SECOND_RIGHT,
                movements=back,
            ),
            Hypothesis(
                says=f"the {lacking[0].origin} is right: what it posted is all",
                probability=1.0 - SECOND_RIGHT,
            ),
        ),
        causes=(short.cause,),
        evidence={
            "movements": [one.id for one in lacking],
            "counted_first": sum(one.quantity for one in lacking),
            "counted_here": short.said,
        },
    )


def _taken_back(known: Known, short: Short, reason: str) -> Movement:
    return Movement(
        id=derived_id("fewer", known.id, short.origin, short.due_us),
        sku=known.sku,
        lot=known.lot,
        quantity=known.left(short.origin),
        source=known.destination,
        destination=known.source,
        biz_step="storing",
        event_time=from_us(known.event_us),
        origin=short.origin,
        causes=(short.cause,),
        corrects=known.id,
        reason=reason,
    )
