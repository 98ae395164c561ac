"""Fit the weights of the portal's judging on recordings, and say how good they are.

``python -m benchmarks.accuracy.train RECORDINGS...`` (files or folders) runs them through the
production reconciler, taps every pass at the moment of judging, and fits the regressions of
``central.reconcile.portal.crossing`` in turn: each tag by itself, the group as a whole, each tag in
its group. A later one learns from what an earlier one says of recordings that it was not fitted
on (``FOLDS`` parts, by recording), as it will have to judge. The figures printed and written beside
the weights are of such recordings too; the lines that have a say in the way of a real walk are
fitted without that walk alone.
The same recordings always give the same weights.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from benchmarks.accuracy import labelled, written
from benchmarks.accuracy.backwards import backwards
from benchmarks.accuracy.left_out import (
    CURVE_DECAY,
    FOLDS,
    REAL,
    Way,
    Whether,
    alone_of,
    fold_of,
    whether,
    which_way,
    which_way_by_nets,
)
from benchmarks.accuracy.regression import Numbers, array
from benchmarks.accuracy.tapping import Tapped, tapped
from benchmarks.datasets import odd_docks, second_radio
from central.reconcile.portal import cohort, crossing
from central.reconcile.portal.cohort import (
    FIT,
    FIT_WAY,
    GROUP,
    GROUP_CURVE,
    GROUP_WAY,
    Group,
    Look,
    Voice,
)
from central.reconcile.portal.features import SHAPE, WAY
from central.reconcile.portal.weights import Line, Net, Weights
from central.reconcile.portal.weights import Way as ByNets

VERSION = 2
COUNTS = {REAL: 70.0} | dict.fromkeys((*second_radio.SUITES, *odd_docks.KINDS), 0.5)
"""A tag of a real walk counts as so many of a dock, one of the second emulator or of an odd dock
as half of one. By the beginning of a recording's name."""
PLAIN, PLAIN_COUNTS = "standard", 3.0
"""A group at a dock as it should be counts so much: of hard docks there are three times as many."""
STEPS, GROUP_STEPS, GROUP_UNITS = 2500, 6000, 40
"""There is more to a group than to a tag: on recordings left out, fewer did worse."""
TAG_NETS, TAG_UNITS = 3, 24
"""Every tag is asked by itself at each look: fewer nets of it are quicker."""
LEAST_WEIGHT = 0.5
"""A group counts as the root of the tags that are expected to have crossed with it, or of this: a
pallet of thirty is worth more than a case, and not as much as thirty."""
EARLY_COUNTS = 0.2
"""A look at a pass that is not over is worth less: there are many of the same pass."""
_WEIGHTS = Path(crossing.__file__).with_name("weights.json")
_BINS = 10


class Tags(NamedTuple):
    """All tags of all passes as rows; ``truth`` is -1, 0 or 1, ``fold`` where it is left out,
    ``alone`` where its way is.
    """

    shape: Numbers
    way: Numbers
    truth: Numbers
    fold: Numbers
    alone: Numbers
    weight: Numbers


class Trained(NamedTuple):
    """The weights as they are written down, and what they reach on recordings left out."""

    stages: dict[str, Net | Line | ByNets]
    figures: dict[str, float]


class NothingToFit(ValueError):
    """Too little was recorded to learn from; the message says what is missing."""


def train(passes: Sequence[Tapped], people: Sequence[labelled.Row] = ()) -> Trained:
    """All stages in turn; what ``people`` said of tags teaches the first.

    Raises ``NothingToFit``.
    """
    said = [crossing.looks(one.tracks, one.lain, one.known) for one in passes]
    tags = _tags(passes, said)
    every = _with_labels(tags, people)
    moved = every.truth != 0
    placed = moved & (np.abs(every.way).sum(axis=1) > 0)
    _check(tags, passes)
    tag = whether(
        every.shape,
        moved * 1.0,
        every.fold,
        every.weight,
        np.ones(len(moved), bool),
        steps=STEPS,
        units=TAG_UNITS,
        most=TAG_NETS,
    )
    tag_way = which_way(every.way, every.truth, every.alone, every.weight, placed)
    tag = tag._replace(left_out=tag.left_out[: len(tags.truth)])
    tag_way = tag_way._replace(left_out=tag_way.left_out[: len(tags.truth)])
    spoken = _spoken(said, tag.left_out, tag_way.left_out)
    return _later(passes, spoken, tags, tag, tag_way)


