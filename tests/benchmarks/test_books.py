"""The benchmarks on large books still run, on tiny ones: their figures are not looked at."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from tallyport.bench import app

_RUNS = {
    "ledger": ["ledger", "--engine", "sqlite"],
    "capacities": ["capacities", "--engine", "sqlite"],
    "reserve": ["reserve", "--engine", "sqlite", "--clients", "20", "--requests", "200"],
    "api": ["api", "--clients", "10", "--seconds", "0.2", "--every-s", "0.1"],
}


@pytest.mark.parametrize("name", _RUNS)
def test_it_runs_and_compares(name: str) -> None:
    done = CliRunner().invoke(app, [*_RUNS[name], "--size", "tiny", "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert (told["size"]["skus"], told["size"]["balances"]) == (100, 1_000)
    compared = [one for one in told["figures"].values() if one["baseline"]]
    assert compared
    assert all(one["value"] > 0 and one["ratio"] > 0 for one in compared)


def test_the_ledger_tells_what_a_commit_costs_and_what_it_would_have_to() -> None:
    done = CliRunner().invoke(app, ["ledger", "--engine", "sqlite", "--size", "tiny", "--json"])
    told = json.loads(done.stdout)["figures"]
    assert told["sqlite_commit"]["value"] > 0
    assert told["sqlite_twenty"]["value"] >= 0
    assert "sqlite_server_cpu" not in told  # SQLite is a part of this process


def test_an_import_is_compared_with_posts() -> None:
    sizes = ["--skus", "200", "--posts", "5", "--engine", "sqlite"]
    done = CliRunner().invoke(app, ["import", *sizes, "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)["figures"]
    assert told["sqlite_import"]["ratio"] > 1
    assert set(told) == {"sqlite_import", "sqlite_took", "sqlite_again"}


def test_an_unknown_size_is_said_with_those_there_are() -> None:
    done = CliRunner().invoke(app, ["ledger", "--size", "huge"])
    assert done.exit_code != 0
    assert "tiny, small, wide, full" in done.output
