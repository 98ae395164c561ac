"""Docks and hours drawn at random, in suites: what accuracy is trained and tested on.

``standard`` is a portal as it should be built: antennas apart and turned, goods in cartons, some
strays, labels that work. ``hard`` is as portals are found: antennas in one plane, liquids, a crowd
of strays, an older reader between steel, dead labels. ``wild`` is neither: every kind of portal,
wider than any site, to train on (``portal_wild``). ``small`` is a shop's door: a few cases at a
time, few strays, quiet hours (``portal_small``). Each has layouts for ``train`` and for ``test``,
drawn from seeds of their own, so that no layout is in both. Everything is drawn from (suite, split,
number) alone.
"""

from __future__ import annotations

from random import Random
from typing import Literal, NamedTuple

from drivers.emulators.portal_scene import Antenna
from drivers.emulators.portal_small import small_layout, small_moves, small_reception
from drivers.emulators.portal_traffic import (
    Carrier,
    Goods,
    Heap,
    Kind,
    Layout,
    Move,
    Staged,
    sample_epcs,
    stage,
)
from drivers.emulators.portal_wild import Reception, wild_layout, wild_moves, wild_reception

Suite = Literal["standard", "hard", "wild", "small"]
_Dock = Literal["standard", "hard"]
Split = Literal["train", "test"]


class _Habits(NamedTuple):
    split_m: tuple[float, float]
    yaw_deg: tuple[float, float]
    echoes_db: tuple[float, float]
    strays: tuple[int, int]
    speed_m_s: tuple[float, float]
    goods: tuple[Goods, ...]
    unreadable: tuple[float, ...]


_HABITS: dict[_Dock, _Habits] = {
    "standard": _Habits(
        (0.4, 0.5),
        (20.0, 30.0),
        (13.0, 17.0),
        (10, 90),
        (0.6, 2.6),
        ("cartons", "cartons", "mixed"),
        (0.0, 0.0, 0.0, 0.0),
    ),
    "hard": _Habits(
        (0.1, 0.2),
        (0.0, 5.0),
        (11.0, 14.0),
        (60, 200),
        (1.0, 3.2),
        ("cartons", "mixed", "liquid"),
        (0.0, 0.0, 0.01, 0.03),
    ),
}
_KINDS: tuple[Kind, ...] = (
    "pass", "pass", "pass", "pass", "turn-back", "return", "walk-by", "next-door", "park",
)  # fmt: skip
_LEANING = 0.15
"""So many of the strays lean at the pillars."""
BEHIND_DB = (4.0, 16.0)
"""The others stand behind something that takes so much, one way."""


def layout(suite: Suite, split: Split, number: int) -> Layout:
    """A dock of a suite: always the same for the same number."""
    rng = Random(f"layout {suite} {split} {number}")  # noqa: S311 (chance, not secrets)
    if suite == "wild":
        return wild_layout(f"{suite} {split} {number}", rng)
    if suite == "small":
        return small_layout(f"{suite} {split} {number}", rng)
    habits = _HABITS[suite]
    split_m, yaw_deg = rng.uniform(*habits.split_m), rng.uniform(*habits.yaw_deg)
    height_m, half_m = rng.uniform(1.6, 2.3), rng.uniform(1.1, 1.4)
    antennas = tuple(
        Antenna(
            antenna=port,
            side="outside" if sign < 0 else "inside",
            x_m=round(sign * split_m + rng.uniform(-0.03, 0.03), 3),
            y_m=round(y * half_m, 3),
            z_m=round(height_m + rng.uniform(-0.1, 0.1), 3),
            yaw_deg=round(sign * yaw_deg + rng.uniform(-4.0, 4.0), 1),
            tilt_deg=round(rng.uniform(15.0, 30.0), 1),
        )
        for port, sign, y in ((1, -1, 1), (2, -1, -1), (3, 1, 1), (4, 1, -1))
    )
    return Layout(
        name=f"{suite} {split} {number}",
        antennas=antennas,
        heaps=tuple(_heaps(rng, rng.randint(*habits.strays), habits.goods)),
        echoes_db=round(rng.uniform(*habits.echoes_db), 1),
        reader="fast" if suite == "standard" else "dense",
        region=rng.choice(("fcc", "fcc", "etsi")),
        room=rng.randrange(1 << 30),
    )