def _tags(passes: Sequence[Tapped], said: Sequence[Sequence[Look]]) -> Tags:
    rows = [look.seen for looks in said for look in looks]
    truth = [way for one in passes for way in one.truths]
    fold = [fold_of(one.site) for one in passes for _ in one.tracks]
    alone = [alone_of(one.site) for one in passes for _ in one.tracks]
    counts = [_counts(one) for one in passes for _ in one.tracks]
    return Tags(
        array([row.shape for row in rows], len(SHAPE)),
        array([row.way for row in rows], len(WAY)),
        np.array(truth, dtype=np.float64),
        np.array(fold, dtype=np.float64),
        np.array(alone, dtype=np.float64),
        np.array(counts, dtype=np.float64),
    )


def _counts(one: Tapped) -> float:
    """As how many a pass counts."""
    worth = next((count for name, count in COUNTS.items() if one.site.startswith(name)), 1.0)
    return worth * (EARLY_COUNTS if one.early else 1.0)


def _with_labels(tags: Tags, people: Sequence[labelled.Row]) -> Tags:
    """The tags of recordings, and those that people spoke of behind them."""
    return Tags(
        np.vstack([tags.shape, array([one.shape for one in people], len(SHAPE))]),
        np.vstack([tags.way, array([one.way for one in people], len(WAY))]),
        np.append(tags.truth, [float(one.truth) for one in people]),
        np.append(tags.fold, [float(fold_of(one.review)) for one in people]),
        np.append(tags.alone, [float(fold_of(one.review)) for one in people]),
        np.append(tags.weight, np.ones(len(people))),
    )


def _check(tags: Tags, passes: Sequence[Tapped]) -> None:
    """Every part is left out in turn: what is asked must be answered in two parts at least."""
    heard = f"{len({one.site for one in passes})} recordings with anything to judge in them"
    moved = tags.truth != 0
    sided = moved & (np.abs(tags.way).sum(axis=1) > 0)
    for what, rows in (
        ("a tag that crossed", moved),
        ("a tag that crossed before antennas whose sides are known", sided),
    ):
        parts = {int(fold) for fold in tags.fold[rows]}
        if len(parts) < 2:
            raise NothingToFit(
                f"nothing to fit: of {heard}, those with {what} are in {len(parts)} of {FOLDS} "
                "parts (by their names), and weights are tried on a part that they were not "
                "fitted on: give more recordings with passes and their truth"
            )


def _spoken(said: Sequence[Sequence[Look]], tag: Numbers, tag_way: Numbers) -> list[list[Voice]]:
    """What the first stage said of each tag, by weights that were fitted without it."""
    place = 0
    spoken: list[list[Voice]] = []
    for looks in said:
        spoken.append([])
        for look in looks:
            bounded = float(np.clip(tag[place], -12.0, 12.0))
            spoken[-1].append(Voice(*look, crossing.logistic(bounded), float(tag_way[place])))
            place += 1
    return spoken


