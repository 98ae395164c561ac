"""A shop's or workshop's door, where a few cases come at a time: for training and for tests.

Where ``portal_suites`` draws docks of full pallets, this draws one to eight cases on a pallet, a
roll cage or a trolley, or in somebody's hands, between hours in which nothing happens; one to four
antennas on pillars or overhead, with and without a photo-eye; few strays or none.
"""

from __future__ import annotations

from random import Random

from drivers.emulators.portal_scene import Antenna
from drivers.emulators.portal_traffic import Carrier, Goods, Heap, Kind, Layout, Loaded, Move
from drivers.emulators.portal_wild import Reception

_GOODS: tuple[Goods, ...] = ("cartons", "cartons", "mixed", "liquid")
_KINDS: tuple[Kind, ...] = (
    "pass", "pass", "pass", "pass", "pass", "pass", "turn-back", "return", "walk-by", "next-door",
    "park", "staged", "put-down",
)  # fmt: skip
_CARRIERS: tuple[Carrier, ...] = ("person", "person", "hand", "hand", "forklift")
_LOADS: tuple[Loaded, ...] = ("pallet", "stack", "stack", "cage", "trolley")
_STOPS: dict[Kind, tuple[tuple[float, float], tuple[float, float]]] = {
    "walk-by": ((0.5, 4.0), (1.2, 2.8)),
    "return": ((0.5, 25.0), (0.8, 3.0)),
    "park": ((8.0, 40.0), (0.6, 1.8)),
    "staged": ((10.0, 90.0), (1.0, 4.0)),
    "put-down": ((10.0, 90.0), (1.0, 4.0)),
}
"""For how many seconds what stops stands, and how many metres from the middle of the door."""
_OVERHEAD = 0.15
"""So many of the doors with two antennas or more have them all above the way."""
_QUIET = 0.25
"""After so many of the moves nothing happens for minutes."""
_FOLLOWED = 0.1
"""So many of those who go through have another one close behind."""
_EYES = 0.5


def small_layout(name: str, rng: Random) -> Layout:
    """A door of that kind."""
    return Layout(
        name=name,
        antennas=_antennas(rng),
        heaps=tuple(_heaps(rng, rng.choice((0, 0, 0, 2, 3, 4, 6, 10, 20)))),
        echoes_db=round(rng.uniform(11.0, 20.0), 1),
        reader=rng.choice(("fast", "dense", "dense", "quick")),
        region=rng.choice(("fcc", "etsi")),
        session=rng.choice((0, 1, 1, 2)),
        room=rng.randrange(1 << 30),
    )


def _antennas(rng: Random) -> tuple[Antenna, ...]:
    every = [(-1, 1), (-1, -1), (1, 1), (1, -1)]
    chosen = rng.choice((
        every, every, every, every[:3], every[1:],
        every[:1] + every[2:3], every[:1] + every[2:3], every[:1] + every[3:],
        every[1:2] + every[2:3], [rng.choice(every)],
    ))  # fmt: skip
    overhead = len(chosen) > 1 and rng.random() < _OVERHEAD
    split_m, yaw_deg = rng.choice(
        (
            (rng.uniform(0.1, 0.25), rng.uniform(0.0, 8.0)),
            (rng.uniform(0.2, 0.45), rng.uniform(5.0, 30.0)),
            (rng.uniform(0.35, 0.6), rng.uniform(15.0, 32.0)),
        )
    )
    half_m = rng.uniform(0.3, 0.7) if overhead else rng.uniform(0.7, 1.4)
    height_m = rng.uniform(2.5, 3.0) if overhead else rng.uniform(1.0, 2.2)
    tilt_deg = (55.0, 80.0) if overhead else (0.0, 30.0)
    return tuple(
        Antenna(
            antenna=port,
            side="outside" if sign < 0 else "inside",
            x_m=round(sign * split_m + rng.uniform(-0.03, 0.03), 3),
            y_m=round(y * half_m, 3),
            z_m=round(height_m + rng.uniform(-0.2, 0.2), 3),
            yaw_deg=round(sign * yaw_deg + rng.uniform(-5.0, 5.0), 1),
            tilt_deg=round(rng.uniform(*tilt_deg), 1),
        )
        for port, (sign, y) in enumerate(chosen, 1)
    )


def _heaps(rng: Random, strays: int) -> list[Heap]:
    heaps = []
    while strays > 0:
        leaning = rng.random() < 0.15
        tags = min(strays, rng.randint(1, 3) if leaning else rng.randint(1, 10))
        x = rng.choice((-1, 1)) * (rng.uniform(0.5, 1.0) if leaning else rng.uniform(1.2, 4.5))
        y = rng.choice((-1, 1)) * (rng.uniform(1.4, 1.9) if leaning else rng.uniform(1.6, 4.0))
        behind_db = 0.0 if leaning else round(rng.uniform(2.0, 16.0), 1)
        heaps.append(
            Heap(
                x_m=round(x, 2),
                y_m=round(y, 2),
                tags=tags,
                goods=rng.choice(_GOODS),
                behind_db=behind_db,
            )
        )
        strays -= tags
    return heaps


def small_moves(rng: Random, how_many: int, start_s: float) -> list[Move]:
    """What happens there, one thing after the other."""
    found: list[Move] = []
    at_s = start_s
    while len(found) < how_many:
        one = _move(rng, at_s)
        found.append(one)
        if one.kind == "pass" and rng.random() < _FOLLOWED:
            found.append(_move(rng, at_s + rng.uniform(2.5, 6.0), "pass"))
        quiet_s = rng.uniform(60.0, 150.0) if rng.random() < _QUIET else rng.uniform(4.0, 30.0)
        at_s += 14.0 / one.speed_m_s + quiet_s
        if one.kind not in {"staged", "put-down"} or rng.random() < 0.5:
            at_s += one.wait_s  # else others pass what stands there
    return found[:how_many]


def _move(rng: Random, at_s: float, kind: Kind | None = None) -> Move:
    doing = rng.choice(_KINDS) if kind is None else kind
    carrier = rng.choice(_CARRIERS)
    speed = {"forklift": (0.6, 2.6), "person": (0.4, 1.7), "hand": (0.5, 1.8)}[carrier]
    waits, near = _STOPS.get(doing, ((0.5, 4.0), (0.6, 1.8)))
    return Move(
        at_s=round(at_s, 2),
        kind=doing,
        inwards=rng.random() < 0.5,
        speed_m_s=round(rng.uniform(*speed), 2),
        cases=rng.choice((1, 1, 1, 2, 3)) if carrier == "hand" else rng.choice((1, *range(1, 9))),
        goods=rng.choice(_GOODS),
        carrier=carrier,
        load=rng.choice(_LOADS),
        y_m=round(rng.uniform(-0.3, 0.3), 2),
        nearest_m=round(rng.uniform(*near), 2),
        wait_s=round(rng.uniform(*waits), 1),
        unreadable_share=rng.choice((0.0, 0.0, 0.0, 0.02)),
        tagged_truck=carrier == "forklift" and rng.random() < 0.3,
    )


def small_reception(antennas: tuple[Antenna, ...], rng: Random) -> Reception:
    """Any reader, with a photo-eye at every second door."""
    power_db = rng.uniform(-4.0, 4.0)
    offsets = {one.antenna: float(round(power_db + rng.gauss(0.0, 1.0))) for one in antennas}
    tells_phase = rng.random() < 0.7
    return Reception(offsets, tells_phase, photo_eye=rng.random() < _EYES)
