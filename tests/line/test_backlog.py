"""A backlog drains faster than life, and what happens now does not wait for it."""

from __future__ import annotations

import pytest

from benchmarks import backlog

pytestmark = [pytest.mark.line, pytest.mark.xdist_group("line"), pytest.mark.timeout(300)]


def test_a_backlog_and_a_live_reader() -> None:
    """A small part of 72 h; the figures of the whole are ``tallyport bench backlog``."""
    told = backlog.run(hours=0.4, rate=50, seconds=12)["figures"]
    assert told["backlog"]["value"] == 72_000
    # How fast says ``tallyport bench backlog``; here it may be any machine, busy with others.
    assert told["drain"]["ratio"] > 1
    draining_s = told["backlog"]["value"] / told["drain"]["value"]
    assert told["live_lag_max"]["value"] < draining_s
    assert told["edge_resident_peak"]["value"] <= 160
