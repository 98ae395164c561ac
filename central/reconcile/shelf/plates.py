"""Weight to stock: what a plate's change of level means in whole pieces.

Only differences between two levels at rest count, never a level itself: real plates are not
zeroed. A difference becomes a movement when it is a whole number of pieces within what the
pieces' own scatter, the scale's noise and the leak of a neighbour's change allow; otherwise a
person is asked. Small slow changes (creep, warmth) are followed and never become stock.

Numbers: counting by weight scatters with sqrt(n) times the pieces' relative SD (Steiner and
MacKay; count exact at 3 sigma below half a piece); load plates leak 0.7 to 1.5 % of a
neighbour's change (measured on a real shelf); a residual above 0.3 piece is not believed.
"""

from __future__ import annotations

import math
from datetime import datetime

import msgspec

from central.moments import to_us
from central.reconcile.hypotheses import ranked
from central.reconcile.identity import cause_of, derived_id, spanning
from central.reconcile.verdict import (
    Hypothesis,
    Ignored,
    Logged,
    PlatePlan,
    ReadPoint,
    Review,
    Verdict,
)
from central.stock.model import Cause, Movement
from gateway.contract import WeightDisturbed, WeightSettled

RESIDUAL_UNITS = 0.3
SIGMAS = 3.0
LEAK = 0.011
LEAK_SD = 0.004
"""0.7 to 1.5 % of the neighbour's change: the middle, and how far off it may be."""
SLACK_US = 300_000
"""A leak comes while the neighbour changes, give or take what settling is judged by."""
TIGHT_UNITS, TIGHT_SIGMAS = 0.15, 2.0
"""How well one reading of a change must fit to be believed against another one."""
PATIENCE_US = 20_000_000
FOLLOW = 0.1
FOLLOW_AT_MOST_UNITS = 0.05


class Change(msgspec.Struct, array_like=True):
    """A new level that waits until the neighbour has come to rest; it came between
    ``from_us`` and ``at_us``.
    """

    from_us: int
    at_us: int
    event_time: datetime
    gross_mg: int
    std_mg: int
    disturbed: bool
    log_id: int
    cause: Cause


class Plate(msgspec.Struct):
    """One plate: the level that stock is counted from, and what is going on."""

    device: str
    sku: str
    unit_mg: int
    level_mg: int | None = None
    std_mg: int = 0
    disturbed_us: int | None = None
    restarted: bool = False
    changing_us: int = 0
    changed_us: int = 0
    change_mg: int = 0
    waiting: Change | None = None


class Shelf(msgspec.Struct):
    """All plates of one read point."""

    plates: dict[int, Plate] = {}

    def restart(self, device: str) -> None:
        """A device came up anew: its next level may have lost its zero."""
        for plate in self.plates.values():
            if plate.device == device:
                plate.restarted = True

    def disturb(self, seen: WeightDisturbed) -> str:
        """Never a movement; says why it was looked at for nothing."""
        plate = self.plates.get(seen.plate)
        if plate is not None:
            plate.disturbed_us = to_us(seen.event_time)
        return {"held": "something rests on the plate"}.get(seen.reason, seen.reason)

    def settle(
        self, logged: Logged, seen: WeightSettled, plan: PlatePlan, point: ReadPoint
    ) -> Verdict:
        """A plate came to rest: count what changed, or wait for its neighbour."""
        plate = self.plates.get(seen.plate)
        if plate is None or (plate.sku, plate.unit_mg) != (plan.sku, plan.unit_mg):
            reason = "baseline" if plate is None else "baseline: another item lies here now"
            self.plates[seen.plate] = Plate(
                device=seen.device,
                sku=plan.sku,
                unit_mg=plan.unit_mg,
                level_mg=seen.gross_mg,
                std_mg=seen.std_mg,
            )
            return Verdict(ignored=(Ignored(log_id=logged.log_id, reason=reason),))
        plate.device = seen.device
        at_us = to_us(seen.event_time)
        change = Change(
            plate.changed_us if seen.disturbed_at is None else to_us(seen.disturbed_at),
            at_us,
            seen.event_time,
            seen.gross_mg,
            seen.std_mg,
            seen.disturbed_at is not None,
            logged.log_id,
            cause_of(logged),
        )
        if plate.waiting is not None:
            change.disturbed = change.disturbed or plate.waiting.disturbed
            change.cause = spanning([plate.waiting.cause, change.cause])[0]
            change.from_us = min(change.from_us, plate.waiting.from_us)
        plate.disturbed_us, plate.waiting = None, change
        plate.changing_us, plate.changed_us = change.from_us, at_us
        plate.change_mg = change.gross_mg - (plate.level_mg or 0)
        return Verdict()

    def ripe(self, now_us: int) -> list[int]:
        """Plates whose change no longer waits for a neighbour, in order of number."""
        return [
            number
            for number, plate in sorted(self.plates.items())
            if plate.waiting is not None and not self._must_wait(number, plate.waiting, now_us)
        ]

    def _must_wait(self, number: int, change: Change, now_us: int) -> bool:
        if now_us - change.at_us > PATIENCE_US:
            return False
        return any(
            near.disturbed_us is not None and abs(near.disturbed_us - change.at_us) < PATIENCE_US
            for near in self._neighbours(number)
        )

    def _neighbours(self, number: int) -> list[Plate]:
        near = (self.plates.get(number - 1), self.plates.get(number + 1))
        return [plate for plate in near if plate is not None]

    def leak_mg(self, number: int, change: Change) -> tuple[float, float]:
        """What neighbours that changed meanwhile leaked into this plate, and its SD."""
        leak, variance = 0.0, 0.0
        own = abs(self.plates[number].change_mg)
        for near in self._neighbours(number):
            meanwhile = (
                near.changing_us <= change.at_us + SLACK_US
                and change.from_us <= near.changed_us + SLACK_US
            )
            if meanwhile and abs(near.change_mg) > own:
                leak += LEAK * near.change_mg
                variance += (LEAK_SD * near.change_mg) ** 2
        return leak, math.sqrt(variance)


