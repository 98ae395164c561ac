"""What happens at the simulated sites: scans, pallets through a dock, pieces off a shelf.

Each event is a list of observations in the order in which an edge would make them. Passes are
true to life: reads of the emulated portal's physics, folded by the edge's own folder, computed
once for a process and then told again with other tags at other times.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from itertools import count, islice
from operator import itemgetter
from random import Random
from typing import Any, NamedTuple

import msgspec

from drivers.emulators.portal_physics import PortalPhysics
from drivers.emulators.portal_scene import Path, Scene, Timing, dock_antennas, pallet
from drivers.readings import TagRead
from edge.fold import Folder
from edge.fold.moments import moment
from edge.fold.settings import FoldSettings
from gateway.contract import (
    Antenna,
    CodeScanned,
    DeviceDescribed,
    Observation,
    TagResident,
    TagSighting,
    WeightDisturbed,
    WeightSettled,
)
from gateway.gs1 import sgtin96_hex
from tallyport.simulation.clear import is_clear

GTINS = {"09521234000013": 1, "09521234000020": 6, "09521234000037": 12}
"""Packs by GTIN: how many pieces each stands for."""
UNIT_MG = 100_000
OPENING = 1_000_000
"""Pieces on the shelf and behind it at the start: never the limit."""
_PREFIX_DIGITS = 7
_TEMPLATES = 8
_TIMING = Timing(read_s=0.04, collision_s=0.002, empty_s=0.001, round_s=0.004)
"""A slow reader: fewer observations a pass, so that more can happen in a second of ours."""
_ECHOES_DB = 25.0
"""A hall nearly without echoes: here doubts shall come from machines, not from radio waves."""


def hall(edge: str) -> str:
    """The location behind an edge's dock and desk."""
    return f"hall-{edge}"


def sku_of(gtin: str) -> str:
    """The item in a pack."""
    return f"SKU-{gtin[-3:]}"


class Happening(NamedTuple):
    """One event: its observations with their offsets in seconds and the edge that hears each,
    and what it moves.

    ``moves`` maps items to pieces that come into (positive) or leave the edge's hall or shelf.
    """

    kind: str
    seen: list[tuple[float, str, Observation]]
    moves: dict[str, int]


class _Template(NamedTuple):
    """A pass of one pallet: offsets in microseconds, which reader hears it (0 or 1), and what,
    with cases numbered instead of tagged.
    """

    cases: int
    seen: list[tuple[int, int, Observation]]


@dataclass
class Site:
    """One edge's place: what is inside, and what its plate weighs.

    A dock may have two readers: ``partner`` is the edge that hears the outer antennas of this
    one's dock, ``host`` the one at whose dock this edge hears them; such an edge has no dock.
    """

    edge: str
    number: int
    chance: Random
    serial: int = 0
    inside: list[tuple[str, str]] = field(default_factory=list)
    pieces: int = 10_000
    partner: str = ""
    host: str = ""

    def describe(self, at_us: int) -> list[Observation]:
        """How the devices are set up, as an agent says at each start."""
        antennas = [Antenna(antenna=one.antenna, side=one.side) for one in dock_antennas()]
        return [
            DeviceDescribed(
                event_time=moment(at_us), driver="llrp", antennas=antennas, **self._who("dock")
            )
        ]

    def first_level(self, at_us: int) -> list[Observation]:
        """What the plate weighs before anything happens."""
        return [self._settled(at_us)]

    def happen(self) -> Happening:
        """The next event, drawn."""
        kind = self.chance.choices(("scan", "weight", "in", "out"), (6, 4, 3, 2))[0]
        if kind == "out" and len(self.inside) < 3:
            kind = "in"
        if kind == "scan" or (self.host and kind in {"in", "out"}):
            return self._scan()
        if kind == "weight":
            return self._weight()
        return self._pass(inwards=kind == "in")

    def _scan(self) -> Happening:
        gtin, pack = self.chance.choice(list(GTINS.items()))
        self.serial += 1
        data = f"01{gtin}21S{self.number}N{self.serial}"
        seen = CodeScanned(event_time=moment(0), symbology="]C1", data=data, **self._who("desk"))
        return Happening("scan", [(0.0, self.edge, seen)], {sku_of(gtin): pack})

    def _weight(self) -> Happening:
        taken = self.chance.randint(1, 9) * self.chance.choice((-1, 1))
        self.pieces += taken
        began = WeightDisturbed(
            event_time=moment(0), plate=1, reason="motion", **self._who("shelf")
        )
        settled = msgspec.structs.replace(self._settled(1_500_000), disturbed_at=moment(0))
        # an edge says a level at rest again: many pieces at once are judged when it stayed so
        again = self._settled(25_000_000)
        told: list[tuple[float, str, Observation]]
        told = [(0.0, self.edge, began), (1.5, self.edge, settled), (25.0, self.edge, again)]
        return Happening("weight", told, {"PIECE": taken})

    def _settled(self, at_us: int) -> WeightSettled:
        return WeightSettled(
            event_time=moment(at_us), plate=1, gross_mg=self.pieces * UNIT_MG, std_mg=200,
            samples=10, **self._who("shelf"),
        )  # fmt: skip

    def _pass(self, *, inwards: bool) -> Happening:
        templates = _templates(inwards, bool(self.partner))
        fitting = [one for one in templates if inwards or one.cases <= len(self.inside)]
        if not fitting:
            return self._scan()
        template = self.chance.choice(fitting)
        if inwards:
            cases = [self._new_case() for _ in range(template.cases)]
            self.inside += cases
        else:
            cases = [self.inside.pop() for _ in range(template.cases)]
        epcs = [epc for epc, _ in cases]
        moves: dict[str, int] = {}
        for _, gtin in cases:
            moves[sku_of(gtin)] = moves.get(sku_of(gtin), 0) + GTINS[gtin] * (1 if inwards else -1)
        hearers = (self.edge, self.partner)
        seen = [
            (at / 1e6, hearers[reader], self._tagged(hearers[reader], one, epcs))
            for at, reader, one in template.seen
        ]
        return Happening("pass", seen, moves)

    def _new_case(self) -> tuple[str, str]:
        gtin = self.chance.choice(list(GTINS))
        self.serial += 1
        number = self.number * 100_000 + self.serial
        return sgtin96_hex(gtin, _PREFIX_DIGITS, number, filter=2), gtin

    def _tagged(self, edge: str, seen: Observation, epcs: list[str]) -> Observation:
        change: dict[str, Any] = self._who("dock") | {"device": f"dock-{edge}"}
        if isinstance(seen, TagSighting | TagResident):
            change["epc"] = epcs[int(seen.epc, 16)]
        return msgspec.structs.replace(seen, **change)

    def _who(self, point: str) -> dict[str, Any]:
        place = self.host if self.host and point == "dock" else self.edge
        return {"device": f"{point}-{self.edge}", "read_point": f"{point}-{place}"}


