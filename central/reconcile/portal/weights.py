"""The portal's weights: data beside the code, read once; ``python -m benchmarks.accuracy.train``
writes them with the figures they reached on recordings that they were not fitted on.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import mul
from pathlib import Path

import msgspec

_BOUND = 12.0


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A logistic regression over named features."""

    names: list[str]
    weights: list[float]
    bias: float = 0.0

    def log_odds(self, values: Sequence[float]) -> float:
        """The log-odds, within what a float's exponential bears."""
        odds = self.bias + math.fsum(map(mul, self.weights, values))
        return min(max(odds, -_BOUND), _BOUND)


class Layer(msgspec.Struct, frozen=True, kw_only=True):
    """One hidden layer of ``tanh``: each unit's weights and bias, and what it adds to the odds."""

    units: list[list[float]]
    biases: list[float]
    out: list[float]
    bias: float

    def log_odds(self, values: Sequence[float]) -> float:
        """The log-odds."""
        odds = self.bias
        for unit, bias, out in zip(self.units, self.biases, self.out, strict=True):
            odds += out * math.tanh(bias + math.fsum(map(mul, unit, values)))
        return odds


class Net(msgspec.Struct, frozen=True, kw_only=True):
    """A few layers that were fitted from different seeds: the mean of what they say, stretched
    to the sureness that their answers on recordings left out deserved (Platt's scaling).
    """

    names: list[str]
    layers: list[Layer]
    stretch: float = 1.0
    shift: float = 0.0

    def log_odds(self, values: Sequence[float]) -> float:
        """The log-odds, within what a float's exponential bears."""
        odds = sum(layer.log_odds(values) for layer in self.layers) / len(self.layers)
        return min(max(self.stretch * odds + self.shift, -_BOUND), _BOUND)


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """Which way a group went: odd nets, some of which see the first of the features alone. With the
    sides swapped the answer is the negative. Older weights are a line.
    """

    names: list[str]
    weights: list[float] = []
    layers: list[Layer] = []
    stretch: float = 1.0

    def log_odds(self, values: Sequence[float]) -> float:
        """The log-odds for inwards, within what a float's exponential bears."""
        odds = math.fsum(map(mul, self.weights, values))
        if self.layers:
            odds += (
                self.stretch * sum(one.log_odds(values) for one in self.layers) / len(self.layers)
            )
        return min(max(odds, -_BOUND), _BOUND)


class Weights(msgspec.Struct, frozen=True, kw_only=True):
    """All stages, in the order in which they are asked; ``figures`` by suite and measure."""

    version: int
    command: str
    recordings: int
    figures: dict[str, float]
    tag: Net
    tag_way: Line
    group: Net
    group_way: Way
    member: Net
    member_way: Line


WEIGHTS = msgspec.json.decode(Path(__file__).with_name("weights.json").read_bytes(), type=Weights)
