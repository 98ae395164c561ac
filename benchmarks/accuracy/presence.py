"""Presence and location on recordings: our zones beside fixed windows, SMURF and EdgeX.

``tallyport bench presence --recordings DIR``. Each recording is one zone. Its places are the
sides of its antennas where they are known (a recording of a portal then is one of a zone with an
outside and an inside: who came in, moved in), those that a ``places.json`` beside it names, or
else one place for all.

What is true, and no more than that: a tag that was read was there from its first read to its
last. At the recording's end it is taken away: a real recording goes on without it. A tag with a
truth moved once, where it says; the others did not move. ``places.json`` tells where tags stood.

What is told of each tracker, of the tags that have a truth (``wanted``: in Nedap's scans those in
the box), of the others (``ambient``), of those that are read ``often`` (``OFTEN_PER_S``, at least
``OFTEN_READS`` times) and of ``all``:

* ``false_absent``: share of the time between its first and last read that a tag is told absent, by
  what is told for that time at last; ``live`` by what was known at that moment.
* ``arrival`` and ``lag`` (p50, p95): from the first read until the arrival is known; from the
  last read until the departure is known, of tags that arrived. Known is in the log's time: what
  the edge needs to fold reads (0.1 s), the network and central come on top, for every rule alike.
* ``mistakes_per_h``: how often a tag that is there is told gone, per hour of its time.
* ``false_moves_per_h``: moves of tags that did not move, per hour in which they were present.
* ``moves_found``: true moves after which the tag is last told at the right place, having been told
  to move there; ``move_lag`` (p50, p95) after the truth.
* ``at_place``: share of their time that standing tags are told at the place where they stand.
* ``last_place``: share of the tags that stood whose last told place is where they stood.
* ``curve_*`` and ``left_out_*``: see ``presence_folds``; ``--figure FILE.svg`` draws the curve.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.accuracy.presence_curve import curve, draw
from benchmarks.accuracy.presence_curve import figures as curve_figures
from benchmarks.accuracy.presence_rules import Read, Told, edgex, fixed, smurf
from benchmarks.accuracy.presence_scenes import Scene, scenes_in
from benchmarks.accuracy.presence_zone import judged
from benchmarks.machine import NotHere, describe

BASELINE = "fixed_10s"
SIMPLE: dict[str, Callable[[Sequence[Read]], Iterator[Told]]] = {
    BASELINE: partial(fixed, window_s=10.0),
    "fixed_2s": partial(fixed, window_s=2.0),
    "strongest_mean": partial(fixed, window_s=3600.0),
    "smurf": smurf,
    "edgex": edgex,
}
OFTEN_PER_S, OFTEN_READS = 5.0, 50
"""Such a tag's gaps are so short that by chance (exponential gaps) one is longer than 2 s less than
once an hour: of a tag that is read more seldom, no rule can know so soon."""


class Seen(NamedTuple):
    """How one tag was tracked: seconds, and moves."""

    wanted: bool
    reads: int
    span_s: float
    absent_s: float
    absent_live_s: float
    arrival_s: float | None
    lag_s: float | None
    mistakes: int
    false_moves: int
    move_lag_s: float | None
    move_missed: bool
    stood_s: float
    stood_right_s: float
    last_right: bool


def run(*, recordings: str = "", figure: str = "") -> dict[str, Any]:
    """Track every recording below a folder; raises NotHere when there are none. ``figure`` is where
    to draw the curve.
    """
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
                if key.endswith(("p50", "p95", "mean"))
                else "1/h"
                if "per_h" in key
                else "share",
                "baseline": BASELINE,
                "ratio": round(value / lowest[key], 4) if lowest.get(key) else None,
            }
            for key, value in values.items()
        }
    figures |= _over_lag(scenes, figure)
    return {
        "bench": "presence",
        "machine": describe(),
        "recordings": len(scenes),
        "figures": figures,
        "violations": [],
    }


def _over_lag(scenes: Sequence[Scene], figure: str) -> dict[str, Any]:
    folds: dict[str, list[tuple[float, ...]]] = {}
    for scene in scenes:
        times = [tuple(read.t for read in reads) for reads in scene.reads.values()]
        folds.setdefault(scene.fold, []).extend(times)
    points = curve([tag for tags in folds.values() for tag in tags])
    if figure:
        draw(points, Path(figure))
    units = {"lag_s": "s", "absent": "share", "mistakes_per_h": "1/h"}
    return {
        name: {
            "value": value,
            "unit": next(unit for end, unit in units.items() if name.endswith(end)),
            "baseline": "",
            "ratio": None,
        }
        for name, value in curve_figures(folds, points).items()
    }


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
        reads=len(reads),
        span_s=last_t - first_t,
        absent_s=last_t - first_t - _present_s(told, first_t, last_t, live=False),
        absent_live_s=last_t - first_t - _present_s(told, first_t, last_t, live=True),
        arrival_s=arrivals[0] - first_t if arrivals else None,
        lag_s=departures[-1] - last_t if departures else None,
        mistakes=sum(one.kind == "departed" and one.t < last_t for one in told),
        false_moves=len(moves) if move is None else 0,
        move_lag_s=found,
        move_missed=move is not None and found is None,
        stood_s=last_t - first_t if place is not None else 0.0,
        stood_right_s=_present_s(told, first_t, last_t, live=True, place=place) if place else 0.0,
        last_right=place is not None and _last_place(told) == place,
    )


def _last_place(told: Sequence[Told]) -> str | None:
    return next((one.place for one in reversed(told) if one.kind != "departed"), None)


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
        ("often", [one for one in tags if _is_often(one)]),
        ("all", tags),
    ):
        span_s = sum(one.span_s for one in group)
        if not span_s:
            continue
        values[f"{name}_false_absent"] = sum(one.absent_s for one in group) / span_s
        values[f"{name}_false_absent_live"] = sum(one.absent_live_s for one in group) / span_s
        values[f"{name}_mistakes_per_h"] = 3600 * sum(one.mistakes for one in group) / span_s
        arrived = [one.arrival_s for one in group if one.arrival_s is not None]
        values[f"{name}_arrived"] = len(arrived) / len(group)
        values |= _spread(f"{name}_arrival", arrived)
        lags = [one.lag_s for one in group if one.lag_s is not None]
        values |= _spread(f"{name}_lag", lags)
        if lags:
            values[f"{name}_lag_mean"] = sum(lags) / len(lags)
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
        standing = [one for one in tags if one.stood_s]
        values["last_place"] = sum(one.last_right for one in standing) / len(standing)
        values["at_place"] = sum(one.stood_right_s for one in tags) / stood_s
    return {key: round(max(0.0, value), 5) for key, value in values.items()}


def _is_often(one: Seen) -> bool:
    return one.reads >= max(OFTEN_READS, OFTEN_PER_S * one.span_s)


def _spread(name: str, values: Sequence[float]) -> dict[str, float]:
    if not values:
        return {}
    ranked = sorted(values)
    return {
        f"{name}_{part}": ranked[min(len(ranked) - 1, int(share * len(ranked)))]
        for part, share in (("p50", 0.5), ("p95", 0.95))
    }
