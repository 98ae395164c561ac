"""The plates of a shelf together: what one's load does to the others.

Only differences between two levels at rest count: real plates are not zeroed. A plate's slow
changes (creep, warmth, drift) are followed and never become stock.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from central.database.moments import to_us
from central.reconcile.shelf import zero
from central.reconcile.shelf.beliefs import Shown, unit_of
from central.reconcile.shelf.leaks import REACH, Common, Leak, leak_at
from central.reconcile.shelf.odds import Reading
from central.reconcile.shelf.plate import Change, Moved, Plate, plate_at
from central.reconcile.verdict import Ignored, Logged, PlatePlan, Verdict
from gateway.contract import WeightDisturbed, WeightSettled

BEFORE_US, LONG_BEFORE_US = 400_000, 1_500_000
"""A neighbour's step so long before a disturbance is what disturbed, or may still be: what leaks
is small, and a small change is noticed late.
"""
SETTLING_US = 500_000
"""A level is the mean of so long: a step within is in it by a part."""
TOGETHER_US = 450_000
"""Steps of one cause come within this; windows end every 0.2 s."""
PATIENCE_US = 20_000_000
UNSETTLED_MG = 1_500_000.0
HEAVY_HAND = 0.2
"""What may weigh on a plate that is not at rest: a hand, a crate (SD), and how often one does;
else it is but shaken.
"""
LEAKS_FROM, LEAKED_AT_MOST, LEAKS_LEAST = 15.0, 0.016, 0.2
"""A plate's change may be a leak of one so many times as large; what may leak is at most this
share of a load, and matters when it is this share of a piece.
"""
RESTED_US, LEAVING_US = 1_500_000, 1_200_000
"""A hand rests longer than a footstep shakes, and when it has left a plate, its neighbours are
weighed anew within this.
"""
LATE_LEAK, RESTING_US = 2.0, 400_000
"""What began to leak so shortly before a plate's level stood is in it by no more than this many
times the level's error (SD): its last means agreed.
"""
_MAYBE_IN = 0.5


class Load(NamedTuple):
    """What moved on plate ``other``, and whether surely before another's new level was weighed."""

    other: int
    load_mg: float
    variance: float
    surely: bool


