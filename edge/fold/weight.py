"""A scale's stream to levels at rest, and to what disturbs them.

QUIET: the plate rests at its level, which follows drift, creep and warmth slowly. DISTURBED: a
window left the level by more than the plate's own noise allows, or many left it by a little.
SETTLING is the rest of a disturbance: the last windows must agree, and not be shaken, to be the
new level. What is noise is learned on each plate (``edge.fold.steadiness``). The scale's stable
flag is evidence, not truth: scales differ in what they call stable, and a hand that rests is as
stable as a tin.

A new level is told as soon as it stands, and once more when two seconds have made it surer: then it
tells whether it still lies there, and whether it is still shaken, as under a hand that rests. What
was shaken at first, or is not much more than noise, is told in between too: it is much surer soon.
"""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Sequence
from decimal import Decimal

from drivers.readings import WeightReading, WeightStatus
from edge.fold.mass import division_mg, milligrams
from edge.fold.moments import Place, moment
from edge.fold.settings import FoldSettings
from edge.fold.steadiness import Noise, Rest, Sample, SlowStep, Window, Windows, find_rest
from gateway.contract import Observation, WeightDisturbed, WeightSettled

_MOST_WINDOWS = 100
_FOLLOW_S = 5.0
_AVERAGED = 25
"""Windows that a fresh level is the mean of at most; then it follows by ``_FOLLOW_S``."""
_SOON_US, _SURER_US, _UNSURE = (400_000, 800_000), 2_000_000, 0.05
"""When a level is told again, and of which share of its step its error is too much to wait long."""
_SHAKEN_STEP = 2.5
"""A shaken plate's windows must go so much further to be a disturbance."""
_NOT_BELIEVABLE = {
    WeightStatus.OVERLOAD: "overload",
    WeightStatus.UNDERLOAD: "underload",
    WeightStatus.ERROR: "error",
}


class _State(enum.Enum):
    UNKNOWN = "unknown"
    QUIET = "quiet"
    DISTURBED = "disturbed"


