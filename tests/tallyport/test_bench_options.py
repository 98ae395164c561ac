"""`tallyport bench NAME --states 300`: each benchmark's own options, read from its signature."""

from __future__ import annotations

import importlib
import json

import pytest
from typer.testing import CliRunner

from benchmarks.machine import NotHere
from tallyport import bench
from tallyport.bench import BENCHES, options_for


def run(*, states: int = 300, minutes: float = 1.5, only_part: str = "") -> dict[str, object]:
    if not states:
        raise NotHere("there is no compiler")
    return {
        "bench": "told",
        "machine": {},
        "figures": {"states": {"value": states, "unit": only_part or f"{minutes} min"}},
        "violations": ["one row lost"] if states == 13 else [],
    }


def several(*, folders: tuple[str, ...] = (), states: int = 1) -> None:
    assert folders is not None
    assert states


@pytest.mark.parametrize(
    "words",
    [
        ["--folders", "a", "b", "--states", "2"],
        ["--folders=a", "b", "--states=2"],
        ["--folders", "a", "--states", "2", "--folders", "b"],
    ],
)
def test_where_several_are_meant_all_words_are_taken(words: list[str]) -> None:
    assert options_for(several, words) == {"folders": ("a", "b"), "states": 2}


@pytest.mark.parametrize(
    ("words", "options"),
    [
        ([], {}),
        (["--states", "12"], {"states": 12}),
        (["--states=12", "--minutes", "2"], {"states": 12, "minutes": 2.0}),
        (["--only-part", "journal"], {"only_part": "journal"}),
    ],
)
def test_words_become_keyword_arguments(words: list[str], options: dict[str, object]) -> None:
    assert options_for(run, words) == options


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--seeds", "3"], r"unknown option '--seeds'; known: --states \(now 300\), --minutes"),
        (["3"], "unknown option '3'"),
        (["--states"], "--states needs a value"),
        (["--states", "many"], "--states takes a int, not 'many'"),
    ],
)
def test_what_a_benchmark_does_not_take_is_refused_in_a_sentence(
    words: list[str], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        options_for(run, words)


def test_the_command_passes_them_on_and_ends_with_1_on_a_broken_promise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(BENCHES, "told", (__name__, "For this test."))
    runner = CliRunner()
    good = runner.invoke(bench.app, ["told", "--json", "--states", "7"])
    assert good.exit_code == 0, good.output
    assert json.loads(good.output)["figures"]["states"]["value"] == 7
    assert runner.invoke(bench.app, ["told", "--states=13", "--json"]).exit_code == 1
    lacking = runner.invoke(bench.app, ["told", "--states=0"])
    assert (lacking.exit_code, lacking.stderr) == (
        2,
        "told cannot run here: there is no compiler\n",
    )
    refused = runner.invoke(bench.app, ["told", "--sates", "7"])
    assert refused.exit_code == 2
    assert "unknown option '--sates'" in refused.stderr


def test_every_option_of_a_benchmark_is_named_in_the_help() -> None:
    for module, summary in BENCHES.values():
        parameters = importlib.import_module(module).run.__kwdefaults__ or {}
        for name in parameters:
            assert f"--{name.replace('_', '-')}" in summary, f"{module}: {name} is not in the help"
