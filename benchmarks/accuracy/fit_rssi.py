"""Fit the classifier of levels and times on recordings made for training.

``python -m benchmarks.accuracy.fit_rssi DIR...`` writes ``rssi_weights.json``. Logistic regression
by Newton's method with a ridge, in plain Python: no chance is in it, the same recordings give the
same weights. A piece of a tag's reads is an example of "crossed" when the tag's true crossings
during it (3 s either way) add up to a net way; then it is also one of that direction.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from pathlib import Path

import msgspec

from benchmarks.accuracy.rssi import FEATURES, WAYS, WEIGHTS, Model, Weights, lags, levels, pieces
from drivers.recording import PassTruth, Recording, read_recording

_RIDGE = 1.0
_STEPS = 12
_BESIDE_S = 3.0


def examples(recording: Recording) -> tuple[list[tuple[list[float], int]], ...]:
    """What is to be learned of crossing, and of direction: features with 1 or 0."""
    truths: dict[str, list[PassTruth]] = {}
    for truth in recording.truths:
        if isinstance(truth, PassTruth):
            truths.setdefault(truth.epc.upper(), []).append(truth)
    crossed, inwards = [], []
    for epc, reads, sides in pieces(recording):
        first, last = reads[0].t - _BESIDE_S, reads[-1].t + _BESIDE_S
        net = sum(
            1 if one.direction == "in" else -1
            for one in truths.get(epc, ())
            if first <= one.t <= last
        )
        crossed.append((levels(reads, sides), int(net != 0)))
        if net:
            inwards.append((lags(reads, sides), int(net > 0)))
    return crossed, inwards


def fit(names: Sequence[str], rows: Sequence[tuple[Sequence[float], int]]) -> Model:
    """The weights under which the rows are most likely, a ridge held against them."""
    columns = list(zip(*(row for row, _ in rows), strict=True))
    means = [sum(column) / len(rows) for column in columns]
    spreads = [
        math.sqrt(sum((v - m) ** 2 for v in column) / len(rows)) or 1.0
        for column, m in zip(columns, means, strict=True)
    ]
    scaled = [
        ([1.0, *((v - m) / s for v, m, s in zip(row, means, spreads, strict=True))], yes)
        for row, yes in rows
    ]
    weights = [0.0] * (len(names) + 1)
    for _ in range(_STEPS):
        weights = _step(weights, scaled)
    return Model(
        tuple(names),
        tuple(round(m, 5) for m in means),
        tuple(round(s, 5) for s in spreads),
        tuple(round(w, 5) for w in weights[1:]),
        round(weights[0], 5),
    )


def _step(weights: list[float], rows: Sequence[tuple[list[float], int]]) -> list[float]:
    size = len(weights)
    slope = [-_RIDGE * w if i else 0.0 for i, w in enumerate(weights)]
    bend = [[_RIDGE if i == j and i else 0.0 for j in range(size)] for i in range(size)]
    for row, yes in rows:
        score = sum(w * v for w, v in zip(weights, row, strict=True))
        p = 1.0 / (1.0 + math.exp(-min(max(score, -30.0), 30.0)))
        miss, curve = yes - p, max(p * (1.0 - p), 1e-9)
        for i, value in enumerate(row):
            slope[i] += miss * value
            part, line = curve * value, bend[i]
            for j in range(i + 1):
                line[j] += part * row[j]
    for i in range(size):
        for j in range(i):
            bend[j][i] = bend[i][j]
    return [w + d for w, d in zip(weights, _solved(bend, slope), strict=True)]


def _solved(matrix: list[list[float]], right: list[float]) -> list[float]:
    """Gaussian elimination with pivots."""
    size = len(right)
    rows = [[*line, value] for line, value in zip(matrix, right, strict=True)]
    for i in range(size):
        best = max(range(i, size), key=lambda r: abs(rows[r][i]))
        rows[i], rows[best] = rows[best], rows[i]
        for r in range(i + 1, size):
            factor = rows[r][i] / rows[i][i]
            for c in range(i, size + 1):
                rows[r][c] -= factor * rows[i][c]
    found = [0.0] * size
    for i in reversed(range(size)):
        known = sum(rows[i][c] * found[c] for c in range(i + 1, size))
        found[i] = (rows[i][size] - known) / rows[i][i]
    return found


def main() -> int:
    """Command line; gives the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy.fit_rssi")
    parser.add_argument("folders", metavar="DIR", nargs="+", type=Path)
    folders: list[Path] = parser.parse_args().folders
    paths = sorted(path for folder in folders for path in folder.glob("*.jsonl*"))
    crossed: list[tuple[list[float], int]] = []
    inwards: list[tuple[list[float], int]] = []
    for path in paths:
        of_crossing, of_way = examples(read_recording(path))
        crossed += of_crossing
        inwards += of_way
    kept = Weights(
        f"python -m benchmarks.accuracy.fit_rssi {' '.join(folder.name for folder in folders)}",
        len(paths),
        len(crossed),
        fit(FEATURES, crossed),
        fit(WAYS, inwards),
    )
    WEIGHTS.write_bytes(msgspec.json.format(msgspec.json.encode(kept), indent=1) + b"\n")
    print(f"{len(crossed)} pieces of {len(paths)} recordings, {len(inwards)} of them crossed")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
