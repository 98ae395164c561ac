"""The command line: it teaches, it is quick, and it says what is missing."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tallyport.bench import BENCHES
from tallyport.cli import ROOMS


def tallyport(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tallyport", *arguments],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_help_names_every_room() -> None:
    done = tallyport("--help")
    assert done.returncode == 0
    assert all(name in done.stdout for name in ROOMS)


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_has_help_of_its_own(room: str) -> None:
    done = tallyport(room, "--help")
    assert done.returncode == 0, done.stderr
    assert f"tallyport {room}" in done.stdout


def test_the_front_door_loads_no_room() -> None:
    code = "import sys, tallyport.cli; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"duckdb", "sqlalchemy", "sllurp", "fastapi", "paho", "serial"} & {*loaded}


def test_a_wrong_benchmark_is_answered_with_the_nearest() -> None:
    done = tallyport("bench", "decoed")
    assert done.returncode == 2
    assert "decode" in done.stderr


def test_a_benchmark_prints_ratios_against_a_named_baseline() -> None:
    done = tallyport("bench", "decode", "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["bench"] == "decode"
    assert result["machine"]["python"]
    for figure in result["figures"].values():
        assert {"value", "unit", "baseline", "ratio"} <= set(figure)
        assert figure["ratio"] > 0
    assert set(BENCHES) >= {"decode", "journal", "line", "simulate", "nemesis", "powercut"}