class _Cohorts:
    """Groups as rows, and each tag's row in its group."""

    def __init__(self, passes: Sequence[Tapped], spoken: Sequence[Sequence[Voice]]) -> None:
        self.groups: list[Group] = []
        self.fold: list[int] = []
        self.alone: list[int] = []
        self.weight: list[float] = []
        self.over: list[bool] = []
        self.rows: list[tuple[tuple[float, ...], tuple[float, ...]]] = []
        self.movers: list[dict[int, int]] = []
        self.member_of: list[int] = []
        self.voices: list[Voice] = []
        self.truths: list[int] = []
        for one, voices in zip(passes, spoken, strict=True):
            found, nearest = cohort.groups(voices)
            first = len(self.groups)
            self.groups += found
            self.rows += [cohort.of_group(group, len(voices)) for group in found]
            self.fold += [fold_of(one.site)] * len(found)
            self.alone += [alone_of(one.site)] * len(found)
            worth = _counts(one) * (PLAIN_COUNTS if one.site.startswith(PLAIN) else 1.0)
            self.weight += [worth * math.sqrt(max(group.weight, LEAST_WEIGHT)) for group in found]
            self.over += [not one.early] * len(found)
            self.movers += [{-1: 0, 0: 0, 1: 0} for _ in found]
            for voice, place, way in zip(voices, nearest, one.truths, strict=True):
                self.member_of.append(-1 if place is None else first + place)
                self.voices.append(voice)
                self.truths.append(way)
                if place is not None:
                    self.movers[first + place][way] += 1

    def went(self) -> Numbers:
        """1 for groups inwards, -1 for outwards, 0 for those that did not go through."""
        ways = []
        for group, count in zip(self.groups, self.movers, strict=True):
            most = max(count[1], count[-1])
            enough = most >= max(1.0, 0.2 * group.weight)
            ways.append((1 if count[1] >= count[-1] else -1) if enough else 0)
        return np.array(ways, dtype=np.float64)


def _later(
    passes: Sequence[Tapped],
    spoken: Sequence[Sequence[Voice]],
    tags: Tags,
    tag: Whether,
    tag_way: Way,
) -> Trained:
    """The stages of the group and of its members."""
    found = _Cohorts(passes, spoken)
    went, fold = found.went(), np.array(found.fold, dtype=np.float64)
    weight = np.array(found.weight)
    shape = array([row[0] for row in found.rows], len(GROUP))
    way = array([row[1] for row in found.rows], len(GROUP_CURVE))
    through = went != 0
    group = _went_through(shape, through * 1.0, fold, weight, np.array(found.over, dtype=bool))
    sided = through & (np.abs(way).sum(axis=1) > 0)
    group_way = which_way_by_nets(way, went, fold, weight, sided, first=len(GROUP_WAY))
    member_of = np.array(found.member_of)
    has = member_of >= 0
    of = np.where(has, member_of, 0)
    fits = array(
        [
            cohort.of_member(voice, found.groups[place], float(group_way.left_out[place]))
            if place >= 0
            else (0.0,) * len(FIT)
            for voice, place in zip(found.voices, found.member_of, strict=True)
        ],
        len(FIT),
    )
    moved = tags.truth != 0
    member = whether(fits, moved * 1.0, tags.fold, tags.weight, has & through[of], steps=STEPS)
    both = np.column_stack([tag_way.left_out, np.where(has, group_way.left_out[of], 0.0)])
    member_way = which_way(both, tags.truth, tags.alone, tags.weight, moved & has & sided[of])
    p_group = np.where(has, _p(group.left_out)[of], 0.0)
    p = np.where(has, p_group * _p(member.left_out), _p(tag.left_out))
    inwards = np.where(has, _p(member_way.left_out), _p(tag_way.left_out))
    stages: dict[str, Net | Line | ByNets] = {
        "tag": written.net(tag, SHAPE),
        "tag_way": written.line(tag_way, WAY),
        "group": written.net(group, GROUP),
        "group_way": written.way(group_way, GROUP_CURVE),
        "member": written.net(member, FIT),
        "member_way": written.line(member_way, FIT_WAY),
    }
    sites = np.array(
        ["" if one.early else one.site.split("-")[0] for one in passes for _ in one.tracks]
    )
    figures: dict[str, float] = {}
    for suite in sorted({*sites} - {""}):
        mine = sites == suite
        figures |= {
            f"{suite} {name}": value
            for name, value in _figures(p[mine], inwards[mine], tags.truth[mine]).items()
        }
    return Trained(stages, figures)


