"""Fits of everything, and what fits of the same kind say of what they were not fitted on.

Emulated recordings are left out in ``FOLDS`` parts, by their names alone. Real walks are few: of
which way one went, fits without that walk alone are asked.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import numpy as np

from benchmarks.accuracy import regression
from benchmarks.accuracy.regression import Numbers

FOLDS = 5
REAL = "r420"
RIDGE = 3.0
DECAY, CURVE_DECAY = 8.0, 30.0
"""The latter for nets that see a group's whole curve."""
SEEDS = (1, 2, 3, 4, 5)
"""So many nets are asked, and their mean is the answer: one alone differs by chance from the next
as much as two kinds of training do."""
WAY_STEPS, WAY_UNITS = 4000, 40


class Whether(NamedTuple):
    """One question of yes or no: the nets fitted on everything, how their log-odds are to be
    stretched, and what others of their kind, fitted without the row's recording, say of each row.
    """

    nets: list[regression.Net]
    scale: tuple[float, float]
    left_out: Numbers


class Way(NamedTuple):
    """The same of a question of in or out: the weights fitted on everything, and the others'."""

    weights: Numbers
    left_out: Numbers


def fold_of(site: str) -> int:
    """Where a recording is left out: by its name alone."""
    return int(hashlib.sha256(site.encode()).hexdigest(), 16) % FOLDS


def alone_of(site: str) -> int:
    """The same for regressions, which are quickly fitted: a real walk is left out by itself."""
    if not site.startswith(REAL):
        return fold_of(site)
    return FOLDS + int(hashlib.sha256(site.encode()).hexdigest()[:8], 16)


def whether(
    x: Numbers,
    y: Numbers,
    fold: Numbers,
    weight: Numbers,
    use: Numbers,
    *,
    steps: int,
    units: int = regression.UNITS,
    decay: float = DECAY,
    most: int | None = None,
) -> Whether:
    """Fit on the rows in ``use``, and on all but each fold of them, in so many ``steps``, from
    all ``SEEDS`` or the first of them.
    """

    def nets(rows: Numbers) -> list[regression.Net]:
        return [
            regression.fit_net(
                x[rows], y[rows], weight[rows], ridge=decay, seed=seed, steps=steps, units=units
            )
            for seed in SEEDS[:most]
        ]

    left_out = np.zeros(len(x))
    for number in range(FOLDS):
        rows = fold == number
        if rows.any():
            found = nets(use & ~rows)
            left_out[rows] = np.mean([net.odds(x[rows]) for net in found], axis=0)
    platt = regression.fit(left_out[use, None], y[use], weight[use], ridge=0.1)
    scale = (float(platt[0]), float(platt[1]))
    return Whether(nets(use), scale, scale[0] * left_out + scale[1])


def which_way(x: Numbers, y: Numbers, fold: Numbers, weight: Numbers, use: Numbers) -> Way:
    """The same without a bias for ``y`` of -1 or 1: swapping the sides swaps the answer."""

    def one(rows: Numbers) -> Numbers:
        return regression.fit(x[rows], (y[rows] + 1.0) / 2.0, weight[rows], ridge=RIDGE, bias=False)

    left_out = np.zeros(len(x))
    for number in np.unique(fold):
        rows = fold == number
        left_out[rows] = x[rows] @ one(use & ~rows)
    return Way(one(use), left_out)


def which_way_by_nets(
    x: Numbers, y: Numbers, fold: Numbers, weight: Numbers, use: Numbers, *, first: int
) -> Whether:
    """The same by odd nets, as many over the ``first`` features alone as over all of them: both
    together were surer and less often wrong than either. What they say is stretched, never shifted.
    """
    went = (y + 1.0) / 2.0

    def nets(rows: Numbers) -> list[regression.Net]:
        return [
            regression.fit_net(
                x[rows, :width], went[rows], weight[rows],
                ridge=decay, seed=seed, steps=WAY_STEPS, units=WAY_UNITS, odd=True,
            )
            for width, decay in ((first, DECAY), (x.shape[1], CURVE_DECAY))
            for seed in SEEDS
        ]  # fmt: skip

    def said(of: list[regression.Net], rows: Numbers) -> Numbers:
        every = [net.odds(x[rows, : len(net.hidden) - 1]) for net in of]
        return np.asarray(np.mean(every, axis=0))

    left_out = np.zeros(len(x))
    for number in range(FOLDS):
        rows = fold == number
        if rows.any():
            left_out[rows] = said(nets(use & ~rows), rows)
    stretch = regression.fit(left_out[use, None], went[use], weight[use], ridge=0.1, bias=False)
    return Whether(nets(use), (float(stretch[0]), 0.0), float(stretch[0]) * left_out)