class Shelf(msgspec.Struct):
    """All plates of one read point, and the shares of a load that they leak to each other."""

    plates: dict[int, Plate] = {}
    common: Common = Common()
    shown: Shown = Shown()

    def restart(self, device: str) -> None:
        """A device came up anew: its next level may have lost its zero."""
        for plate in self.plates.values():
            if plate.device == device:
                plate.restarted = True

    def disturb(self, seen: WeightDisturbed) -> str:
        """Never a movement; says why it was looked at for nothing."""
        plate = self.plates.get(seen.plate)
        if plate is not None and plate.disturbed_us is None:
            plate.disturbed_us = to_us(seen.event_time)
        return {"held": "something rests on the plate"}.get(seen.reason, seen.reason)

    def settle(self, logged: Logged, seen: WeightSettled, plan: PlatePlan) -> Verdict:
        """A plate came to rest: a change to be decided, or a drift to be followed."""
        plate = self.plates.get(seen.plate)
        if plate is None or not plate.is_planned(plan):
            reason = "baseline" if plate is None else "baseline: another item lies here now"
            self.plates[seen.plate] = plate_at(seen, plan, self.shown)
            zero.knows_zero(self.plates[seen.plate], seen)
            return Verdict(ignored=(Ignored(log_id=logged.log_id, reason=reason),))
        plate.device = seen.device
        plate.disturbed_us = None
        if plate.change is None and plate.follows(seen):
            zero.knows_zero(plate, seen)
            reason = "the level drifts: followed"
            return Verdict(
                ignored=(Ignored(log_id=logged.log_id, reason=reason),),
                rezeroed=zero.rezero(plate, seen.plate, seen.read_point, logged),
            )
        plate.change_to(logged, seen)
        return Verdict()

    # ---- what leaks --------------------------------------------------------------------------
    def readings(self, number: int, now_us: int) -> list[Reading]:
        """A plate's undecided change less what its neighbours leaked into it: once with all of
        them in it, and once without those that may have come after it.
        """
        plate = self.plates[number]
        change = plate.change
        assert change is not None
        loads = self.loads(number, change.from_us, change.at_us)
        ways = [(loads, _MAYBE_IN), ([one for one in loads if one.surely], 1.0 - _MAYBE_IN)]
        if len(ways[1][0]) == len(loads):
            ways = [(loads, 1.0)]
        unsettled = self.unsettled(number, now_us)
        if not unsettled:
            return [self._reading(number, those, 0.0, weight) for those, weight in ways]
        early = sum(self.may_have_moved(number, other) for other in unsettled)
        late = len(unsettled) - early
        heavy_var = early * self._heavy_var() + late * (LATE_LEAK * change.error_mg) ** 2
        return [
            self._reading(number, those, blur, weight * often)
            for those, weight in ways
            for blur, often in ((0.0, 1.0 - HEAVY_HAND), (heavy_var, HEAVY_HAND))
        ]

    def _reading(self, number: int, loads: list[Load], blur: float, weight: float) -> Reading:
        """The change less the leaks of these loads. They are measured, not counted: what they
        themselves felt of others is of the second order.
        """
        moved_mg, alone = self.plates[number].load()
        alone += blur
        near_mg = far_mg = 0.0
        for one in loads:
            leak = self.leak(number, one.other)
            is_next = abs(number - one.other) == 1
            share = leak.share + (self.common.near if is_next else self.common.far)
            near_mg += one.load_mg if is_next else 0.0
            far_mg += 0.0 if is_next else one.load_mg
            moved_mg -= leak.share * one.load_mg
            alone += leak.variance * one.load_mg**2 + share**2 * one.variance
        moved_mg -= self.common.felt(near_mg, far_mg)
        variance = alone + self.common.doubt(near_mg, far_mg)
        return Reading(moved_mg, variance, weight, near_mg, far_mg, alone)

    def felt(self, number: int, seen: WeightSettled) -> tuple[float, float]:
        """What a plate that came to this level felt of its neighbours, and the variance of that."""
        at_us = to_us(seen.event_time)
        loads = self.loads(number, to_us(seen.disturbed_at or seen.event_time), at_us)
        near_mg = sum(one.load_mg for one in loads if abs(number - one.other) == 1)
        far_mg = sum(one.load_mg for one in loads) - near_mg
        felt_mg = self.common.felt(near_mg, far_mg)
        variance = self.common.doubt(near_mg, far_mg)
        variance += sum(self.leak(number, one.other).variance * one.load_mg**2 for one in loads)
        restless = [other for other in self.near(number) if self.is_disturbed(other, at_us)]
        return felt_mg, variance + len(restless) * self._heavy_var()

    def loads(self, number: int, from_us: int, at_us: int) -> list[Load]:
        """What moved near by while a plate changed."""
        first_us, last_us = from_us - BEFORE_US, at_us - SETTLING_US
        weighed_us = self.plates[number].weighed_us - SETTLING_US
        began_us = min(first_us, max(from_us - LONG_BEFORE_US, weighed_us))
        return [
            Load(other, one.load_mg, one.variance, first_us <= one.step_us <= last_us)
            for other in self.near(number)
            for one in self.plates[other].moved
            if began_us <= one.step_us <= at_us
        ]

    def _heavy_var(self) -> float:
        """What a heavy load on a plate that is not at rest leaks to the next, as a variance."""
        return (self.common.near**2 + self.common.near_var) * UNSETTLED_MG**2

    def leak(self, number: int, other: int) -> Leak:
        """How plate ``number`` deviates from the shelf in what it feels of ``other``."""
        leaks = self.plates[number].leaks
        if other not in leaks:
            leaks[other] = leak_at(abs(number - other))
        return leaks[other]

    def learn_leak(self, number: int, reading: Reading, counted_mg: float, variance: float) -> None:
        """A change was certainly so much of pieces, with their variance: the rest was leaked."""
        change = self.plates[number].change
        assert change is not None
        away_mg = reading.moved_mg - counted_mg
        total = reading.variance + variance
        loads = self.loads(number, change.from_us, change.at_us)
        if len(loads) == 1:
            self.leak(number, loads[0].other).learn(loads[0].load_mg, away_mg, total)
        noise = reading.alone + variance
        told = self.common.told(reading.near_mg, reading.far_mg, away_mg, noise)
        self.common = told.bounded()

    def learn_unit(self, number: int, pieces: int, reading: Reading) -> None:
        """So many pieces were certainly weighed so. A lane's first teach what is expected of
        those that were never weighed.
        """
        unit = self.plates[number].unit
        is_first = not unit.seen
        if is_first:
            self.shown = self.shown.told(unit, reading.moved_mg, pieces, reading.variance)
        unit.learn(reading.moved_mg, pieces, reading.variance)
        for plate in self.plates.values():
            if is_first and not plate.unit.seen:
                plate.unit = unit_of(plate.unit.planned_mg, plate.unit.planned_cv, self.shown)

    # ---- who is at rest ----------------------------------------------------------------------
    def near(self, number: int) -> list[int]:
        """The plates whose loads a plate feels."""
        around = range(number - REACH, number + REACH + 1)
        return [n for n in around if n != number and n in self.plates]

    def unsettled(self, number: int, now_us: int) -> list[int]:
        """Plates near by that are not at rest and may yet leak, or that something rested on
        while this one was weighed and has only just left.
        """
        return [
            other
            for other in self.near(number)
            if self._may_leak(number, other, now_us) or self._just_left(number, other, now_us)
        ]

    def may_have_moved(self, number: int, other: int) -> bool:
        """Whether a plate that is not at rest may have moved this one: it was so before this one
        came to rest.
        """
        change, since = self.plates[number].change, self.plates[other].disturbed_us
        assert change is not None
        return since is None or since < change.at_us - RESTING_US

    def is_disturbed(self, number: int, now_us: int) -> bool:
        """Whether a plate is not at rest, nor given up."""
        since = self.plates[number].disturbed_us
        return since is not None and now_us - since < PATIENCE_US

    def _may_leak(self, number: int, other: int, now_us: int) -> bool:
        """Whether another plate is not at rest, and was not when this one was weighed."""
        change, since = self.plates[number].change, self.plates[other].disturbed_us
        before = change is None or since is None or since <= change.at_us
        return before and self.is_disturbed(other, now_us)

    def _just_left(self, number: int, other: int, now_us: int) -> bool:
        change, returned = self.plates[number].change, self.plates[other].returned
        if change is None or returned is None or now_us - returned.at_us > LEAVING_US:
            return False
        own_mg = LEAKS_LEAST * self.plates[number].unit.mean_mg
        if returned.away_mg is not None and LEAKED_AT_MOST * returned.away_mg < own_mg:
            return False
        is_long = returned.at_us - returned.from_us >= RESTED_US
        return is_long and returned.from_us <= change.at_us <= returned.at_us

    def heavier(self, number: int, change: Change) -> list[Moved]:
        """Heavier changes near by that one came with, which may be all there was to it."""
        return self._heavier_on(self.near(number), number, change)

    def is_shaken(self, number: int, change: Change) -> bool:
        """Whether it came with a heavier change further away, which leaks nothing but may have
        shaken the whole shelf.
        """
        return bool(self._heavier_on(self._further(number), number, change))

    def may_be_shaken(self, number: int, now_us: int) -> bool:
        """Whether a plate further away left its rest with this one, so that it may turn out so."""
        change = self.plates[number].change
        assert change is not None
        return any(
            (self.plates[other].disturbed_us or 0) > change.from_us - LONG_BEFORE_US
            for other in self._further(number)
            if self._may_leak(number, other, now_us)
        )

    def _further(self, number: int) -> list[int]:
        near = self.near(number)
        return [other for other in self.plates if other != number and other not in near]

    def _heavier_on(self, others: Sequence[int], number: int, change: Change) -> list[Moved]:
        own_mg = abs(self.plates[number].load()[0])
        return [
            one
            for other in others
            for one in self.plates[other].moved
            if abs(one.step_us - change.step_us) <= TOGETHER_US
            and abs(one.load_mg) > LEAKS_FROM * own_mg
        ]
