"""Docks with a truth: seeded series of pallets that come in and go out past strays."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import NamedTuple

from central.reconcile.verdict import Context, Pack, ReadPoint
from drivers.emulators.portal_physics import (
    Path,
    PortalPhysics,
    Scene,
    Tag,
    dock_antennas,
    pallet,
)
from drivers.readings import TagRead
from gateway.gs1 import sgtin96_hex

GTINS = ("09521234000013", "09521234000020", "09521234000037")
PACKS = {gtin: Pack(gtin=gtin, sku=f"SKU-{n}", quantity=n) for n, gtin in enumerate(GTINS, 1)}
DOCK = ReadPoint(code="dock-1", kind="portal", location="hall")


def epcs_of(first: int, count: int) -> list[str]:
    """Cases of three items by turns, every serial once."""
    return [sgtin96_hex(GTINS[n % 3], 7, n) for n in range(first, first + count)]


def context(placed: dict[str, str]) -> Context:
    return Context(read_points={"dock-1": DOCK}, packs=PACKS, placed=placed)


class Truth(NamedTuple):
    """One pallet's crossing: when it was in the middle, which way, and what was on it."""

    at_s: float
    direction: str
    epcs: frozenset[str]


class Dock(NamedTuple):
    reads: Iterator[tuple[float, TagRead]]
    truths: list[Truth]
    placed: dict[str, str]


def dock(
    seed: int,
    *,
    passes: int = 4,
    cases: tuple[int, int] = (20, 60),
    speeds: tuple[float, float] = (0.8, 1.5),
    strays: int = 40,
) -> Dock:
    """``passes`` pallets, each every 15-25 s; strays of two pallets on both sides for ever."""
    rng = Random(seed)
    serial, t = 1, 4.0
    placed: dict[str, str] = {}
    tags: list[Tag] = []
    truths = []
    for side in (-1, 1):
        epcs = epcs_of(serial, strays // 2)
        serial += len(epcs)
        if side > 0:
            placed.update(dict.fromkeys(epcs, "hall"))
        place = Path.standing(side * rng.uniform(1.5, 4.0), rng.choice((-1, 1)) * rng.uniform(2, 4))
        tags += pallet(epcs, place, rng)
    for _ in range(passes):
        epcs = epcs_of(serial, rng.randint(*cases))
        serial += len(epcs)
        inwards, speed = rng.random() < 0.5, rng.uniform(*speeds)
        if not inwards:
            placed.update(dict.fromkeys(epcs, "hall"))
        tags += pallet(epcs, Path.through(t, speed=speed, inwards=inwards), rng)
        truths.append(Truth(t + 6.0 / speed, "in" if inwards else "out", frozenset(epcs)))
        t += 12.0 / speed + rng.uniform(2.0, 10.0)
    physics = PortalPhysics(Scene(antennas=dock_antennas(), tags=tuple(tags), seed=seed))
    return Dock(physics.until(t + 5.0), truths, placed)