def _went_through(
    shape: Numbers, through: Numbers, fold: Numbers, weight: Numbers, over: Numbers
) -> Whether:
    """Whether groups did; those that were ``over`` teach it backwards as well."""
    x = np.vstack([shape, backwards(shape[over], GROUP)])
    y = np.append(through, through[over])
    every = np.ones(len(x), bool)
    folds, weights = np.append(fold, fold[over]), np.append(weight, weight[over])
    fitted = whether(
        x, y, folds, weights, every, steps=GROUP_STEPS, units=GROUP_UNITS, decay=CURVE_DECAY
    )
    return fitted._replace(left_out=fitted.left_out[: len(shape)])


def _p(log_odds: Numbers) -> Numbers:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(log_odds, -30.0, 30.0))))


def _figures(p: Numbers, inwards: Numbers, truth: Numbers) -> dict[str, float]:
    """F1 of tags with their way, the way's accuracy, and the expected calibration error."""
    said, moved = p >= 0.5, truth != 0
    right = np.where(inwards >= 0.5, 1, -1) == truth
    both = said & moved
    sure = np.where(said, p * np.maximum(inwards, 1.0 - inwards), 1.0 - p)
    true = np.where(said, right, ~moved)
    return {
        "tracks": float(len(p)),
        "movers": float(moved.sum()),
        "f1": round(2.0 * float((said & right).sum()) / max(float(said.sum() + moved.sum()), 1), 4),
        "f1_no_way": round(2.0 * float(both.sum()) / max(float(said.sum() + moved.sum()), 1), 4),
        "direction": round(float(right[both].mean()) if both.any() else 0.0, 4),
        "ece": round(_calibration_error(sure, true), 4),
    }


def _calibration_error(sure: Numbers, true: Numbers) -> float:
    """Naeini et al. (AAAI 2015): the mean gap of confidence and accuracy over ten bins."""
    place = np.minimum((sure * _BINS).astype(int), _BINS - 1)
    gaps = [
        (place == bin_).mean() * abs(sure[place == bin_].mean() - true[place == bin_].mean())
        for bin_ in range(_BINS)
        if (place == bin_).any()
    ]
    return float(sum(gaps))


def write(trained: Trained, recordings: int, destination: Path) -> None:
    """The weights as JSON, with what they reached."""
    told = {
        "version": VERSION,
        "command": "python -m benchmarks.accuracy.train",
        "recordings": recordings,
        "figures": trained.figures,
        **trained.stages,
    }
    weights = msgspec.convert(msgspec.to_builtins(told), Weights)
    destination.write_bytes(msgspec.json.format(msgspec.json.encode(weights), indent=0) + b"\n")


def gather(paths: Sequence[Path], workers: int | None) -> list[Tapped]:
    """Every pass of these recordings."""
    with ProcessPoolExecutor(workers) as pool:
        packed = pool.map(_packed, paths, chunksize=4)
        return [one for some in packed for one in msgspec.msgpack.decode(some, type=list[Tapped])]


def _packed(path: Path) -> bytes:
    """Bytes cross from one process to another faster than what they say."""
    return msgspec.msgpack.encode(tapped(path))


def main(arguments: list[str] | None = None) -> int:
    """Command line; gives the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.accuracy.train", description=__doc__
    )
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("recordings", nargs="+", type=Path, help="portal recordings, or folders")
    parser.add_argument("--weights", type=Path, default=_WEIGHTS, help="the module to write")
    parser.add_argument("--labels", type=Path, help="what `tallyport central labels` wrote")
    parser.add_argument("--workers", type=int, default=None)
    options = parser.parse_args(arguments)
    paths = sorted(path for one in options.recordings for path in _recordings(one))
    try:
        people = labelled.read_labels(options.labels) if options.labels else []
        trained = train(gather(paths, options.workers), people)
    except (NothingToFit, labelled.NoLabels, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    write(trained, len(paths), options.weights)
    print(json.dumps(trained.figures, indent=1))
    return 0


def _recordings(path: Path) -> list[Path]:
    return [path] if path.is_file() else [*path.rglob("*.jsonl"), *path.rglob("*.jsonl.gz")]


if __name__ == "__main__":
    raise SystemExit(main())
