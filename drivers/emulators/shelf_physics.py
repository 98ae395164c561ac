"""The physics of a shelf of load plates: what its cells feel, sixty times a second.

Modelled, each with its figure from real shelves where there is one: vibration of the plate (an
AR(2) process near 10 Hz, 2-7 g strong from plate to plate), footsteps that shake all of them
(16-56 g for a second or so), the electronics' noise, ringing after a change (half of it, dying
away with 0.22 s), the hand that presses or lifts for 0.2-0.8 s before the change, cross-talk (0.6
to 1.2 % of what is put on a plate weighs on its neighbours instead), creep (0.0245 % of the load,
within minutes: OIML R60's class C3), temperature (1.4 g per 5 K on a 20 kg cell, a wave a day), a
slow drift (5-10 g a day), hands that rest on a plate, offsets that slip when something bumps into
it, and plates that nobody ever zeroed.

Time is the number of samples taken, never a clock: the same seed and the same deeds between the
same samples give the same signal. One ``Shelf`` may carry many instruments at once.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, replace
from random import Random
from statistics import fmean, pstdev
from typing import NamedTuple

RATE_HZ = 60
RING_HZ, RING_DECAY_S = 10.0, 0.22
TRANSIENT_S = 4.0
CREEP_S = 450.0
DAY_S = 86_400.0
_POLE = 0.97
_BEHIND_MAX = 60 * RATE_HZ


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """How a shelf is troubled; all zero is a shelf of the mind. Grams unless it says otherwise.

    ``vibration_g`` is the median over plates of the signal's standard deviation, ``spread`` its
    logarithm's from plate to plate. ``crosstalk`` is the share that goes to each neighbour,
    half as much to the next but one. ``unzeroed`` is the share of plates with a zero of their
    own.
    """

    electronics_g: float = 0.18
    vibration_g: float = 5.0
    spread: float = 0.35
    footsteps_per_min: float = 2.5
    footstep_g: tuple[float, float] = (16.0, 56.0)
    press_g: tuple[float, float] = (8.0, 40.0)
    crosstalk: float = 0.012
    creep: float = 0.000245
    warming_g: float = 1.4
    drift_g_per_day: float = 7.0
    unzeroed: float = 0.15


SHOP = Noise()
"""A shop's shelf, as measured."""
BENCH = Noise(
    electronics_g=0.005,
    vibration_g=0.002,
    spread=0.0,
    footsteps_per_min=2.4,
    footstep_g=(0.2, 0.8),
    crosstalk=0.0,
    creep=0.0,
    warming_g=0.0,
    drift_g_per_day=0.0,
    unzeroed=0.0,
)
"""A good scale of 0.1 g on a firm bench."""


class Window(NamedTuple):
    """Some moments of a plate, as load-cell nodes send them."""

    mean_g: float
    std_g: float
    samples: int


class _Change(NamedTuple):
    at_s: float
    step_g: float
    press_g: float
    press_s: float


class _Hand(NamedTuple):
    at_s: float
    until_s: float
    weight_g: float
    turn: float


class _Plate:
    """One plate's state; its signal is computed by the shelf."""

    def __init__(self, noise: Noise, rng: Random) -> None:
        self.rng = rng
        self.load_g = self.settled_g = 0.0
        self.changes: list[_Change] = []
        self.crept: list[tuple[float, float]] = []
        self.hands: list[_Hand] = []
        self.behind: deque[float] = deque(maxlen=_BEHIND_MAX)
        self.taken = 0
        strength = noise.vibration_g * math.exp(noise.spread * rng.gauss(0.0, 1.0))
        turn = math.tau * rng.uniform(9.6, 10.4) / RATE_HZ
        self._a1, self._a2 = 2 * _POLE * math.cos(turn), -_POLE * _POLE
        # so that an AR(2) process pushed by 1 has a standard deviation of 1
        gain = (1 - self._a2) / ((1 + self._a2) * ((1 - self._a2) ** 2 - self._a1**2))
        self._push = 1 / math.sqrt(gain)
        self.strength_g = strength
        self._last = (0.0, 0.0)
        self.zero_g = rng.uniform(-4000, 4000) if rng.random() < noise.unzeroed else 0.0
        self.drift_g_per_s = rng.gauss(0.0, noise.drift_g_per_day) / DAY_S
        self.warming_g = noise.warming_g * rng.uniform(0.5, 1.0)

    def shake(self, push: float, strength_g: float) -> float:
        """The next value of the vibration, when the floor pushes by ``push`` (unit strength)."""
        last, before = self._last
        own = 0.6 * self.rng.gauss(0.0, 1.0) + 0.8 * push
        new = self._a1 * last + self._a2 * before + self._push * strength_g * own
        self._last = (new, last)
        return new


