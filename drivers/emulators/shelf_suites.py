"""Suites of emulated shelves: which plates, whose items, what people do, and the truth.

Every number of a suite's split is another shelf (its plates' noise, leaks, items and pieces) and
another two minutes at it, with what was begun in them, drawn from the three words alone, so that
training and testing never share a shelf. ``standard`` has the noise measured on a real shelf and
people who take and put back; ``hard`` adds plates changed in the same second, hands that rest,
foreign things, pieces put back on another item's plate, stronger leaks and more footsteps.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from random import Random
from typing import Literal, NamedTuple

from drivers.emulators.shelf_physics import CREEP_S, DAY_S, RATE_HZ, SHOP, Noise, Shelf

Suite = Literal["standard", "hard"]
Split = Literal["train", "test"]
UNITS_G = (5.0, 5.0, 10.0, 20.0, 35.0, 60.0, 120.0, 250.0, 600.0, 1200.0)
"""Pieces of shops and workshops; the light ones twice, since they are the hard ones."""
SETTLED_S = 600.0
BEGIN_S, EPISODE_S, APART_S = 8.0, 120.0, 7.0
PLAYED_OUT_S = 10.0
"""What is done late is still heard to come to rest."""


class Lane(NamedTuple):
    """One plate's item: a piece's mass in g, its relative SD, and how many lie there at first."""

    item: str
    unit_g: float
    unit_cv: float
    pieces: int


class Deed(NamedTuple):
    """Something done at ``t``: ``move`` so many pieces (``amount``), lay a ``strange`` thing of
    ``amount`` g, or rest a ``hand`` of ``amount`` g for ``seconds``.
    """

    t: float
    kind: Literal["move", "strange", "hand"]
    plate: int
    amount: float
    seconds: float = 0.0


class Sample(NamedTuple):
    """What a plate's instrument says: ``std_g`` where it sends windows, None for raw samples."""

    t: float
    plate: int
    gross_g: float
    std_g: float | None


class Truth(NamedTuple):
    """Pieces really moved: at ``t``, when the load became another."""

    t: float
    plate: int
    quantity: int


@dataclass
class Staged:
    """A shelf and what is about to happen there. ``window`` samples of ``RATE_HZ`` make one."""

    lanes: list[Lane]
    noise: Noise
    deeds: list[Deed]
    window: int
    seed: str
    ends_s: float = EPISODE_S
    truths: list[Truth] = field(default_factory=list)

    def play(self) -> Iterator[Sample]:
        """Everything the instruments say; ``truths`` is filled meanwhile."""
        rng = Random(f"pieces {self.seed}")  # noqa: S311 - chance, not secrets
        shelf = Shelf(len(self.lanes), noise=self.noise, seed=rng.getrandbits(48))
        for plate, lane in enumerate(self.lanes):
            shelf.set_load_g(plate, _mass_g(lane, lane.pieces, rng))
        shelf.skip(SETTLED_S)
        waiting = sorted(self.deeds, reverse=True)
        while (now_s := shelf.now_s - SETTLED_S) < self.ends_s:
            while waiting and waiting[-1].t <= now_s:
                self._do(waiting.pop(), shelf, rng)
            for plate in range(len(self.lanes)):
                seen = shelf.window(plate, self.window / RATE_HZ)
                told = seen.std_g if self.window > 1 else None
                yield Sample(now_s + self.window / RATE_HZ, plate, seen.mean_g, told)

    def _do(self, deed: Deed, shelf: Shelf, rng: Random) -> None:
        if deed.kind == "hand":
            shelf.rest_hand(deed.plate, deed.amount, deed.seconds)
            return
        more_g = deed.amount
        if deed.kind == "move":
            more_g = _mass_g(self.lanes[deed.plate], round(deed.amount), rng)
        at_s = shelf.set_load_g(deed.plate, shelf.load_g(deed.plate) + more_g) - SETTLED_S
        if deed.kind == "move":
            self.truths.append(Truth(at_s, deed.plate, round(deed.amount)))


def _mass_g(lane: Lane, pieces: int, rng: Random) -> float:
    """So many pieces' mass, each of its own; negative for pieces taken away."""
    mass = sum(rng.gauss(lane.unit_g, lane.unit_cv * lane.unit_g) for _ in range(abs(pieces)))
    return mass if pieces > 0 else -mass


def episode(suite: Suite, split: Split, number: int) -> Staged:
    """The shelf of that number and its two minutes."""
    seed = f"{suite} {split} {number}"
    rng = Random(f"shelf {seed}")  # noqa: S311 - chance, not secrets
    lanes = [_lane(n, rng) for n in range(rng.randint(4, 7))]
    hard = suite == "hard"
    noise = replace(
        SHOP,
        crosstalk=rng.uniform(0.005, 0.018 if hard else 0.012),
        footsteps_per_min=rng.uniform(2.0, 8.0 if hard else 4.0),
        vibration_g=rng.uniform(3.0, 7.0 if hard else 5.0),
    )
    deeds = _deeds(lanes, rng, hard=hard)
    last_s = max((deed.t + deed.seconds for deed in deeds), default=0.0)
    return Staged(
        lanes=lanes,
        noise=noise,
        deeds=deeds,
        window=rng.choice((1, 6, 12, 12)),
        seed=seed,
        ends_s=max(EPISODE_S, last_s + PLAYED_OUT_S),
    )