def _heaps(rng: Random, strays: int, goods: tuple[Goods, ...]) -> list[Heap]:
    heaps = []
    while strays > 0:
        leaning = rng.random() < _LEANING
        tags = min(strays, rng.randint(2, 6) if leaning else rng.randint(8, 40))
        side = rng.choice((-1, 1))
        x = side * (rng.uniform(0.5, 1.0) if leaning else rng.uniform(1.5, 4.5))
        y = rng.choice((-1, 1)) * (rng.uniform(1.5, 1.9) if leaning else rng.uniform(1.9, 4.0))
        behind_db = 0.0 if leaning else round(rng.uniform(*BEHIND_DB), 1)
        heaps.append(
            Heap(
                x_m=round(x, 2),
                y_m=round(y, 2),
                tags=tags,
                goods=rng.choice(goods),
                behind_db=behind_db,
            )
        )
        strays -= tags
    return heaps


def moves(suite: Suite, rng: Random, how_many: int, start_s: float = 4.0) -> list[Move]:
    """What happens at a dock of this suite, one thing after the other (in ``wild``, one only)."""
    if suite == "wild":
        return wild_moves(rng)
    if suite == "small":
        return small_moves(rng, how_many, start_s)
    found: list[Move] = []
    at_s = start_s
    while len(found) < how_many:
        one = _move(suite, rng, at_s)
        found.append(one)
        if one.kind == "pass" and rng.random() < 0.15:  # another one close behind
            found.append(_close_behind(one, rng))
        at_s += 14.0 / one.speed_m_s + one.wait_s + rng.uniform(3.0, 12.0)
    return found[:how_many]


def _move(suite: _Dock, rng: Random, at_s: float) -> Move:
    habits = _HABITS[suite]
    kind = rng.choice(_KINDS)
    carrier: Carrier = rng.choice(("forklift", "forklift", "person", "hand"))
    return Move(
        at_s=round(at_s, 2),
        kind=kind,
        inwards=rng.random() < 0.5,
        speed_m_s=round(
            min(rng.uniform(*habits.speed_m_s), 9.0 if carrier == "forklift" else 1.8), 2
        ),
        cases=rng.randint(1, 3) if carrier == "hand" else rng.randint(8, 60),
        goods=rng.choice(habits.goods),
        carrier=carrier,
        y_m=round(rng.uniform(-0.25, 0.25), 2),
        nearest_m=round(rng.uniform(1.2, 2.6) if kind == "walk-by" else rng.uniform(0.9, 1.6), 2),
        wait_s=round(rng.uniform(20.0, 60.0) if kind == "park" else rng.uniform(0.5, 4.0), 1),
        unreadable_share=rng.choice(habits.unreadable),
        tagged_truck=carrier == "forklift" and rng.random() < 0.3,
    )


def _close_behind(one: Move, rng: Random) -> Move:
    opposite = rng.random() < 0.3
    return Move(
        at_s=round(one.at_s + rng.uniform(2.2, 3.5), 2),
        inwards=one.inwards != opposite,
        speed_m_s=one.speed_m_s,
        cases=rng.randint(8, 60),
        goods=one.goods,
        carrier=one.carrier if one.carrier != "hand" else "person",
        y_m=one.y_m,
    )


def episode(suite: Suite, split: Split, number: int, *, how_many: int = 4) -> Staged:
    """Some minutes at a dock, with their truth; every number is another dock and other minutes."""
    rng = Random(f"episode {suite} {split} {number}")  # noqa: S311 (chance, not secrets)
    first = 1 + 100_000 * rng.randrange(1 << 14)
    return stage(
        layout(suite, split, number),
        moves(suite, rng, how_many),
        seed=rng.randrange(1 << 30),
        epcs=sample_epcs(first),
    )


def reception(suite: Suite, split: Split, number: int) -> Reception:
    """How this dock's reader tells what it hears: faithfully, but for ``wild`` and ``small``."""
    antennas = layout(suite, split, number).antennas
    rng = Random(f"reception {suite} {split} {number}")  # noqa: S311 (chance, not secrets)
    if suite == "wild":
        return wild_reception(antennas, rng)
    if suite == "small":
        return small_reception(antennas, rng)
    return Reception({one.antenna: 0.0 for one in antennas})
