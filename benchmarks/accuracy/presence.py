"""Presence and location on recordings: our zones beside fixed windows, SMURF and EdgeX.

``tallyport bench presence --recordings DIR``. Each recording is one zone. Its places are the
sides of its antennas where they are known (a recording of a portal then is one of a zone with an
outside and an inside: who came in, moved in), those that a ``places.json`` beside it names, or
else one place for all.

What is true, and no more than that: a tag that was read was there from its first read to its
last. At the recording's end it is taken away: a real recording goes on without it. A tag with a
truth moved once, where it says; the others did not move. ``places.json`` tells where tags stood.

What is told of each tracker, of the tags that have a truth (``wanted``: in Nedap's scans those in
the box) and of the others (``ambient``) apart:

* ``false_absent``: share of the time between its first and last read that a tag is told absent, by
  what is told for that time at last; ``live`` by what was known at that moment.
* ``arrival`` and ``lag`` (p50, p95): from the first read until the arrival is known; from the
  last read until the departure is known, of tags that arrived.
* ``false_moves_per_h``: moves of tags that did not move, per hour in which they were present.
* ``moves_found``: true moves after which the tag is last told at the right place, having been told
  to move there; ``move_lag`` (p50, p95) after the truth.
* ``at_place``: share of their time that standing tags are told at the place where they stand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from benchmarks.accuracy.presence_rules import Read, Told, edgex, fixed, smurf
from benchmarks.accuracy.presence_zone import judged
from benchmarks.machine import NotHere, describe
from drivers.recording import PassTruth, PortalHeader, Recording, TagHeard, read_recording

BASELINE = "fixed_10s"
SIMPLE: dict[str, Callable[[Sequence[Read]], Iterator[Told]]] = {
    BASELINE: partial(fixed, window_s=10.0),
    "fixed_2s": partial(fixed, window_s=2.0),
    "smurf": smurf,
    "edgex": edgex,
}
PLACES = "places.json"


class Scene(msgspec.Struct, frozen=True):
    """One recording as a zone: each antenna's place, each tag's reads, and what is known of it.

    ``moved`` tells of tags with a truth when they moved and where to; ``stood`` where tags stood.
    """

    antennas: dict[int, str]
    reads: dict[str, list[Read]]
    wanted: frozenset[str]
    moved: dict[str, tuple[float, str]]
    stood: dict[str, str]


class Sidecar(msgspec.Struct, frozen=True):
    """What ``places.json`` says of a recording: antennas' places, and where its tags stood."""

    places: dict[int, str]
    stood: dict[str, str] = {}


class Seen(NamedTuple):
    """How one tag was tracked: seconds, and moves."""

    wanted: bool
    span_s: float
    absent_s: float
    absent_live_s: float
    arrival_s: float | None
    lag_s: float | None
    false_moves: int
    move_lag_s: float | None
    move_missed: bool
    stood_s: float
    stood_right_s: float


def run(*, recordings: str = "") -> dict[str, Any]:
    """Track every recording below a folder; raises NotHere when there are none."""
    scenes = list(scenes_in(Path(recordings))) if recordings else []
    if not scenes:
        raise NotHere(
            "no portal recordings: name their folder with --recordings. Make some with "
            "`tallyport edge capture`, or `python -m benchmarks.datasets.nedap SRC DST`"
        )
    figures: dict[str, Any] = {}
    lowest: dict[str, float] = {}
    for name in (*SIMPLE, "tallyport"):
        values = measured([one for scene in scenes for one in graded(scene, name)])
        lowest = lowest or values
        figures |= {
            f"{name}_{key}": {
                "value": value,
                "unit": "s"
                if key.endswith(("p50", "p95"))
                else "1/h"
                if "per_h" in key
                else "share",
                "baseline": BASELINE,
                "ratio": round(value / lowest[key], 4) if lowest.get(key) else None,
            }
            for key, value in values.items()
        }
    return {
        "bench": "presence",
        "machine": describe(),
        "recordings": len(scenes),
        "figures": figures,
        "violations": [],
    }


def scenes_in(folder: Path) -> Iterator[Scene]:
    """Every portal recording below the folder, as a zone."""
    for path in sorted([*folder.rglob("*.jsonl"), *folder.rglob("*.jsonl.gz")]):
        recording = read_recording(path)
        if isinstance(recording.header, PortalHeader):
            beside = path.with_name(PLACES)
            told = (
                msgspec.json.decode(beside.read_bytes(), type=dict[str, Sidecar])
                if beside.exists()
                else {}
            )
            yield scene_of(recording, told.get(path.name))