class WeightFolder:
    """One plate's weights, folded. Memory is bounded: some windows and a few means."""

    def __init__(self, place: Place, settings: FoldSettings, plate: int) -> None:
        self._place = place
        self._plate = plate
        self._settle_s = settings.settle_s
        self._held_us = round(settings.held_s * 1e6)
        self._repeat_us = round(settings.repeat_s * 1e6)
        self._smallest_mg = settings.min_change_g * 1_000
        self._tare_mg = None if settings.tare_g is None else round(settings.tare_g * 1_000)
        self._noise = Noise(self._smallest_mg)
        self._making = Windows()
        self._windows: deque[Window] = deque(maxlen=_MOST_WINDOWS)
        self._slow = SlowStep()
        self._state = _State.UNKNOWN
        self._level_mg = self._told_mg = 0.0
        self._error_mg = 0.0
        self._averaged = 0
        self._surer_us: int | None = None
        self._rested_us = 0
        self._tells_again = False
        self._told_us = self._last_us = 0
        self._disturbed_us: int | None = None
        self._before_mg: float | None = None
        self._lowest_mg = self._highest_mg = 0.0
        self._last_mg: int | None = None
        self._reason = ""
        self._held_told = False
        self._calibration: int | None = None
        self._zero: bool | None = None
        self._counts = dict.fromkeys(
            ("weights", "weights_skipped", "net_as_sent", "settled", "disturbed"), 0
        )

    def feed(self, readings: Sequence[WeightReading], arrived_us: int) -> list[Observation]:
        """Fold weights that arrived now (scales send no times of their own)."""
        out: list[Observation] = []
        for reading in readings:
            self._counts["weights"] += 1
            reason = _NOT_BELIEVABLE.get(reading.status)
            if reason is not None:
                self._disturb(reason, None, arrived_us, out)
                self._forget_samples()
                self._last_mg = None
                continue
            mass = self._gross(reading)
            if mass is None:
                self._counts["weights_skipped"] += reading.status is not WeightStatus.BUSY
                continue
            self._calibration, self._zero = reading.calibration, reading.zero
            spread = _spread_mg(reading)
            self._take(Sample(arrived_us, mass, reading.stable, spread), out)
        return out

    def tick(self, now_us: int) -> list[Observation]:
        """Tell a plate that stays disturbed: a hand lies on it, or something blocks it."""
        out: list[Observation] = []
        since = self._disturbed_us
        if since is not None and not self._held_told and now_us - since >= self._held_us:
            self._held_told = True
            out.append(self._disturbed("held", self._last_mg, now_us))
        return out

    def reconnected(self) -> None:
        """The stream was interrupted: samples before and after do not belong together, and
        the level is told anew as soon as it rests.
        """
        self._forget_samples()
        if self._state is _State.QUIET:
            self._state = _State.UNKNOWN

    def counters(self) -> dict[str, int]:
        """Monotonic counters for health."""
        return dict(self._counts)

    # ---- one sample ----------------------------------------------------------------------
    def _gross(self, reading: WeightReading) -> int | None:
        if reading.value is None or reading.tare or reading.status is not WeightStatus.OK:
            return None
        mass = milligrams(reading.value, reading.unit)
        if mass is None:
            return None
        self._noise.divide(division_mg(reading.value, reading.unit))
        if reading.net:
            if self._tare_mg is None:
                self._counts["net_as_sent"] += 1
            else:
                mass += self._tare_mg
        return mass

    def _take(self, sample: Sample, out: list[Observation]) -> None:
        self._last_mg = sample.mass_mg
        if self._state is _State.DISTURBED and self._reason in _NOT_BELIEVABLE.values():
            self._reason = "motion"  # believable again, and not yet at rest
        away = abs(sample.mass_mg - self._level_mg)
        if self._state is _State.QUIET and away > self._noise.sample_mg:
            self._disturb("motion", sample.mass_mg, sample.at_us, out)
            self._forget_samples()
        window = self._making.add(sample)
        if window is None:
            return
        if self._state is _State.QUIET:
            self._quiet(window, out)
            return
        self._keep(window)
        step_mg = window.mean_mg - self._level_mg if self._noise.is_known else 0.0
        rest = find_rest(self._windows, self._noise, step_mg, self._settle_s)
        if rest is not None:
            self._settle(rest, out)

    def _quiet(self, window: Window, out: list[Observation]) -> None:
        """Follow slow changes, learn the noise, find what leaves the level."""
        away = window.mean_mg - self._level_mg
        shaken = self._noise.is_shaken(window)
        if abs(away) > self._noise.step_mg * (_SHAKEN_STEP if shaken else 1.0):
            self._leave(window.at_us, window, out)
            return
        if shaken:
            return
        self._noise.learn(window, away)
        sd_mg = max(self._noise.mean_sd_mg, 1.2 * self._smallest_mg)
        if self._slow.add(window.at_us, away / sd_mg):
            self._leave(self._slow.since_us, window, out)
            return
        self._follow(window, away)
        self._repeat(window, out)

    def _leave(self, since_us: int, window: Window, out: list[Observation]) -> None:
        self._disturb("motion", round(window.mean_mg), since_us, out)
        self._windows.clear()
        self._keep(window)

    def _keep(self, window: Window) -> None:
        """One window of a disturbance."""
        self._windows.append(window)
        self._lowest_mg = min(self._lowest_mg, window.mean_mg)
        self._highest_mg = max(self._highest_mg, window.mean_mg)

    def _follow(self, window: Window, away_mg: float) -> None:
        passed_s = max(0, window.at_us - self._last_us) / 1e6
        self._last_us = window.at_us
        share = min(1.0, passed_s / _FOLLOW_S)
        if self._averaged < _AVERAGED:
            self._averaged += 1
            share = max(share, 1.0 / self._averaged)
            self._error_mg = self._noise.mean_sd_mg / self._averaged**0.5
        self._level_mg += share * away_mg

    def _repeat(self, window: Window, out: list[Observation]) -> None:
        """Tell a level that has become surer, that drifted, or that was not told for long."""
        changed = abs(self._level_mg - self._told_mg)
        surer = self._surer_us is not None and window.at_us >= self._surer_us
        if surer:
            later = (self._rested_us + one for one in (*_SOON_US, _SURER_US))
            self._surer_us = next((one for one in later if one > window.at_us), None)
        if (
            (surer and (self._tells_again or changed > self._error_mg))
            or changed > max(self._smallest_mg, 2.0 * self._noise.mean_sd_mg)
            or window.at_us - self._told_us >= self._repeat_us
        ):
            self._tell(window, window.samples, None, out)

    def _settle(self, rest: Rest, out: list[Observation]) -> None:
        self._noise.settle(rest.windows)
        self._state = _State.QUIET
        self._level_mg, self._error_mg = rest.mean_mg, rest.error_mg
        self._averaged = len(rest.windows)
        last = rest.windows[-1]
        self._last_us = last.at_us
        loud = self._noise.is_shaken(last) or rest.is_restless(self._noise)
        before_mg = rest.mean_mg if self._before_mg is None else self._before_mg
        step_mg = abs(rest.mean_mg - before_mg)
        self._tells_again = loud or step_mg > self._noise.step_mg
        unsure = loud or (self._tells_again and rest.error_mg > _UNSURE * step_mg)
        self._rested_us = last.at_us
        self._surer_us = last.at_us + (_SOON_US[0] if unsure else _SURER_US)
        self._tell(last, sum(one.samples for one in rest.windows), self._disturbed_us, out)
        self._disturbed_us = self._before_mg = None
        self._held_told = False
        self._reason = ""
        self._windows.clear()
        self._slow.clear()

    # ---- telling -------------------------------------------------------------------------
    def _tell(
        self, window: Window, samples: int, disturbed_us: int | None, out: list[Observation]
    ) -> None:
        self._told_mg, self._told_us = self._level_mg, window.at_us
        self._counts["settled"] += 1
        before = self._before_mg if disturbed_us is not None else None
        stepped_us = None if before is None else self._stepped_us(before)
        spread = self._noise.mean_sd_mg if window.spread_mg is None else window.spread_mg
        out.append(
            WeightSettled(
                device=self._place.device,
                read_point=self._place.read_point,
                event_time=moment(window.at_us),
                plate=self._plate,
                gross_mg=round(self._level_mg),
                std_mg=round(spread),
                error_mg=round(self._error_mg),
                before_mg=None if before is None else round(before),
                samples=samples,
                disturbed_at=None if disturbed_us is None else moment(disturbed_us),
                stepped_at=None if stepped_us is None else moment(stepped_us),
                lowest_mg=None if before is None else round(self._lowest_mg),
                highest_mg=None if before is None else round(self._highest_mg),
                calibration=self._calibration,
                zero=self._zero,
            )
        )

    def _stepped_us(self, before_mg: float) -> int:
        """When the load became another: the last window nearer to the old level than the new."""
        old = [
            one.at_us
            for one in self._windows
            if abs(one.mean_mg - before_mg) < abs(one.mean_mg - self._level_mg)
        ]
        return max([self._disturbed_us or 0, *old])

    def _disturb(self, reason: str, mass: int | None, at_us: int, out: list[Observation]) -> None:
        """Once per disturbance and reason."""
        if self._state is not _State.DISTURBED:
            self._before_mg = self._level_mg if self._state is _State.QUIET else None
            self._state = _State.DISTURBED
            self._disturbed_us = at_us
            self._lowest_mg = self._highest_mg = self._level_mg
            self._held_told = False
        elif self._reason == reason:
            return
        self._reason = reason
        out.append(self._disturbed(reason, mass, at_us))

    def _disturbed(self, reason: str, mass: int | None, at_us: int) -> WeightDisturbed:
        self._counts["disturbed"] += 1
        return WeightDisturbed(
            device=self._place.device,
            read_point=self._place.read_point,
            event_time=moment(at_us),
            plate=self._plate,
            reason=reason,
            gross_mg=mass,
        )

    def _forget_samples(self) -> None:
        self._making.forget()
        self._windows.clear()
        self._slow.clear()


def _spread_mg(reading: WeightReading) -> float | None:
    if reading.spread is None:
        return None
    spread = milligrams(Decimal(reading.spread), reading.unit)
    return None if spread is None else float(spread)
