"""A scale's stream to levels at rest, and to what disturbs them.

Two ways lead to rest. The quick one: every sample of the last ``settle_s`` lies within the
tolerance and the scale does not say "in motion" for all of them. The patient one, for a
vibrating shelf whose single samples never agree: the means of four consecutive windows of
``settle_s`` agree. The scale's stable flag is evidence, not truth: scales differ in what they
call stable, and a hand that rests is as stable as a tin.

At rest a slow average follows drift, creep and warmth; a step away from it that is larger
than the tolerance is a disturbance, a slow walk is told as a new level without one.
"""

from __future__ import annotations

import enum
import statistics
from collections import deque
from collections.abc import Sequence

from drivers.readings import WeightReading, WeightStatus
from edge.fold.mass import division_mg, milligrams
from edge.fold.moments import Place, moment
from edge.fold.settings import FoldSettings
from gateway.contract import Observation, WeightDisturbed, WeightSettled

_FEWEST_SAMPLES = 4
_PATIENT_WINDOWS = 4
_MOST_SAMPLES = 1_000
_FOLLOW_S = 10.0
_FLOOR_SHARE = 0.1
_NOT_BELIEVABLE = {
    WeightStatus.OVERLOAD: "overload",
    WeightStatus.UNDERLOAD: "underload",
    WeightStatus.ERROR: "error",
}


class _State(enum.Enum):
    UNKNOWN = "unknown"
    REST = "rest"
    DISTURBED = "disturbed"


class _Sample:
    __slots__ = ("at_us", "mass_mg", "stable")

    def __init__(self, at_us: int, mass_mg: int, stable: bool | None) -> None:
        self.at_us = at_us
        self.mass_mg = mass_mg
        self.stable = stable


