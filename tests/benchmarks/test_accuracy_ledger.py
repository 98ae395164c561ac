"""Judging with ledgers that are right, wrong at times, or empty."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from benchmarks.accuracy import ledger
from benchmarks.accuracy.ledger import LEDGERS, rows, stock_of
from central.reconcile.rehearsal import INSIDE
from drivers.recording import PassTruth, read_recording
from tests.tallyport.test_evaluate import dock


def test_a_right_ledger_has_what_goes_out_inside_and_an_empty_one_nothing(tmp_path: Path) -> None:
    recording = read_recording(dock(tmp_path / "dock.jsonl"))
    ways: dict[str, str] = {}
    for line in recording.truths:
        if isinstance(line, PassTruth):
            ways.setdefault(line.epc.upper(), line.direction)
    assert {*ways.values()} == {"in", "out"}
    places = {epc: INSIDE if way == "out" else None for epc, way in ways.items()}
    assert stock_of(ledger.right, recording) == places
    assert stock_of(ledger.nothing_booked, recording) == dict.fromkeys(ways)


def test_of_a_wrong_ledger_one_pallet_in_twenty_is_on_the_other_side() -> None:
    chance = Random(1)
    wrong = sum(ledger.wrong_at_times("out", chance) != INSIDE for _ in range(10_000))
    assert wrong == pytest.approx(500, abs=80)


def test_judging_knows_the_way_of_what_the_ledger_has(tmp_path: Path) -> None:
    """Antennas that are labelled the wrong way round: stock is not moved against the ledger."""
    dock(tmp_path / "dock.jsonl", lie=True)
    told = {row[1]: dict(zip(("f1", "recall", "way", "wrong", "asked"), row[2:], strict=False))
            for row in rows(tmp_path, 1)}  # fmt: skip
    assert [*told] == [*LEDGERS]
    assert float(told["says nothing"]["wrong"]) > 0.2
    assert float(told["right"]["wrong"]) == 0.0
    assert float(told["right"]["asked"]) > 0.2
