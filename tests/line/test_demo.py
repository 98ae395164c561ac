"""``tallyport demo`` as a script runs it: one JSON object, and the exit status tells."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

# One at a time: each of them runs a whole site in real time.
pytestmark = [pytest.mark.line, pytest.mark.xdist_group("line"), pytest.mark.timeout(240)]


def test_the_demo_ends_with_stock_that_is_right() -> None:
    command = ["demo", "--seconds", "25", "--seed", "5", "--report", "json"]
    done = subprocess.run(
        [sys.executable, "-m", "tallyport", *command],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report["ok"] is True
    assert report["lost"] == report["doubled"] == 0
    assert report["kept"] == report["committed"] > 100
    assert report["heard"] > report["kept"]
    assert report["movements"] >= 5
    assert {"item", "location", "truth", "ledger"} == set(report["items"][0])
    assert {line["location"] for line in report["items"]} >= {"warehouse", "shelf-1"}


def test_wrong_usage_is_status_2() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tallyport", "demo", "--report", "yaml"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "json" in done.stderr