def made_at(seen: Observation, base_us: int) -> Observation:
    """An observation of a happening that began at ``base_us`` on the edge's clock."""
    shift = timedelta(microseconds=base_us)
    change: dict[str, Any] = {
        name: getattr(seen, name) + shift
        for name in ("event_time", "closed_at", "until", "disturbed_at")
        if getattr(seen, name, None) is not None
    }
    return msgspec.structs.replace(seen, **change)


@cache
def _templates(inwards: bool, shared: bool) -> tuple[_Template, ...]:
    drawn = (_template(seed, inwards=inwards, shared=shared) for seed in count())
    clear = (one for one in drawn if is_clear(one.cases, one.seen, inwards=inwards))
    return tuple(islice(clear, _TEMPLATES))


def _template(seed: int, *, inwards: bool, shared: bool) -> _Template:
    """One pallet of three to six cases, alone at the dock."""
    chance = Random(seed * 2 + inwards)  # noqa: S311 (a simulation repeats itself)
    cases = chance.randint(3, 6)
    path = Path.through(2.0, speed=1.0, inwards=inwards)
    tags = pallet([f"{n:024X}" for n in range(cases)], path, chance)
    scene = Scene(
        antennas=dock_antennas(), tags=tuple(tags), seed=seed, timing=_TIMING, echoes_db=_ECHOES_DB
    )
    reads = list(PortalPhysics(scene).until(16.0))
    outer = {one.antenna for one in dock_antennas() if one.side == "outside"} if shared else set()
    readers = (
        [one for one in reads if one[1].antenna not in outer],
        [one for one in reads if one[1].antenna in outer],
    )
    seen = (
        (at, reader, one) for reader in range(1 + shared) for at, one in _folded(readers[reader])
    )
    return _Template(cases, sorted(seen, key=itemgetter(0)))


def _folded(reads: Sequence[tuple[float, TagRead]]) -> Iterator[tuple[int, Observation]]:
    """What an edge makes of the reads, with when it makes it (microseconds)."""
    folder = Folder("dock", "dock", FoldSettings())
    now_us = 0
    for t, read in reads:
        while now_us + 100_000 < t * 1e6:
            now_us += 100_000
            yield from ((now_us, one) for one in folder.tick(now_us))
        now_us = max(now_us, round(t * 1e6))
        yield from ((now_us, one) for one in folder.feed([read], now_us))
    for _ in range(100):
        now_us += 100_000
        yield from ((now_us, one) for one in folder.tick(now_us))
    yield from ((now_us, one) for one in folder.flush(now_us))