class Shelf:
    """``plates`` load plates beside each other, numbered from 0."""

    def __init__(self, plates: int, *, noise: Noise = SHOP, seed: int = 0) -> None:
        self.noise = noise
        self._rng = Random(f"shelf {seed}")  # noqa: S311 - physics, not secrets
        self._plates = [
            _Plate(noise, Random(f"shelf {seed} plate {n}"))  # noqa: S311
            for n in range(plates)
        ]
        self._samples = 0
        self._step_g = 0.0

    @property
    def now_s(self) -> float:
        """How much time has passed on the shelf."""
        return self._samples / RATE_HZ

    # ---- what people and floors do ------------------------------------------------------------
    def set_load_g(self, plate: int, load_g: float) -> float:
        """Let this mass lie on a plate: a hand comes, and the plate rings when it has gone.

        Gives the second at which the load is another, when the hand has pressed.
        """
        one = self._plates[plate]
        if load_g == one.load_g:
            return self.now_s
        low, high = self.noise.press_g
        press_g = one.rng.uniform(low, high) * one.rng.choice((-1, 1))
        step_g, one.load_g = load_g - one.load_g, load_g
        press_s = one.rng.uniform(0.2, 0.8)
        one.changes.append(_Change(self.now_s, step_g, press_g, press_s))
        return self.now_s + press_s

    def load_g(self, plate: int) -> float:
        """What lies on a plate: the truth."""
        return self._plates[plate].load_g

    def rest_hand(self, plate: int, weight_g: float, seconds: float) -> None:
        """Somebody leans on a plate for a while."""
        one = self._plates[plate]
        turn = one.rng.uniform(0.0, math.tau)
        one.hands.append(_Hand(self.now_s, self.now_s + seconds, weight_g, turn))

    def bump(self, plate: int, slip_g: float | None = None) -> None:
        """Somebody runs into a plate: it shakes, and its zero slips for good."""
        one = self._plates[plate]
        one.zero_g += one.rng.gauss(0.0, 15.0) if slip_g is None else slip_g
        self._step_g = max(self._step_g, self.noise.footstep_g[1])

    def footstep(self) -> None:
        """Somebody walks by."""
        self._step_g = max(self._step_g, self._rng.uniform(*self.noise.footstep_g))

    # ---- what the cells feel ------------------------------------------------------------------
    def raw(self, plate: int, samples: int) -> list[float]:
        """The next so many samples of a plate, in grams. What nobody takes within a minute of
        another plate's samples is lost.
        """
        one = self._plates[plate]
        while len(one.behind) < samples:
            self._advance()
        return [one.behind.popleft() for _ in range(samples)]

    def skip(self, seconds: float) -> None:
        """Let time pass with nobody listening: hours of it cost nothing."""
        self._samples += round(seconds * RATE_HZ)
        self._step_g = 0.0
        for one in self._plates:
            one.behind.clear()

    def window(self, plate: int, seconds: float = 0.2) -> Window:
        """Mean and spread of a plate's next moments."""
        values = self.raw(plate, max(1, round(seconds * RATE_HZ)))
        return Window(fmean(values), pstdev(values), len(values))

    def _advance(self) -> None:
        at_s = self.now_s
        self._samples += 1
        if self._rng.random() < self.noise.footsteps_per_min / 60 / RATE_HZ:
            self.footstep()
        self._step_g *= 1 - 2.5 / RATE_HZ
        push = self._rng.gauss(0.0, 1.0)
        pressed = [self._pressed_g(one, at_s) for one in self._plates]
        for number, one in enumerate(self._plates):
            leaks = [
                self.noise.crosstalk / abs(number - other)
                for other in range(len(pressed))
                if 0 < abs(number - other) <= 2
            ]
            felt = pressed[number] * (1 - sum(leaks))
            for other in (number - 2, number - 1, number + 1, number + 2):
                if 0 <= other < len(pressed):
                    felt += pressed[other] * self.noise.crosstalk / abs(number - other)
            felt += one.zero_g + one.drift_g_per_s * at_s
            felt += one.warming_g * math.sin(math.tau * at_s / DAY_S)
            felt += one.shake(push, one.strength_g + self._step_g)
            one.behind.append(felt + one.rng.gauss(0.0, self.noise.electronics_g))

    def _pressed_g(self, one: _Plate, at_s: float) -> float:
        """What presses on a plate: its load, the hands, the ringing and the creep."""
        total = one.settled_g
        for change in one.changes:
            since_s = at_s - change.at_s
            if since_s < change.press_s:
                total += change.press_g * math.sin(math.pi * since_s / change.press_s)
                continue
            since_s -= change.press_s
            ring = math.exp(-since_s / RING_DECAY_S) * math.cos(math.tau * RING_HZ * since_s)
            total += change.step_g * (1 + 0.5 * ring)
        self._settle(one, at_s)
        for began_s, step_g in one.crept:
            total += step_g * self.noise.creep * (1 - math.exp((began_s - at_s) / CREEP_S))
        for hand in one.hands:
            if at_s < hand.until_s:
                rise = min((at_s - hand.at_s) / 0.3, (hand.until_s - at_s) / 0.3, 1.0)
                wobble = 0.1 * math.sin(5.0 * at_s + hand.turn) + 0.05 * math.sin(13.0 * at_s)
                total += hand.weight_g * rise * (1 + wobble)
        return total

    def _settle(self, one: _Plate, at_s: float) -> None:
        """Changes that have rung out belong to the settled load; hands that left are forgotten."""
        done = [c for c in one.changes if at_s - c.at_s > TRANSIENT_S]
        if done:
            one.changes = [c for c in one.changes if at_s - c.at_s <= TRANSIENT_S]
            one.settled_g += sum(c.step_g for c in done)
            if self.noise.creep:
                one.crept += [(c.at_s, c.step_g) for c in done]
                # what began long ago has crept as far as it will
                old = [step_g for began_s, step_g in one.crept if at_s - began_s > 8 * CREEP_S]
                one.settled_g += sum(old) * self.noise.creep
                one.crept = [(s, g) for s, g in one.crept if at_s - s <= 8 * CREEP_S]
        one.hands = [hand for hand in one.hands if at_s < hand.until_s]


def quieter(noise: Noise, factor: float) -> Noise:
    """The same troubles, so many times as strong, but for cross-talk and zeros."""
    low, high = noise.footstep_g
    return replace(
        noise,
        electronics_g=noise.electronics_g * factor,
        vibration_g=noise.vibration_g * factor,
        footstep_g=(low * factor, high * factor),
    )
