"""Fits as the portal's weights have them: rounded, and with the names of what they see."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.accuracy import left_out
from benchmarks.accuracy.left_out import Whether
from benchmarks.accuracy.regression import Numbers
from central.reconcile.portal.weights import Layer, Line, Net, Way


def net(fitted: Whether, names: Sequence[str]) -> Net:
    """Nets that say whether."""
    stretch, shift = fitted.scale
    layers = _layers(fitted)
    return Net(names=list(names), layers=layers, stretch=round(stretch, 4), shift=round(shift, 4))


def way(fitted: Whether, names: Sequence[str]) -> Way:
    """Odd nets that say which way."""
    return Way(names=list(names), layers=_layers(fitted), stretch=round(fitted.scale[0], 4))


def line(fitted: left_out.Way, names: Sequence[str]) -> Line:
    """A regression that says which way."""
    return Line(names=list(names), weights=_rounded(fitted.weights))


def _layers(fitted: Whether) -> list[Layer]:
    return [
        Layer(
            units=[_rounded(unit) for unit in one.hidden[:-1].T],
            biases=_rounded(one.hidden[-1]),
            out=_rounded(one.out[:-1]),
            bias=round(float(one.out[-1]), 5),
        )
        for one in fitted.nets
    ]


def _rounded(numbers: Numbers) -> list[float]:
    return [round(float(one), 5) for one in numbers]
