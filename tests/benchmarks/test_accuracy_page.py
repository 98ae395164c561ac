"""docs/accuracy.md tells what is kept, and names commands that there are."""

from __future__ import annotations

import difflib
import importlib.util
import re
import shlex
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from benchmarks.accuracy import page, results
from benchmarks.accuracy.page import BEGIN, END, PAGE, rewritten
from tallyport.bench import BENCHES
from tallyport.cli import ROOMS
from tests.tallyport.test_evaluate import dock, shelf

TEXT = PAGE.read_text(encoding="utf-8")
COMMANDS = sorted(
    {*re.findall(r"^    \$ (.+)$", TEXT, re.MULTILINE)}
    | {*re.findall(r"`((?:tallyport|python -m) [^`]+)`", TEXT)}
)


def run(*, size: int = 1) -> dict[str, object]:
    lag = {"value": size, "unit": "s", "baseline": "simple", "ratio": 0.5}
    return {"figures": {"lag": lag, "errors": {"value": 0, "unit": "count"}}}


def test_rules_beside_each_other_are_columns() -> None:
    def figure(value: float, unit: str = "s") -> dict[str, object]:
        return {"value": value, "unit": unit, "baseline": "fixed_10s", "ratio": None}

    told = {
        "fixed_10s_lag": figure(10.0), "fixed_10s_lag_p95": figure(12.0), "ours_lag": figure(2.0),
        "ours_lag_p95": figure(3.0), "edgex_lag": figure(600.0),
    }  # fmt: skip
    assert page._across(told) == (
        ["figure", "fixed 10s", "ours", "edgex"],
        [["lag, s", 10.0, 2.0, 600.0], ["lag p95, s", 12.0, 3.0, "-"]],
    )
    assert page._across({**told, "errors": figure(0.0)}) is None


def test_the_tables_are_the_kept_results() -> None:
    wanted = rewritten(TEXT, results.kept())
    differs = "\n".join(difflib.unified_diff(TEXT.splitlines(), wanted.splitlines(), lineterm=""))
    assert wanted == TEXT, f"Run: python -m benchmarks.accuracy.page\n{differs}"


def test_its_pictures_are_there() -> None:
    for name in re.findall(r"\]\((accuracy-\w+\.svg)\)", TEXT):
        assert ET.parse(PAGE.with_name(name)).getroot().tag.endswith("svg"), name


@pytest.mark.parametrize("command", COMMANDS)
def test_a_named_command_is_there(command: str) -> None:
    words = shlex.split(command)
    if words[:2] == ["python", "-m"]:
        assert importlib.util.find_spec(words[2]) is not None
        return
    assert words[0] == "tallyport", command
    assert words[1] in ROOMS, command
    if words[1] == "bench":
        assert words[2] in BENCHES, command


def test_the_page_names_the_ladder_s_commands() -> None:
    assert len(COMMANDS) > 6
    assert any(command.startswith("tallyport certify --plan") for command in COMMANDS)


def test_a_page_without_its_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="lacks the lines"):
        rewritten("# nothing", {})


def test_every_kind_of_result_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "mixed"
    folder.mkdir()
    dock(folder / "dock.jsonl", lie=True)
    shelf(folder / "shelf.jsonl")
    monkeypatch.setattr(results, "RESULTS", tmp_path / "kept")
    page.grade("mixed", [folder])
    monkeypatch.setitem(BENCHES, "told", (__name__, "For this test."))
    page.bench("figures", ["told", "--size", "3"])
    kept = results.kept(tmp_path / "kept")
    told = {
        "kind": "table", "made_by": "tallyport bench x", "columns": ["a"], "rows": [[0.25]],
        "tallyport": "1", "weights": "abc",
    }  # fmt: skip
    text = rewritten(f"before {BEGIN} old {END} after", {**kept, "zz_more": told})
    assert text.startswith("before ")
    assert text.endswith(" after")
    assert " old " not in text
    for said in (
        "| direction | 0.5 | 0.3143 - 0.6857 | 12 of 24 |",
        "- `dock.jsonl` at 30.0 s: wrong direction, 12 alike",
        "| quantity exact | 0.6667 |",
        "### zz more",
        "| 0.25 |",
        "$ tallyport bench told --size 3",
        "| figure | value | unit | x simple |",
        "| lag | 3 | s | 0.5 |",
        "$ python -m benchmarks.accuracy.page --grade mixed mixed",
    ):
        assert said in text, text
