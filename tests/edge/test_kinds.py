"""``tallyport edge kinds``: what can be heard, and what of other packages cannot."""

from __future__ import annotations

import json
from importlib.metadata import EntryPoint

import pytest
from typer.testing import CliRunner

from drivers import registry
from edge.cli import app


def test_our_own_kinds_are_all_there() -> None:
    done = CliRunner().invoke(app, ["kinds"])
    assert done.exit_code == 0, done.output
    shown = [line.split()[1] for line in done.output.splitlines()]
    assert shown == sorted(registry.DRIVERS)
    assert "ok   sma (tallyport): Fairbanks" in done.output


def test_a_broken_kind_of_another_package_is_told_and_the_others_are_still_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    points = [
        EntryPoint("abacus", "drivers.scanners.scanner:SerialScanner", registry.GROUP),
        EntryPoint("broken", "nowhere_at_all:Driver", registry.GROUP),
    ]
    monkeypatch.setattr(registry, "entry_points", lambda group: points)
    done = CliRunner().invoke(app, ["kinds", "--json"])
    assert done.exit_code == 1
    told = {kind["kind"]: kind["problem"] for kind in map(json.loads, done.output.splitlines())}
    assert set(told) == {*registry.DRIVERS, "abacus", "broken"}
    assert [kind for kind, problem in told.items() if problem] == ["broken"]
    assert "No module named 'nowhere_at_all'" in told["broken"]
