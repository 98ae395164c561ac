"""What goes on at an emulated dock, described as data, and the truth of who crossed when.

A ``Layout`` is the place: antennas, echoes, heaps of tagged goods that stand about. A ``Move`` is
something that happens there: a pallet goes through, turns back, comes back, passes by, is left in
the doorway, goes through the neighbouring door, waits beside the door before it goes through, or is
put down there when it has. ``stage`` makes a ``Scene`` of both for
``PortalPhysics``, with every ``Crossing`` worked out from the paths themselves. Both may come
from a file (``read_scene``), or be drawn by ``drivers.emulators.portal_suites``.

Times are in seconds from the scene's start, everything else as in ``portal_scene``.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import count, pairwise
from pathlib import Path as File
from random import Random
from typing import Literal, NamedTuple

import msgspec

from drivers.emulators.portal_scene import (
    BRISK,
    DENSE,
    FAST,
    Antenna,
    Body,
    Load,
    Path,
    Region,
    Scene,
    Tag,
    dock_antennas,
    forklift,
    pallet,
    person,
)

Kind = Literal["pass", "turn-back", "return", "walk-by", "park", "next-door", "staged", "put-down"]
Goods = Literal["cartons", "mixed", "liquid"]
Carrier = Literal["forklift", "person", "hand"]
"""Who moves it: a truck, a person who pushes or pulls, a person who carries a few cases."""
Loaded = Literal["pallet", "stack", "cage", "trolley"]
"""What the cases are on: a pallet full of goods, a layer or two on a pallet, a roll cage of steel
bars, a trolley."""
LOADS: dict[Loaded, Load] = {
    "pallet": Load(),
    "stack": Load(size_m=(1.0, 0.7, 0.6)),
    "cage": Load(size_m=(0.8, 0.7, 1.4), foot_m=0.2, echo=0.3),
    "trolley": Load(size_m=(0.8, 0.5, 0.5), foot_m=0.45),
}

GOODS_DB_PER_M: dict[Goods, float] = {"cartons": 4.0, "mixed": 9.0, "liquid": 18.0}
REACH_M = 6.0
NEXT_DOOR_M = 4.0
ASIDE_M = 2.3
"""So far from the middle of the way goods are put down."""
DOOR_HALF_M = 1.5


_TIMINGS = {"fast": BRISK, "dense": DENSE, "quick": FAST}


class Heap(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A pallet's worth of tagged goods that stays where it is, ``behind_db`` (one way) of others
    that stand before it.
    """

    x_m: float
    y_m: float
    tags: int = 20
    goods: Goods = "cartons"
    behind_db: float = 0.0


