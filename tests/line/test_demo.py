"""``tallyport demo`` as a script runs it: one JSON object, and the exit status tells."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from typing import IO

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
    # How often a pallet is asked about is for docs/accuracy.md; here nothing may be wrong unasked.
    assert report["ok"] is (report["asked"] == 0)
    assert sum(line["truth"] == line["ledger"] for line in report["items"]) > 10
    assert report["lost"] == report["doubled"] == 0
    assert report["kept"] == report["committed"] > 100
    assert report["heard"] > report["kept"]
    assert report["movements"] >= 5
    assert {"item", "location", "truth", "ledger", "asked"} == set(report["items"][0])
    assert {line["location"] for line in report["items"]} >= {"warehouse", "shelf-1"}


def test_ctrl_c_in_a_terminal_ends_it_and_compares_the_ledger_with_the_truth() -> None:
    """A terminal sends the signal to everything in front of it, not to the demo alone."""
    process, terminal = pty.fork()
    if not process:
        os.execv(sys.executable, [sys.executable, "-m", "tallyport", "demo", "--seed", "5"])
    shown = b""
    try:
        with os.fdopen(terminal, "rb+", buffering=0) as screen:
            shown = shown_until(screen, b"Ctrl-C ends it")
            screen.write(b"\x03")
            shown += shown_until(screen, None)
    finally:
        _, status = os.waitpid(process, 0)
    text = shown.decode()
    assert os.waitstatus_to_exitcode(status) == 0, text
    assert "/scan" in text
    assert "tallyport edge top -c " in text
    assert "The world stands still" in text
    assert "truth" in text


def shown_until(screen: IO[bytes], wanted: bytes | None) -> bytes:
    """What a terminal shows until there is ``wanted`` in it, or its program has ended."""
    shown = b""
    while wanted is None or wanted not in shown:
        try:
            more = screen.read(65_536)
        except OSError:  # the last one who had the terminal open is gone
            return shown
        shown += more
    return shown


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
