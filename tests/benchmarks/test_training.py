"""Training of the portal's weights: the numerics, and that the same recordings give the same."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from benchmarks.accuracy import regression, train
from benchmarks.accuracy.tapping import Tapped, tapped
from benchmarks.datasets import docks
from central.reconcile.portal.weights import Weights
from drivers.recording import PassTruth, read_recording


def test_a_regression_finds_what_made_the_answers() -> None:
    chance = np.random.default_rng(1)
    x = chance.normal(size=(4_000, 3))
    y = chance.random(4_000) < 1.0 / (1.0 + np.exp(-(2.0 * x[:, 0] - x[:, 1] + 0.5)))
    found = regression.fit(x, y * 1.0, np.ones(4_000), ridge=0.1)
    assert found == pytest.approx([2.0, -1.0, 0.0, 0.5], abs=0.2)


def test_a_net_learns_what_no_regression_can(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regression, "_STEPS", 400)
    chance = np.random.default_rng(1)
    x = chance.normal(size=(1_000, 2))
    y = (x[:, 0] * x[:, 1] > 0.0) * 1.0
    net = regression.fit_net(x, y, np.ones(1_000), ridge=0.1, seed=1)
    assert np.mean((net.odds(x) > 0.0) == (y > 0.5)) > 0.9
    again = regression.fit_net(x, y, np.ones(1_000), ridge=0.1, seed=1)
    assert np.array_equal(net.hidden, again.hidden)


@pytest.fixture(scope="module")
def passes(tmp_path_factory: pytest.TempPathFactory) -> list[Tapped]:
    folder = tmp_path_factory.mktemp("wild")
    paths = [docks.write("wild", "train", folder, number) for number in (0, 7, 13, 14)]
    for path in paths:
        crossings = [one for one in read_recording(path).truths if isinstance(one, PassTruth)]
        movers = [way for one in tapped(path) for way in one.truths if way]
        assert bool(movers) <= bool(crossings)
    return [one for path in paths for one in tapped(path)]


def test_training_is_the_same_twice_and_is_what_judging_reads(
    passes: list[Tapped], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(regression, "_STEPS", 20)
    monkeypatch.setattr(train, "SEEDS", (1,))
    assert {way for one in passes for way in one.truths} == {-1, 0, 1}
    parts = {train.fold_of(one.site) for one in passes if any(one.truths)}
    assert len(parts) > 1, "with one part left out, nothing that moved is left to fit on"
    first, again = train.train(passes), train.train(passes)
    for number, trained in enumerate((first, again)):
        train.write(trained, 4, tmp_path / f"{number}.json")
    written = (tmp_path / "0.json").read_bytes()
    assert written == (tmp_path / "1.json").read_bytes()
    weights = msgspec.json.decode(written, type=Weights)
    assert weights.recordings == 4
    assert weights.figures["wild tracks"] == sum(len(one.tracks) for one in passes if not one.early)
