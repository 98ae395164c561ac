"""Training of the portal's weights: the numerics, and that the same recordings give the same."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from benchmarks.accuracy import labelled, left_out, regression, train
from benchmarks.accuracy.tapping import Tapped, tapped
from benchmarks.datasets import docks
from central.reconcile.portal import crossing
from central.reconcile.portal.weights import Weights
from drivers.recording import PassTruth, read_recording


def test_a_regression_finds_what_made_the_answers() -> None:
    chance = np.random.default_rng(1)
    x = chance.normal(size=(4_000, 3))
    y = chance.random(4_000) < 1.0 / (1.0 + np.exp(-(2.0 * x[:, 0] - x[:, 1] + 0.5)))
    found = regression.fit(x, y * 1.0, np.ones(4_000), ridge=0.1)
    assert found == pytest.approx([2.0, -1.0, 0.0, 0.5], abs=0.2)


def test_a_net_learns_what_no_regression_can() -> None:
    chance = np.random.default_rng(1)
    x = chance.normal(size=(1_000, 2))
    y = (x[:, 0] * x[:, 1] > 0.0) * 1.0
    net = regression.fit_net(x, y, np.ones(1_000), ridge=0.1, seed=1, steps=400)
    assert np.mean((net.odds(x) > 0.0) == (y > 0.5)) > 0.9
    again = regression.fit_net(x, y, np.ones(1_000), ridge=0.1, seed=1, steps=400)
    assert np.array_equal(net.hidden, again.hidden)


def test_an_odd_net_says_the_negative_of_the_negative() -> None:
    chance = np.random.default_rng(1)
    x = chance.normal(0.5, 1.0, size=(1_000, 2))
    y = (x[:, 0] + x[:, 1] ** 3 > 0.0) * 1.0
    net = regression.fit_net(x, y, np.ones(1_000), ridge=0.1, seed=1, steps=400, odd=True)
    assert np.mean((net.odds(x) > 0.0) == (y > 0.5)) > 0.9
    assert net.odds(-x) == pytest.approx(-net.odds(x))


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
    monkeypatch.setattr(train, "STEPS", 20)
    monkeypatch.setattr(train, "GROUP_STEPS", 20)
    monkeypatch.setattr(left_out, "SEEDS", (1,))
    assert {way for one in passes for way in one.truths} == {-1, 0, 1}
    parts = {left_out.fold_of(one.site) for one in passes if any(one.truths)}
    assert len(parts) > 1, "with one part left out, nothing that moved is left to fit on"
    first, again = train.train(passes), train.train(passes)
    for number, trained in enumerate((first, again)):
        train.write(trained, 4, tmp_path / f"{number}.json")
    written = (tmp_path / "0.json").read_bytes()
    assert written == (tmp_path / "1.json").read_bytes()
    weights = msgspec.json.decode(written, type=Weights)
    assert weights.recordings == 4
    assert weights.figures["wild tracks"] == sum(len(one.tracks) for one in passes if not one.early)


def said(passes: list[Tapped], truth: dict[int, str]) -> bytes:
    """The tags of passes as ``central labels`` writes what people said of them."""
    lines: list[object] = [{"tallyport_labels": 1, "app": "0.1.0"}]
    for place, one in enumerate(passes):
        looks = crossing.looks(one.tracks, one.lain, one.known)
        for look, way in zip(looks, one.truths, strict=True):
            features = {"crossed": 0.5, "features": look.seen.named()}
            lines.append(
                {
                    "review": f"review-{place}", "kind": "tag", "subject": "AA",
                    "truth": truth[way], "features": features,
                }
            )  # fmt: skip
    lines.append({"review": "r", "kind": "plate", "subject": "1", "truth": "+2", "features": {}})
    lines.append({"review": "r", "kind": "tag", "truth": "in", "features": {"features": {"x": 1}}})
    return b"\n".join(map(msgspec.json.encode, lines))


def test_what_people_said_is_learnt_from(
    passes: list[Tapped], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train, "STEPS", 20)
    monkeypatch.setattr(train, "GROUP_STEPS", 20)
    monkeypatch.setattr(left_out, "SEEDS", (1,))
    file = tmp_path / "labels.jsonl"
    file.write_bytes(said(passes, {1: "none", -1: "none", 0: "none"}))
    rows = labelled.read_labels(file)
    assert len(rows) == sum(len(one.tracks) for one in passes)
    without, told = train.train(passes), train.train(passes, rows * 3)
    for name in ("a", "b"):
        train.write({"a": without, "b": told}[name], 4, tmp_path / name)
    likely = []
    for name in ("a", "b"):
        with crossing.using(msgspec.json.decode((tmp_path / name).read_bytes())):
            seen = [
                voice.crossed
                for one in passes
                for voice in crossing.voices(crossing.looks(one.tracks, one.lain, one.known))
            ]
        likely.append(sum(seen) / len(seen))
    assert likely[1] < 0.7 * likely[0], "people said that nothing crossed"


@pytest.mark.parametrize(
    ("written", "why"),
    [
        (b"", "is empty"),
        (b"{}", "no file of labels"),
        (b'{"tallyport_labels": 2}', "no file of labels"),
        (b'{"tallyport_labels": 1}', "holds no tag"),
        (b'{"tallyport_labels": 1}\n{"review": 5}', "no file of labels"),
    ],
)
def test_what_is_no_file_of_labels_is_told(tmp_path: Path, written: bytes, why: str) -> None:
    file = tmp_path / "labels.jsonl"
    file.write_bytes(written)
    with pytest.raises(labelled.NoLabels, match=why):
        labelled.read_labels(file)


def test_too_little_to_learn_from_is_told_in_a_sentence(
    passes: list[Tapped], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train.main([str(tmp_path), "--weights", str(tmp_path / "none.json")]) == 2
    assert "nothing to fit: of 0 recordings" in capsys.readouterr().err
    assert not (tmp_path / "none.json").exists()
    one = [each for each in passes if each.site == passes[0].site]
    with pytest.raises(train.NothingToFit, match="1 recordings"):
        train.train(one)