class WeightFolder:
    """One plate's weights, folded. Memory is bounded: a window of samples and a few means."""

    def __init__(self, place: Place, settings: FoldSettings, plate: int) -> None:
        self._place = place
        self._plate = plate
        self._settle_us = round(settings.settle_s * 1e6)
        self._held_us = round(settings.held_s * 1e6)
        self._repeat_us = round(settings.repeat_s * 1e6)
        self._smallest_mg = settings.min_change_g * 1_000
        self._tare_mg = None if settings.tare_g is None else round(settings.tare_g * 1_000)
        self._samples: deque[_Sample] = deque(maxlen=_MOST_SAMPLES)
        self._means: deque[float] = deque(maxlen=_PATIENT_WINDOWS)
        self._window_us = 0
        self._state = _State.UNKNOWN
        self._baseline_mg = self._told_mg = 0.0
        self._noise_mg = 0.0
        self._division_mg = 1
        self._told_us = self._last_us = 0
        self._disturbed_us: int | None = None
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
                continue
            mass = self._gross(reading)
            if mass is None:
                self._counts["weights_skipped"] += reading.status is not WeightStatus.BUSY
                continue
            self._calibration, self._zero = reading.calibration, reading.zero
            self._take(_Sample(arrived_us, mass, reading.stable), out)
        return out

    def tick(self, now_us: int) -> list[Observation]:
        """Tell a plate that stays disturbed: a hand lies on it, or something blocks it."""
        out: list[Observation] = []
        since = self._disturbed_us
        if since is not None and not self._held_told and now_us - since >= self._held_us:
            self._held_told = True
            last = self._samples[-1].mass_mg if self._samples else None
            out.append(self._disturbed("held", last, now_us))
        return out

    def reconnected(self) -> None:
        """The stream was interrupted: samples before and after do not belong together, and
        the level is told anew as soon as it rests.
        """
        self._forget_samples()
        if self._state is _State.REST:
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
        self._division_mg = division_mg(reading.value, reading.unit)
        if reading.net:
            if self._tare_mg is None:
                self._counts["net_as_sent"] += 1
            else:
                mass += self._tare_mg
        return mass

    def _tolerance_mg(self) -> float:
        return max(self._smallest_mg, 2.0 * self._division_mg, 4.0 * self._noise_mg)

    def _take(self, sample: _Sample, out: list[Observation]) -> None:
        if self._state is _State.REST and self._steps_away(sample):
            self._disturb("motion", sample.mass_mg, sample.at_us, out)
            self._forget_samples()
        elif self._state is _State.DISTURBED and self._reason in _NOT_BELIEVABLE.values():
            self._reason = "motion"  # believable again, and not yet at rest
        self._samples.append(sample)
        while self._samples[0].at_us < sample.at_us - self._settle_us:
            self._samples.popleft()
        if not self._is_window(sample.at_us):
            return
        masses = [one.mass_mg for one in self._samples]
        if self._state is _State.REST:
            self._follow(sample, masses, out)
        elif self._is_at_rest(sample.at_us, masses):
            self._settle(sample.at_us, masses, out)

    def _steps_away(self, sample: _Sample) -> bool:
        return abs(sample.mass_mg - self._baseline_mg) > self._tolerance_mg()

    def _is_window(self, now_us: int) -> bool:
        """Whether the samples held cover a whole window (nearly: samples have their own beat)."""
        covered = now_us - self._samples[0].at_us
        return len(self._samples) >= _FEWEST_SAMPLES and covered >= 0.75 * self._settle_us

    def _is_at_rest(self, now_us: int, masses: list[int]) -> bool:
        moving = all(one.stable is False for one in self._samples)
        tolerance = self._tolerance_mg()
        if max(masses) - min(masses) <= tolerance and not moving:
            return True
        if now_us - self._window_us < self._settle_us:
            return False
        self._window_us = now_us
        self._means.append(statistics.fmean(masses))
        agree = max(self._means) - min(self._means) <= tolerance
        if len(self._means) < _PATIENT_WINDOWS or not agree:
            return False
        self._noise_mg = max(self._noise_mg, statistics.pstdev(masses))
        return True

    def _settle(self, now_us: int, masses: list[int], out: list[Observation]) -> None:
        self._state = _State.REST
        self._baseline_mg = statistics.fmean(masses)
        self._tell(now_us, masses, out, self._disturbed_us)
        self._disturbed_us = None
        self._held_told = False
        self._reason = ""
        self._means.clear()

    def _follow(self, sample: _Sample, masses: list[int], out: list[Observation]) -> None:
        """At rest: follow slow changes, learn the noise, repeat the level now and then."""
        mean = statistics.fmean(masses)
        passed_s = max(0, sample.at_us - self._last_us) / 1e6
        self._last_us = sample.at_us
        self._baseline_mg += min(1.0, passed_s / _FOLLOW_S) * (mean - self._baseline_mg)
        self._noise_mg += _FLOOR_SHARE * (statistics.pstdev(masses) - self._noise_mg)
        drifted = abs(self._baseline_mg - self._told_mg) > self._smallest_mg
        if drifted or sample.at_us - self._told_us >= self._repeat_us:
            self._tell(sample.at_us, masses, out, None)

    # ---- telling -------------------------------------------------------------------------
    def _tell(
        self, now_us: int, masses: list[int], out: list[Observation], disturbed_us: int | None
    ) -> None:
        mean = statistics.fmean(masses)
        self._told_mg, self._told_us = mean, now_us
        self._last_us = now_us
        self._counts["settled"] += 1
        out.append(
            WeightSettled(
                device=self._place.device,
                read_point=self._place.read_point,
                event_time=moment(now_us),
                plate=self._plate,
                gross_mg=round(mean),
                std_mg=round(statistics.pstdev(masses)),
                samples=len(masses),
                disturbed_at=None if disturbed_us is None else moment(disturbed_us),
                calibration=self._calibration,
                zero=self._zero,
            )
        )

    def _disturb(self, reason: str, mass: int | None, at_us: int, out: list[Observation]) -> None:
        """Once per disturbance and reason."""
        if self._state is not _State.DISTURBED:
            self._state = _State.DISTURBED
            self._disturbed_us = at_us
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
        self._samples.clear()
        self._means.clear()
