"""The benchmark of live screens still runs, with a few of them: its times are not looked at."""

from __future__ import annotations

import json

from typer.testing import CliRunner

from tallyport.bench import app


def test_live_screens_are_told_of_everything_and_deaf_ones_catch_up() -> None:
    sizes = ["--clients", "5", "--deaf", "3", "--seconds", "1.5", "--rate", "8", "--paint", "no"]
    done = CliRunner().invoke(app, ["screens", *sizes, "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    figures = told["figures"]
    assert told["size"] == {"clients": 5, "deaf": 3, "rate": 8.0, "seconds": 1.5}
    compared = {"late_p50", "late_p95", "late_p99", "cpu", "sent_per_client"}
    assert all(figures[one]["baseline"] and figures[one]["ratio"] > 0 for one in compared)
    assert figures["deaf_up_to_date_p95"]["value"] > 0
    assert not any(name.startswith("first_paint") for name in figures)
