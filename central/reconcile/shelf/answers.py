"""What a decided change comes to: a movement, or a question with every explanation to choose."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from central.reconcile.hypotheses import ranked
from central.reconcile.identity import derived_id
from central.reconcile.shelf.beliefs import Unit, countable
from central.reconcile.shelf.odds import Guess, Odds, Reading
from central.reconcile.shelf.plate import Change
from central.reconcile.verdict import Hypothesis, PlatePlan, ReadPoint, Review, Verdict
from central.stock.model import Movement

_WORTH_TELLING = 0.001
_MOST_TOLD = 6


class Decided(NamedTuple):
    """A change and all that it was decided by, the likeliest explanation first."""

    plan: PlatePlan
    point: ReadPoint
    change: Change
    before_mg: int
    unit: Unit
    readings: Sequence[Reading]
    odds: Sequence[Odds]

    def evidence(self) -> dict[str, object]:
        """The numbers that it was decided by."""
        best = self.odds[0].guess
        reading = self.readings[0]
        own_mg = self.change.gross_mg - self.before_mg
        expected_mg = self.unit.mean_mg * best.pieces if best.kind == "pieces" else 0.0
        variance = reading.variance + self.unit.variance(best.pieces)
        noise_mg = reading.variance**0.5
        return {
            "plate": self.plan.plate,
            "before_mg": self.before_mg,
            "after_mg": self.change.gross_mg,
            "leak_mg": round(own_mg - reading.moved_mg),
            "unit_mg": self.plan.unit_mg,
            "unit_learned_mg": round(self.unit.mean_mg),
            "unit_cv_learned": round(self.unit.cv, 5),
            "unit_learned_from": self.unit.seen,
            "residual_mg": round(reading.moved_mg - expected_mg),
            "sigma_mg": round(variance**0.5),
            "countable": countable(self.unit.mean_mg, self.unit.cv, noise_mg),
        }


def count(decided: Decided) -> Verdict:
    """So many pieces moved."""
    best = decided.odds[0]
    return Verdict(movements=_movements(decided, best.guess, best.probability))


def ask(decided: Decided, reason: str) -> Verdict:
    """A person has to say what it was."""
    plan, change = decided.plan, decided.change
    review = Review(
        id=derived_id("review", reason, plan.read_point, plan.plate, change.cause),
        read_point=plan.read_point,
        reason=reason,
        event_time=change.event_time,
        hypotheses=ranked(
            Hypothesis(
                says=_says(decided, one.guess),
                probability=one.probability,
                movements=_movements(decided, one.guess, one.probability),
            )
            for one in decided.odds[:_MOST_TOLD]
            if one.probability >= _WORTH_TELLING
        ),
        causes=(change.cause,),
        evidence=decided.evidence(),
    )
    return Verdict(reviews=(review,))


def ask_strange(decided: Decided) -> Verdict:
    """Nothing of the plate's own: another item's piece on a wrong lane, or some other thing."""
    guess = decided.odds[0].guess
    if guess.kind == "misplaced":
        return ask(decided, f"{guess.sku} put back on the wrong lane")
    if guess.kind == "gone":
        return ask(decided, f"{guess.sku} taken from the wrong lane")
    return ask(decided, "unresolved weight change")


def _says(decided: Decided, guess: Guess) -> str:
    mass_g = abs(decided.readings[0].moved_mg) / 1_000
    if guess.kind == "misplaced":
        return f"1 of {guess.sku} was put on the plate of {decided.plan.sku}"
    if guess.kind == "gone":
        what = guess.sku or "the strange thing"
        return f"{what} that lay on the plate of {decided.plan.sku} was taken"
    if guess.kind == "strange":
        return f"something else of {mass_g:.0f} g"
    if not guess.pieces:
        return "nothing was put on or taken"
    side = "put on" if guess.pieces > 0 else "taken"
    return f"{abs(guess.pieces)} of {decided.plan.sku} {side}"


def _movements(decided: Decided, guess: Guess, confidence: float) -> tuple[Movement, ...]:
    """What would be posted; nothing for strange things that are no stock."""
    sku = decided.plan.sku if guess.kind == "pieces" else guess.sku
    if not guess.pieces or not sku:
        return ()
    plan, point, change = decided.plan, decided.point, decided.change
    picked = guess.pieces < 0
    back = guess.kind == "misplaced"
    sold = point.outbound_to == "customer"
    step = ("retail_selling" if sold else "picking") if picked else "stocking"
    source = point.outbound_to if back else point.inbound_from
    made = Movement(
        id=derived_id("shelf", plan.read_point, plan.plate, sku, guess.pieces, change.cause),
        sku=sku,
        quantity=abs(guess.pieces),
        source=point.location if picked else source,
        destination=point.outbound_to if picked else point.location,
        biz_step=step,
        disposition="retail_sold" if picked and sold else "in_progress",
        event_time=change.event_time,
        origin="shelf",
        confidence=round(min(confidence, 1.0), 4),
        causes=(change.cause,),
        evidence=decided.evidence(),
    )
    return (made,)