class Layout(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A dock door, as it stands there day and night."""

    name: str = "a dock"
    antennas: tuple[Antenna, ...] = msgspec.field(default_factory=dock_antennas)
    heaps: tuple[Heap, ...] = ()
    echoes_db: float = 15.0
    reader: Literal["fast", "dense", "quick"] = "fast"
    region: Region = "fcc"
    session: int = 1
    room: int = 1


class Move(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that happens at the door. ``inwards`` says from which side it begins.

    ``nearest_m`` is how near a turn-back comes to the middle of the door, at which distance a
    walk-by passes it, and how far from it goods are put down; ``wait_s`` how long what stops
    stands still. A
    ``tagged_truck`` has a tag of its own that is no goods.
    """

    at_s: float
    kind: Kind = "pass"
    inwards: bool = True
    speed_m_s: float = 1.2
    cases: int = 40
    goods: Goods = "cartons"
    carrier: Carrier = "forklift"
    load: Loaded = "pallet"
    y_m: float = 0.0
    nearest_m: float = 1.3
    wait_s: float = 1.0
    unreadable_share: float = 0.0
    tagged_truck: bool = False


class Crossing(NamedTuple):
    """The truth: these tags were in the middle of the door then, on their way there.

    ``carriers`` are tags that went along and are no goods: the truck's own.
    """

    at_s: float
    direction: Literal["in", "out"]
    epcs: tuple[str, ...]
    carriers: tuple[str, ...] = ()


class Arrival(NamedTuple):
    """A move in full: what it brings into the world, until when, and its crossings."""

    move: Move
    tags: tuple[Tag, ...]
    bodies: tuple[Body, ...]
    crossings: tuple[Crossing, ...]
    ends_s: float


@dataclass(frozen=True, kw_only=True)
class Staged:
    """A scene with its truth; ``strays`` are tags that stand there all the time."""

    scene: Scene
    crossings: tuple[Crossing, ...]
    strays: frozenset[str]
    ends_s: float


def sample_epcs(first: int = 1) -> Iterator[str]:
    """SGTIN-96 of GS1's example company 9521234, one serial after the other, for ever."""
    # header, filter 2 (case), partition 5 (7 digits of company), company, item 12345 of level 1
    stem = (0x30 << 88) | (2 << 85) | (5 << 82) | (9_521_234 << 58) | (112_345 << 38)
    return (f"{stem + serial:024X}" for serial in count(first))


def path_of(move: Move) -> Path:
    """Where the move goes."""
    start, speed, away = move.at_s, move.speed_m_s, -REACH_M if move.inwards else REACH_M
    y = move.y_m + (NEXT_DOOR_M if move.kind == "next-door" else 0.0)
    near = math.copysign(move.nearest_m, away)
    aside = move.y_m + math.copysign(ASIDE_M, move.y_m)
    stops: dict[Kind, tuple[tuple[float, float, float], ...]] = {
        # (x, y, seconds to stand there)
        "pass": ((away, y, 0.0), (-away, y, 0.0)),
        "next-door": ((away, y, 0.0), (-away, y, 0.0)),
        "turn-back": ((away, y, 0.0), (near, y, move.wait_s), (away, y, 0.0)),
        "return": ((away, y, 0.0), (-near, y, move.wait_s), (away, y, 0.0)),
        "walk-by": ((near, -REACH_M, 0.0), (near, REACH_M, 0.0)),
        "staged": ((away, aside, 0.0), (near, aside, move.wait_s), (near, y, 0.0), (-away, y, 0.0)),
        "put-down": (
            (away, y, 0.0),
            (-near, y, 0.0),
            (-near, aside, move.wait_s),
            (-away, aside, 0.0),
        ),
        # it stops just short of the middle: it has crossed when it leaves
        "park": ((away, y, 0.0), (math.copysign(0.01, away), y, move.wait_s), (-away, y, 0.0)),
    }
    points: list[tuple[float, float, float, float]] = []
    t, before = start, stops[move.kind][0]
    for stop in stops[move.kind]:
        t += math.dist(before[:2], stop[:2]) / speed
        points.append((t, stop[0], stop[1], 0.0))
        if stop[2]:
            t += stop[2]
            points.append((t, stop[0], stop[1], 0.0))
        before = stop
    return Path(waypoints=tuple(points))


def crossings_of(path: Path) -> list[tuple[float, Literal["in", "out"]]]:
    """When a path goes through this door, and which way."""
    found: list[tuple[float, Literal["in", "out"]]] = []
    for (t0, x0, y0, _), (t1, x1, y1, _) in pairwise(path.waypoints):
        if (x0 < 0) == (x1 < 0):
            continue
        part = x0 / (x0 - x1)
        if abs(y0 + part * (y1 - y0)) <= DOOR_HALF_M:
            found.append((t0 + part * (t1 - t0), "in" if x1 > x0 else "out"))
    return found


def arrival(move: Move, epcs: Iterator[str], rng: Random) -> Arrival:
    """The move with its tags and bodies; takes as many of ``epcs`` as it has cases."""
    path = path_of(move)
    goods = [next(epcs) for _ in range(move.cases)]
    tags = pallet(
        goods,
        path,
        rng,
        goods_db_per_m=GOODS_DB_PER_M[move.goods],
        unreadable_share=move.unreadable_share,
        load=LOADS[move.load],
    )
    if move.carrier == "hand":
        tags = [_in_hand(tag, rng) for tag in tags]
    bodies = [forklift(path) if move.carrier == "forklift" else _behind(person(path), move)]
    carriers = (next(epcs),) if move.tagged_truck else ()
    tags += [Tag(epc=epc, path=path, offset=(0.0, 0.5, 1.9), loss_db=6.0) for epc in carriers]
    crossings = tuple(Crossing(t, way, tuple(goods), carriers) for t, way in crossings_of(path))
    return Arrival(move, tuple(tags), tuple(bodies), crossings, path.waypoints[-1][0])


def _in_hand(tag: Tag, rng: Random) -> Tag:
    near = (rng.uniform(-0.1, 0.1), rng.uniform(-0.25, 0.25), rng.uniform(0.8, 1.3))
    return replace(tag, offset=near, within=None)


def _behind(body: Body, move: Move) -> Body:
    """The one who pushes or carries comes after it."""
    away = 0.3 if move.carrier == "hand" else 1.0
    return replace(body, offset=(-away if move.inwards else away, 0.0, 0.0))


def standing(layout: Layout, epcs: Iterator[str], rng: Random) -> list[Tag]:
    """The tags of a layout's heaps."""
    tags: list[Tag] = []
    for heap in layout.heaps:
        own = [next(epcs) for _ in range(heap.tags)]
        path = Path.standing(heap.x_m, heap.y_m)
        heard = pallet(own, path, rng, goods_db_per_m=GOODS_DB_PER_M[heap.goods])
        tags += [replace(tag, loss_db=tag.loss_db + heap.behind_db) for tag in heard]
    return tags


def scene_of(
    layout: Layout, tags: Iterable[Tag], *, seed: int, bodies: Iterable[Body] = ()
) -> Scene:
    """The layout as ``PortalPhysics`` wants it."""
    return Scene(
        antennas=layout.antennas,
        tags=tuple(tags),
        bodies=tuple(bodies),
        seed=seed,
        room=layout.room,
        timing=_TIMINGS[layout.reader],
        region=layout.region,
        session=layout.session,
        echoes_db=layout.echoes_db,
    )


def stage(
    layout: Layout, moves: Iterable[Move], *, seed: int, epcs: Iterator[str] | None = None
) -> Staged:
    """All of it at once: the scene, and what is true of it."""
    rng, names = Random(f"stage {seed}"), epcs or sample_epcs()  # noqa: S311 (chance)
    heaps = standing(layout, names, rng)
    arrivals = [arrival(move, names, rng) for move in moves]
    tags = heaps + [tag for one in arrivals for tag in one.tags]
    bodies = [body for one in arrivals for body in one.bodies]
    crossings = sorted(crossing for one in arrivals for crossing in one.crossings)
    return Staged(
        scene=scene_of(layout, tags, seed=seed, bodies=bodies),
        crossings=tuple(crossings),
        strays=frozenset(tag.epc for tag in heaps),
        ends_s=max((one.ends_s for one in arrivals), default=0.0),
    )


class _File(msgspec.Struct, forbid_unknown_fields=True):
    layout: Layout = msgspec.field(default_factory=Layout)
    moves: tuple[Move, ...] = ()


def read_scene(file: File) -> tuple[Layout, tuple[Move, ...]]:
    """A layout and its moves from a TOML file: ``[layout]``, ``[[layout.heaps]]``, ``[[moves]]``.

    Raises ``ValueError`` with what is wrong in it, ``OSError`` when it cannot be read.
    """
    try:
        found = msgspec.convert(tomllib.loads(file.read_text(encoding="utf-8")), _File)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as wrong:
        raise ValueError(f"{file}: {wrong}") from wrong
    return found.layout, found.moves
