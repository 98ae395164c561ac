"""Logistic regressions and small nets, fitted by Newton's method with numpy: for training only."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
_ROUNDS = 40
_SMALLEST_STEP = 1e-6


def fit(x: Numbers, y: Numbers, weight: Numbers, *, ridge: float, bias: bool = True) -> Numbers:
    """The weights of log-odds ``x @ w`` (the bias last, if there is one) for ``y`` in 0 to 1.

    ``ridge`` is the penalty on squared weights of standardised features, in cases; features
    that never vary get none. Raises ``ValueError`` when nothing is given.
    """
    if not len(x):
        raise ValueError("nothing to fit")
    middle = np.average(x, axis=0, weights=weight) if bias else np.zeros(x.shape[1])
    scale = np.sqrt(np.average((x - middle) ** 2, axis=0, weights=weight))
    scale[scale < 1e-9] = np.inf
    z = (x - middle) / scale
    if bias:
        z = np.hstack([z, np.ones((len(z), 1))])
    penalty = np.full(z.shape[1], ridge)
    if bias:
        penalty[-1] = 1e-6
    found = _newton(z, y, weight, penalty)
    weights = found[: x.shape[1]] / scale
    if not bias:
        return np.asarray(weights)
    return np.append(weights, found[-1] - float(weights @ middle))


def _newton(z: Numbers, y: Numbers, weight: Numbers, penalty: Numbers) -> Numbers:
    found = np.zeros(z.shape[1])
    for _ in range(_ROUNDS):
        p = 1.0 / (1.0 + np.exp(-np.clip(z @ found, -30.0, 30.0)))
        slope = z.T @ (weight * (p - y)) + penalty * found
        bend = (z * (weight * np.maximum(p * (1.0 - p), 1e-6))[:, None]).T @ z
        step = np.linalg.solve(bend + np.diag(penalty), slope)
        longest = float(np.abs(step).max())
        found = found - step / max(longest / 2.0, 1.0)
        if longest < _SMALLEST_STEP:
            break
    return np.asarray(found)


def array(rows: Sequence[Sequence[float]], width: int) -> Numbers:
    """Rows of features, also when there are none."""
    made: Any = np.array(rows, dtype=np.float64)
    return np.asarray(made.reshape(len(rows), width))


class Net(NamedTuple):
    """One hidden layer of ``tanh``: what a regression cannot say, "this, unless that"."""

    hidden: Numbers
    out: Numbers

    def odds(self, x: Numbers) -> Numbers:
        """Log-odds of each row of features as they are."""
        return np.asarray(np.tanh(x @ self.hidden[:-1] + self.hidden[-1]) @ self.out[:-1]) + float(
            self.out[-1]
        )


UNITS = 16
_LOT, _RATE = 512, 0.01


def fit_net(
    x: Numbers,
    y: Numbers,
    weight: Numbers,
    *,
    ridge: float,
    seed: int,
    steps: int,
    units: int = UNITS,
    odd: bool = False,
) -> Net:
    """The same question as ``fit`` for a ``Net``: Adam (Kingma and Ba 2015) with a rate that
    falls to nothing in so many ``steps`` and decay on the weights, from a seed, with so many hidden
    ``units``. An ``odd`` one has no biases: the negative of all features gives the negative of its
    log-odds.
    """
    chance = np.random.default_rng(seed)
    middle = np.zeros(x.shape[1]) if odd else np.average(x, axis=0, weights=weight)
    scale = np.sqrt(np.average((x - middle) ** 2, axis=0, weights=weight))
    scale[scale < 1e-9] = np.inf
    z = np.hstack([(x - middle) / scale, np.full((len(x), 1), 0.0 if odd else 1.0)])
    first = chance.normal(0.0, 0.5 / math.sqrt(z.shape[1]), (z.shape[1], units))
    second = np.append(chance.normal(0.0, 0.1, units), 0.0)
    movers = (_Adam(first), _Adam(second))
    up_to = (weight / weight.sum()).cumsum()
    up_to /= up_to[-1]
    for step in range(1, steps + 1):
        lot = up_to.searchsorted(chance.random(_LOT), side="right")
        rate = _RATE * min(1.0, 1.1 * (1.0 - step / steps) + 1e-3)
        slopes = _slopes(z[lot], y[lot], first, second, ridge / len(x))
        if odd:
            slopes[1][-1] = 0.0
        for mover, slope in zip(movers, slopes, strict=True):
            mover.move(slope, rate, step)
    hidden = first.copy()
    hidden[:-1] /= scale[:, None]
    hidden[-1] = 0.0 if odd else hidden[-1] - middle @ hidden[:-1]
    return Net(hidden, second)


class _Adam:
    """Moves one array down its slopes."""

    def __init__(self, moved: Numbers) -> None:
        self._moved = moved
        self._mean, self._square = np.zeros_like(moved), np.zeros_like(moved)

    def move(self, slope: Numbers, rate: float, step: int) -> None:
        self._mean = 0.9 * self._mean + 0.1 * slope
        self._square = 0.99 * self._square + 0.01 * slope * slope
        fair = np.sqrt(self._square / (1.0 - 0.99**step)) + 1e-8
        self._moved -= rate * self._mean / (1.0 - 0.9**step) / fair


def _slopes(
    z: Numbers, y: Numbers, first: Numbers, second: Numbers, decay: float
) -> tuple[Numbers, Numbers]:
    """The gradients of the mean log-loss and of the decay."""
    shown = np.tanh(z @ first)
    p = 1.0 / (1.0 + np.exp(-np.clip(shown @ second[:-1] + second[-1], -30.0, 30.0)))
    error = (p - y) / len(y)
    back = np.outer(error, second[:-1]) * (1.0 - shown * shown)
    out = np.append(shown.T @ error + decay * second[:-1], error.sum())
    inner = z.T @ back
    inner[:-1] += decay * first[:-1]
    return inner, out