class Count(msgspec.Struct, frozen=True):
    """One reading of a change: so many pieces, and what is left over."""

    pieces: int
    residual_mg: float
    sigma_mg: float
    unit_mg: int

    @property
    def fits(self) -> bool:
        """Whether what is left over is no more than scatter."""
        allowed_mg = max(RESIDUAL_UNITS * self.unit_mg, SIGMAS * self.sigma_mg)
        return abs(self.residual_mg) <= allowed_mg

    @property
    def is_tight(self) -> bool:
        """Whether it fits so well that it may be believed against another reading."""
        allowed_mg = max(TIGHT_UNITS * self.unit_mg, TIGHT_SIGMAS * self.sigma_mg)
        return abs(self.residual_mg) <= allowed_mg

    @property
    def is_countable(self) -> bool:
        """Whether the scatter leaves a piece more or less distinguishable."""
        return SIGMAS * self.sigma_mg <= self.unit_mg / 2


def _count(delta_mg: float, noise_mg: float, plan: PlatePlan) -> Count:
    pieces = round(delta_mg / plan.unit_mg)
    scatter_mg = math.sqrt(abs(pieces)) * plan.unit_cv * plan.unit_mg
    sigma_mg = math.hypot(scatter_mg, noise_mg)
    return Count(pieces, delta_mg - pieces * plan.unit_mg, sigma_mg, plan.unit_mg)


def resolve(shelf: Shelf, number: int, plan: PlatePlan, point: ReadPoint) -> Verdict:
    """Decide the waiting change of one plate."""
    plate = shelf.plates[number]
    change = plate.waiting
    assert change is not None
    plate.waiting = None
    before_mg = plate.level_mg if plate.level_mg is not None else change.gross_mg
    leak_mg, leak_sd_mg = shelf.leak_mg(number, change)
    noise_mg = math.hypot(change.std_mg, plate.std_mg)
    delta_mg = change.gross_mg - before_mg
    alone = _count(delta_mg, noise_mg, plan)
    leaked = _count(delta_mg - leak_mg, math.hypot(noise_mg, leak_sd_mg), plan)
    count = alone if alone.is_tight and not leaked.is_tight else leaked
    restarted, plate.restarted = plate.restarted, False
    plate.std_mg = change.std_mg
    # Every change leaks a little, while two hands at one moment are rare: a leak that explains
    # all of it is believed; two readings that explain it equally are a question.
    explained = leaked.is_tight and leaked.pieces == 0
    if alone.pieces != leaked.pieces and alone.is_tight == leaked.is_tight and not explained:
        reason = "a neighbour's change may have leaked"
    elif count.pieces == 0 and (count.fits or not change.disturbed):
        _follow(plate, plan, delta_mg, leaked=leak_mg != 0.0)
        return Verdict(ignored=(Ignored(log_id=change.log_id, reason="no change in pieces"),))
    elif restarted and abs(change.gross_mg) < plan.unit_mg / 2 and abs(count.pieces) >= 3:
        reason = "scale restarted at zero"
    elif not count.fits or count.pieces == 0:
        reason = "unresolved weight change"
    else:
        reason = "" if count.is_countable else "too many pieces to count by weight"
    plate.level_mg = change.gross_mg
    evidence: dict[str, object] = {
        "plate": number,
        "before_mg": before_mg,
        "after_mg": change.gross_mg,
        "leak_mg": round(leak_mg),
        "unit_mg": plan.unit_mg,
        "residual_mg": round(count.residual_mg),
        "sigma_mg": round(count.sigma_mg),
    }
    sure = _sure(count.residual_mg, count.sigma_mg, plan)
    movement = _movement(plan, point, change, count.pieces, (evidence, sure))
    if not reason:
        return Verdict(movements=(movement,) if movement else ())
    review = Review(
        id=derived_id("review", reason, plan.read_point, number, change.cause),
        read_point=plan.read_point,
        reason=reason,
        event_time=change.event_time,
        hypotheses=_hypotheses(plan, point, change, (leaked, alone), evidence),
        causes=(change.cause,),
        evidence=evidence,
    )
    return Verdict(reviews=(review,))