def scene_of(recording: Recording, sidecar: Sidecar | None = None) -> Scene:
    """A recording of a portal as a zone; antennas of which nothing is known watch one place."""
    header = recording.header
    assert isinstance(header, PortalHeader)
    places: dict[int, str] = {
        one.antenna: one.side for one in header.antennas if one.side != "unknown"
    }
    if sidecar is not None:
        places = dict(sidecar.places)
    elif not places:
        places = {one.antenna: "here" for one in header.antennas}
    reads: dict[str, list[Read]] = {}
    for line in recording.heard:
        if isinstance(line, TagHeard) and line.antenna in places:
            dbm = -60.0 if line.peak_rssi_dbm is None else line.peak_rssi_dbm
            read = Read(line.t, line.antenna, places[line.antenna], dbm)
            reads.setdefault(line.epc.upper(), []).append(read)
    truths = [line for line in recording.truths if isinstance(line, PassTruth)]
    sided = len(set(places.values())) > 1 and sidecar is None
    return Scene(
        antennas=places,
        reads=reads,
        wanted=frozenset(line.epc.upper() for line in truths),
        moved={
            line.epc.upper(): (line.t, "inside" if line.direction == "in" else "outside")
            for line in truths
            if sided
        },
        stood={} if sidecar is None else {epc.upper(): at for epc, at in sidecar.stood.items()},
    )


def graded(scene: Scene, tracker: str) -> Iterator[Seen]:
    """How a tracker followed each tag of a scene."""
    if tracker == "tallyport":
        told = judged(scene.antennas, scene.reads)
    else:
        told = {epc: list(SIMPLE[tracker](reads)) for epc, reads in scene.reads.items()}
    for epc, reads in scene.reads.items():
        yield _seen(scene, epc, reads, told.get(epc, []))


def _seen(scene: Scene, epc: str, reads: Sequence[Read], told: Sequence[Told]) -> Seen:
    first_t, last_t = reads[0].t, reads[-1].t
    arrivals = [one.known_t for one in told if one.kind == "arrived"]
    departures = [one.known_t for one in told if one.kind == "departed"]
    moves = [one for one in told if one.kind == "moved" and one.t <= last_t]
    move = scene.moved.get(epc)
    found = _found(move, told, last_t) if move is not None else None
    place = scene.stood.get(epc)
    return Seen(
        wanted=epc in scene.wanted,
        span_s=last_t - first_t,
        absent_s=last_t - first_t - _present_s(told, first_t, last_t, live=False),
        absent_live_s=last_t - first_t - _present_s(told, first_t, last_t, live=True),
        arrival_s=arrivals[0] - first_t if arrivals else None,
        lag_s=departures[-1] - last_t if departures else None,
        false_moves=len(moves) if move is None else 0,
        move_lag_s=found,
        move_missed=move is not None and found is None,
        stood_s=last_t - first_t if place is not None else 0.0,
        stood_right_s=_present_s(told, first_t, last_t, live=True, place=place) if place else 0.0,
    )


def _present_s(
    told: Sequence[Told], first_t: float, last_t: float, *, live: bool, place: str | None = None
) -> float:
    """How long, between the two, a tag is told present (at that place)."""
    total, since, at = 0.0, None, ""
    for one in told:
        t = min(max(one.known_t if live else one.t, first_t), last_t)
        if since is not None and place in {None, at}:
            total += max(0.0, t - since)
        since = None if one.kind == "departed" else t
        at = one.place
    if since is not None and place in {None, at}:
        total += last_t - since
    return total


def _found(move: tuple[float, str], told: Sequence[Told], last_t: float) -> float | None:
    """How long after a true move the tag is told to be at its new place, if it stays there."""
    _, place = move
    before = [one for one in told if one.kind != "departed" and one.t <= last_t]
    if not before or before[-1].place != place or len({one.place for one in before}) < 2:
        return None
    arrived_t = before[-1].known_t
    for one in reversed(before):
        if one.place != place:
            break
        arrived_t = one.known_t
    return arrived_t - move[0]


def measured(tags: Sequence[Seen]) -> dict[str, float]:
    """The figures of the module's list, those that these tags have."""
    values: dict[str, float] = {}
    for name, group in (
        ("wanted", [one for one in tags if one.wanted]),
        ("ambient", [one for one in tags if not one.wanted]),
    ):
        span_s = sum(one.span_s for one in group)
        if not span_s:
            continue
        values[f"{name}_false_absent"] = sum(one.absent_s for one in group) / span_s
        values[f"{name}_false_absent_live"] = sum(one.absent_live_s for one in group) / span_s
        arrived = [one.arrival_s for one in group if one.arrival_s is not None]
        values[f"{name}_arrived"] = len(arrived) / len(group)
        values |= _spread(f"{name}_arrival", arrived)
        values |= _spread(f"{name}_lag", [one.lag_s for one in group if one.lag_s is not None])
    still = [one for one in tags if one.move_lag_s is None and not one.move_missed]
    still_h = sum(one.span_s for one in still) / 3600
    if still_h:
        values["false_moves_per_h"] = sum(one.false_moves for one in still) / still_h
    found = [one.move_lag_s for one in tags if one.move_lag_s is not None]
    movers = len(found) + sum(one.move_missed for one in tags)
    if movers:
        values["moves_found"] = len(found) / movers
        values |= _spread("move_lag", found)
    stood_s = sum(one.stood_s for one in tags)
    if stood_s:
        values["at_place"] = sum(one.stood_right_s for one in tags) / stood_s
    return {key: round(max(0.0, value), 5) for key, value in values.items()}


def _spread(name: str, values: Sequence[float]) -> dict[str, float]:
    if not values:
        return {}
    ranked = sorted(values)
    return {
        f"{name}_{part}": ranked[min(len(ranked) - 1, int(share * len(ranked)))]
        for part, share in (("p50", 0.5), ("p95", 0.95))
    }
