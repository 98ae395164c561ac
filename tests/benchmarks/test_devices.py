"""A grade stands on what there is to show, and falls with it."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks.devices import collecting, evidence, rates
from benchmarks.devices.grades import NEEDED, Grade, Record, grade, missing
from benchmarks.devices.page import BEGIN, END, rewritten
from drivers import registry
from drivers.catalogue import ABOUT, About, Verified

BRONZE, SILVER, GOLD = NEEDED.values()


def test_a_grade_needs_everything_below_it() -> None:
    assert grade([]) is Grade.NONE
    assert grade(BRONZE) is Grade.BRONZE
    assert grade([*BRONZE, *SILVER]) is Grade.SILVER
    assert grade([*BRONZE, *SILVER, *GOLD]) is Grade.GOLD
    assert grade([*SILVER, *GOLD]) is Grade.NONE
    for piece in SILVER:
        assert grade({*BRONZE, *SILVER, *GOLD} - {piece}) is Grade.BRONZE
    assert missing({*BRONZE, *SILVER} - {"fuzz"}) == ["a fuzz target"]
    assert missing([*BRONZE, *SILVER, *GOLD]) == []


def test_the_page_shows_what_a_record_has_and_keeps_what_people_wrote() -> None:
    record = Record(
        kind="sma", samples=["firmware_configs/scales/sma.toml"], rate=123_456,
        evidence={"capture": ["tests/a.py::test_a"], "emulator": ["tests/b.py::test_b"]},
    )  # fmt: skip
    page = rewritten(f"# Ours\n{BEGIN}\nold\n{END}\nThe end.\n", [record], "a machine")
    assert page.startswith("# Ours\n")
    assert page.endswith("\nThe end.\n")
    assert "old" not in page
    assert "| [`sma`](#sma) | bronze |" in page
    assert "- Rate: 120,000 readings/s of processor time (a machine)" in page
    assert "- For the next grade: a test that a lost device is heard again; a test that" in page
    assert rewritten(page, [record], "a machine") == page
    with pytest.raises(ValueError, match="lacks the lines"):
        rewritten("# Ours\n", [record], "")


# ---- what a test proves --------------------------------------------------------------------
def item(*marks: pytest.MarkDecorator, function: Any = None, **parameters: Any) -> Any:
    own = [decorator.mark for decorator in marks]
    return SimpleNamespace(
        nodeid="tests/x.py::test_it[a-b]",
        function=function or test_a_grade_needs_everything_below_it,
        callspec=SimpleNamespace(params=parameters),
        iter_markers=lambda name: [mark for mark in own if mark.name == name],
        get_closest_marker=lambda name: next((mark for mark in own if mark.name == name), None),
    )


def test_marks_name_kinds_or_the_parameter_that_does() -> None:
    mark, name = pytest.mark.evidence, "tests/x.py::test_it"
    assert [*collecting.proved(item(mark("split", "sma", "radwag")))] == [
        ("sma", "split", name),
        ("radwag", "split", name),
    ]
    assert [*collecting.proved(item(mark("capture"), kind="llrp"))] == [("llrp", "capture", name)]
    looked_up = mark("fuzz", of="target", table={"device-llrp": ["llrp"]})
    assert [*collecting.proved(item(looked_up, target="device-llrp"))] == [("llrp", "fuzz", name)]
    assert [*collecting.proved(item(looked_up, target="epc"))] == []


def skips_itself() -> None:
    pytest.skip("no such thing here")


def skips_itself_without_a_library() -> None:
    pytest.importorskip("no_such_library")


@pytest.mark.parametrize(
    "other",
    [
        {"marks": [pytest.mark.skip]},
        {"marks": [pytest.mark.skipif(True, reason="not here")]},
        {"marks": [pytest.mark.xfail]},
        {"function": skips_itself},
        {"function": skips_itself_without_a_library},
    ],
)
def test_what_is_skipped_or_expected_to_fail_proves_nothing(other: dict[str, Any]) -> None:
    marks = other.get("marks", [])
    split, told = pytest.mark.evidence("split", "sma"), pytest.mark.evidence("published", "sma")
    assert not [*collecting.proved(item(split, *marks, function=other.get("function")))]
    assert [*collecting.proved(item(told, *marks, function=other.get("function")))]


def test_a_mark_that_nobody_understands_is_an_error() -> None:
    with pytest.raises(pytest.UsageError, match="evidence of what"):
        [*collecting.proved(item(pytest.mark.evidence("luck", "sma")))]
    with pytest.raises(pytest.UsageError, match="names no kind"):
        [*collecting.proved(item(pytest.mark.evidence("split")))]


# ---- what lacks its declaration ------------------------------------------------------------
def test_a_kind_that_nobody_described_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.DRIVERS, "abacus", "drivers.scales.scale:SMA")
    with pytest.raises(evidence.Undeclared, match=r'"abacus" stands in .* add it to ABOUT'):
        evidence.check_catalogue()
    monkeypatch.delitem(registry.DRIVERS, "abacus")
    monkeypatch.setitem(ABOUT, "ghost", ABOUT["sma"])
    with pytest.raises(evidence.Undeclared, match='a kind "ghost"'):
        evidence.check_catalogue()


def test_nobody_claims_gold_without_a_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence, "CAPTURES", tmp_path)
    monkeypatch.setattr(evidence, "collected", dict)
    (tmp_path / "sma").mkdir()
    for name in ("tallyport-emulator_1_lift.bin", "fairbanks_2_lift.bin"):
        claim = Verified(hardware="Fairbanks FB3000", firmware="2", recording=name)
        sma = About(families="", protocol="", emulator="a:b", verified=(claim,))
        monkeypatch.setitem(ABOUT, "sma", sma)
        with pytest.raises(evidence.Undeclared, match="is no recording of it"):
            evidence.records()
        (tmp_path / "sma" / name).write_bytes(b"\n 1G       5.025lb \r")
    (record,) = (one for one in evidence.records() if one.kind == "sma")
    assert record.hardware == ["Fairbanks FB3000, firmware 2 (`fairbanks_2_lift.bin`)"]
    assert grade(record.shown) is Grade.NONE  # nothing else is there to show


def test_a_rate_belongs_to_the_captures_it_was_measured_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rates, "_FILE", tmp_path / "rates.json")
    assert rates.known_rates() == {}
    figures = {
        "sma": {"value": 7, "captures": rates.digest("sma")},
        "radwag": {"value": 8, "captures": "of yesterday"},
        "abacus": {"value": 9, "captures": rates.digest("abacus")},
    }
    (tmp_path / "rates.json").write_text(json.dumps({"figures": figures}))
    assert rates.known_rates() == {"sma": 7}
    assert rates.rate("sma") > 0