def idle(hours: float, lanes: list[Lane], seed: str) -> Iterator[Sample]:
    """So many hours at which nobody touches a thing, as windows of 0.2 s: the noise, drift,
    creep and warmth of ``shelf_physics``, drawn as the windows' means and spreads that its
    samples would have, since a day has five million samples a plate.
    """
    rng = Random(f"idle {seed}")  # noqa: S311 - chance, not secrets
    loads = [_mass_g(lane, lane.pieces, rng) for lane in lanes]
    spreads = [SHOP.vibration_g * rng.lognormvariate(0.0, SHOP.spread) for _ in lanes]
    drifts = [rng.choice((-1, 1)) * rng.uniform(5.0, 10.0) / DAY_S for _ in lanes]
    slow = [0.0] * len(lanes)
    step_g = 0.0
    for window in range(round(hours * 3_600 / 0.2)):
        t = (window + 1) * 0.2
        step_g *= 0.6
        if rng.random() < SHOP.footsteps_per_min * 0.2 / 60:
            step_g = rng.uniform(*SHOP.footstep_g)
        warming_g = SHOP.warming_g * math.sin(math.tau * t / DAY_S)
        for plate, load_g in enumerate(loads):
            spread_g = spreads[plate] * rng.lognormvariate(0.0, 0.35) + step_g * rng.random()
            # the part of a mean's noise that outlasts a window, a fifth of it
            slow[plate] = 0.8 * slow[plate] + rng.gauss(0.0, 0.02 * spreads[plate])
            crept_g = load_g * SHOP.creep * (1 - math.exp(-t / CREEP_S))
            mean_g = load_g + crept_g + warming_g + drifts[plate] * t + slow[plate]
            yield Sample(t, plate, mean_g + rng.gauss(0.0, 0.12 * spread_g), spread_g)


def _lane(number: int, rng: Random) -> Lane:
    unit_g = rng.choice(UNITS_G) * rng.uniform(1.0, 1.3)
    cv = rng.choice((0.0, 0.005, 0.01, 0.02, 0.03))
    pieces = rng.randint(6, max(8, min(60, round(8_000 / unit_g))))
    return Lane(f"SKU-{number + 1}", round(unit_g, 3), cv, pieces)


def _deeds(lanes: list[Lane], rng: Random, *, hard: bool) -> list[Deed]:
    """Somebody does something every seven seconds or more, until it is nearly over."""
    deeds: list[Deed] = []
    left = [lane.pieces for lane in lanes]
    t = BEGIN_S + rng.uniform(0.0, 2.0)
    while t < EPISODE_S - 14.0:
        plate = rng.randrange(len(lanes))
        kind = rng.random() if hard else 0.0
        if kind < 0.6:
            deeds.append(_move(t, plate, left, rng))
        elif kind < 0.75:
            two = rng.sample(range(len(lanes)), 2)
            deeds.extend(_move(t + rng.uniform(0.0, 1.5), other, left, rng) for other in two)
        elif kind < 0.85:
            deeds.append(
                Deed(t, "hand", plate, rng.uniform(200.0, 2_500.0), rng.uniform(2.0, 12.0))
            )
            t += 12.0
        elif kind < 0.93:
            other = (plate + rng.randint(1, len(lanes) - 1)) % len(lanes)
            deeds.extend(_misplace(t, (plate, other), lanes[plate]))
            t += 32.0
        else:
            strange_g = rng.uniform(30.0, 700.0)
            deeds.append(Deed(t, "strange", plate, strange_g))
            deeds.append(Deed(t + 16.0, "strange", plate, -strange_g))
            t += 16.0
        t += APART_S + rng.uniform(0.0, 4.0)
    return [deed for deed in deeds if deed.amount]


def _move(t: float, plate: int, left: list[int], rng: Random) -> Deed:
    many = rng.choice((1, 1, 1, 2, 3, 5))
    quantity = many if left[plate] < many or rng.random() < 0.35 else -many
    left[plate] += quantity
    return Deed(t, "move", plate, quantity)


def _misplace(t: float, plates: tuple[int, int], lane: Lane) -> list[Deed]:
    """One is taken, put down on another item's plate, and brought home again later."""
    home, other = plates
    return [
        Deed(t, "move", home, -1),
        Deed(t + 8.0, "strange", other, lane.unit_g),
        Deed(t + 24.0, "strange", other, -lane.unit_g),
        Deed(t + 32.0, "move", home, 1),
    ]