def _follow(plate: Plate, plan: PlatePlan, delta_mg: int, *, leaked: bool) -> None:
    """Let the level follow a change that is not pieces: all of a leak, drift only slowly."""
    assert plate.level_mg is not None
    if leaked:
        plate.level_mg += delta_mg
        return
    most = FOLLOW_AT_MOST_UNITS * plan.unit_mg
    plate.level_mg += round(min(max(FOLLOW * delta_mg, -most), most))


def _sure(residual_mg: float, sigma_mg: float, plan: PlatePlan) -> float:
    """How probable it is that the number of pieces is right, were scatter all there is."""
    sigma = max(sigma_mg, 0.1 * plan.unit_mg) * math.sqrt(2.0)
    half = plan.unit_mg / 2
    low, high = (half - residual_mg) / sigma, (half + residual_mg) / sigma
    return min(max(0.5 * (math.erf(low) + math.erf(high)), 0.0), 1.0)


def _hypotheses(
    plan: PlatePlan,
    point: ReadPoint,
    change: Change,
    readings: tuple[Count, Count],
    evidence: dict[str, object],
) -> tuple[Hypothesis, ...]:
    """Whole pieces about each reading of the change (alone, and less a neighbour's leak), and
    none: each as probable as its scatter makes it, all together one.
    """
    weights: dict[int, float] = {}
    for reading in readings:
        for pieces in {reading.pieces + step for step in (-1, 0, 1)} | {0}:
            residual_mg = reading.residual_mg + (reading.pieces - pieces) * plan.unit_mg
            weight = max(_sure(residual_mg, reading.sigma_mg, plan), 0.001)
            weights[pieces] = max(weights.get(pieces, 0.0), weight)
    every = sum(weights.values())
    found = []
    for pieces, weight in weights.items():
        sure = weight / every
        movement = _movement(plan, point, change, pieces, (evidence, sure))
        what = f"{abs(pieces)} of {plan.sku} {'put on' if pieces > 0 else 'taken'}"
        found.append(
            Hypothesis(
                says=what if pieces else "nothing was put on or taken",
                probability=sure,
                movements=(movement,) if movement else (),
            )
        )
    return ranked(found)


def _movement(
    plan: PlatePlan,
    point: ReadPoint,
    change: Change,
    count: int,
    judged: tuple[dict[str, object], float],
) -> Movement | None:
    if count == 0:
        return None
    evidence, confidence = judged
    picked = count < 0
    sold = point.outbound_to == "customer"
    step = ("retail_selling" if sold else "picking") if picked else "stocking"
    return Movement(
        id=derived_id("shelf", plan.read_point, plan.plate, plan.sku, count, change.cause),
        sku=plan.sku,
        quantity=abs(count),
        source=point.location if picked else point.inbound_from,
        destination=point.outbound_to if picked else point.location,
        biz_step=step,
        disposition="retail_sold" if picked and sold else "in_progress",
        event_time=change.event_time,
        origin="shelf",
        confidence=round(confidence, 4),
        causes=(change.cause,),
        evidence=evidence,
    )
