"""Portals of every kind, drawn wide: what judging is trained on so that little is new to it.

Where ``portal_suites`` draws docks as they should or use to be, this draws short minutes of one
move each, with everything varied that sites vary: one to four antennas, apart or in one plane or
in the corners of a room, at any height; near or far echoes; readers fast and slow, with and
without phase and Doppler, whose levels are off by some dB from antenna to antenna; crowds and
empty halls; pallets and single pieces in a hand, crawling and running.
"""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from drivers.emulators.portal_scene import Antenna
from drivers.emulators.portal_traffic import Carrier, Goods, Heap, Kind, Layout, Move

_GOODS: tuple[Goods, ...] = ("cartons", "cartons", "mixed", "liquid")
_KINDS: tuple[Kind | None, ...] = (
    "pass", "pass", "pass", "pass", "pass", "turn-back", "turn-back", "return", "walk-by",
    "walk-by", "next-door", None,
)  # fmt: skip


class Reception(NamedTuple):
    """How a site's reader tells what it hears: what is added to the levels by antenna, whether
    it tells phase, channel and Doppler, and which antennas' sides nobody wrote down; whether a
    photo-eye hangs across the door.
    """

    offsets_db: dict[int, float]
    tells_phase: bool = True
    unplaced: frozenset[int] = frozenset()
    photo_eye: bool = False


def wild_layout(name: str, rng: Random) -> Layout:
    """Any portal."""
    room = rng.random() < 0.12
    antennas = _corners(rng) if room else _pillars(rng)
    return Layout(
        name=name,
        antennas=antennas,
        heaps=tuple(_heaps(rng, 0 if room else int(10.0 ** rng.uniform(0.0, 2.3)) - 1)),
        echoes_db=round(rng.uniform(10.0, 22.0), 1),
        reader=rng.choice(("fast", "dense", "dense", "quick")),
        region=rng.choice(("fcc", "etsi")),
        session=rng.choice((0, 1, 1, 2)),
        room=rng.randrange(1 << 30),
    )


def _pillars(rng: Random) -> tuple[Antenna, ...]:
    split_m, yaw_deg = rng.choice(
        (
            (rng.uniform(0.08, 0.22), rng.uniform(0.0, 6.0)),
            (rng.uniform(0.15, 0.45), rng.uniform(0.0, 30.0)),
            (rng.uniform(0.35, 0.6), rng.uniform(15.0, 32.0)),
        )
    )
    half_m, height_m = rng.uniform(1.0, 1.6), rng.uniform(1.0, 2.3)
    every = [(-1, 1), (-1, -1), (1, 1), (1, -1)]
    chosen = rng.choice((every, every, every, every[:1] + every[2:3], every[:1] + every[3:]))
    return tuple(
        Antenna(
            antenna=port,
            side="outside" if sign < 0 else "inside",
            x_m=round(sign * split_m + rng.uniform(-0.03, 0.03), 3),
            y_m=round(y * half_m, 3),
            z_m=round(height_m + rng.uniform(-0.4, 0.4), 3),
            yaw_deg=round(sign * yaw_deg + rng.uniform(-5.0, 5.0), 1),
            tilt_deg=round(rng.uniform(0.0, 30.0), 1),
        )
        for port, (sign, y) in enumerate(chosen, 1)
    )


def _corners(rng: Random) -> tuple[Antenna, ...]:
    """Antennas in the corners of a room, all looking at its middle."""
    half_m, height_m = rng.uniform(1.6, 2.8), rng.uniform(0.8, 2.0)
    return tuple(
        Antenna(
            antenna=port,
            side="outside" if x < 0 else "inside",
            x_m=round(x * half_m, 3),
            y_m=round(y * half_m, 3),
            z_m=round(height_m, 3),
            yaw_deg=-45.0 * x,
            tilt_deg=round(rng.uniform(0.0, 10.0), 1),
        )
        for port, (x, y) in enumerate(((-1, -1), (-1, 1), (1, 1), (1, -1)), 1)
    )


def _heaps(rng: Random, strays: int) -> list[Heap]:
    heaps = []
    while strays > 0:
        leaning = rng.random() < 0.15
        tags = min(strays, rng.randint(1, 6) if leaning else rng.randint(5, 40))
        x = rng.choice((-1, 1)) * (rng.uniform(0.5, 1.0) if leaning else rng.uniform(1.2, 5.0))
        y = rng.choice((-1, 1)) * (rng.uniform(1.5, 1.9) if leaning else rng.uniform(1.6, 4.5))
        behind_db = 0.0 if leaning else round(rng.uniform(0.0, 16.0), 1)
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


def wild_moves(rng: Random) -> list[Move]:
    """One thing that happens, or two pallets close together, or nothing."""
    kind = rng.choice(_KINDS)
    if kind is None:
        return []
    carrier: Carrier = rng.choice(("forklift", "person", "person", "hand"))
    speed = rng.uniform(0.3, 1.8) if carrier == "hand" else rng.uniform(0.6, 3.2)
    waits = kind in {"turn-back", "return"}
    there_s = rng.uniform(4.0, 6.5)
    move = Move(
        at_s=round(there_s - 6.0 / speed, 2),
        kind=kind,
        inwards=rng.random() < 0.5,
        speed_m_s=round(speed, 2),
        cases=rng.choice((1, 1, 1, 2, 3)) if carrier == "hand" else rng.randint(3, 50),
        goods=rng.choice(_GOODS),
        carrier=carrier,
        y_m=round(rng.uniform(-0.3, 0.3), 2),
        nearest_m=round(rng.uniform(1.1, 2.8) if kind == "walk-by" else rng.uniform(0.3, 1.6), 2),
        wait_s=round(rng.uniform(0.2, 2.5), 1) if waits else 0.0,
        tagged_truck=carrier == "forklift" and rng.random() < 0.3,
    )
    if kind != "pass" or rng.random() < 0.7:
        return [move]
    second = Move(
        at_s=round(move.at_s + rng.uniform(2.0, 3.5), 2),
        inwards=rng.random() < 0.5,
        speed_m_s=move.speed_m_s,
        cases=rng.randint(3, 40),
        goods=rng.choice(_GOODS),
        carrier="person",
        y_m=move.y_m,
    )
    return [move, second]


def wild_reception(antennas: tuple[Antenna, ...], rng: Random) -> Reception:
    """Any reader, set up with more or less care."""
    power_db = rng.uniform(-6.0, 8.0)
    offsets = {one.antenna: round(power_db + rng.gauss(0.0, 1.5)) for one in antennas}
    hidden = [one.antenna for one in antennas if rng.random() < 0.5]
    share = rng.random()
    if share > 0.15 or len(antennas) < 4:
        hidden = []
    return Reception(dict(offsets), rng.random() < 0.7, frozenset(hidden))
