"""Edges that were cut off together do not come back together, and lose nothing."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.herd.edges import peak
from benchmarks.herd.run import BATCH, Backlog, broker_dies, miscounted, world
from benchmarks.servers.mosquitto import MISSING, find_mosquitto

EDGES, BATCHES = 40, 4


@pytest.mark.timeout(300)
@pytest.mark.line
@pytest.mark.mosquitto
@pytest.mark.xdist_group("line")
@pytest.mark.skipif(find_mosquitto() is None, reason=MISSING)
async def test_a_herd_comes_back_spread_and_everything_counts_once(tmp_path: Path) -> None:
    """The figures of 500 are ``tallyport bench herd``."""
    async with world(tmp_path, edges=EDGES, seed=1) as (broker, site, herd, _peaks):
        backlog = Backlog(herd, BATCHES)
        before = [len(edge.shares) for edge in herd.edges]
        back = await broker_dies(broker, herd, 2.0, meanwhile=backlog.hear)
        assert len(back.after_s) == EDGES, "all are back"
        await backlog.drained(back.began)
        assert [edge.name for edge in herd.edges if edge.uplink.backlog] == []

        await site.central.kill()
        backlog.hear()
        await site.start_central()
        await backlog.drained(time.monotonic())
        assert [edge.name for edge in herd.edges if edge.uplink.backlog] == []
    assert miscounted(tmp_path, herd) == []
    assert all(edge.journal.chapters[0].last_seq == 2 * BATCHES * BATCH for edge in herd.edges)

    first_waits = [edge.shares[at] for edge, at in zip(herd.edges, before, strict=True)]
    quarters = Counter(int(share * 4) for share in first_waits)
    assert len(quarters) == 4, first_waits
    assert max(quarters.values()) <= EDGES / 2, "drawn evenly, from the seed"


def test_the_peak_is_the_most_in_any_window() -> None:
    assert peak([], 1.0) == 0
    assert peak([0.0, 0.9, 1.0, 1.8, 5.0], 1.0) == 3
    assert peak([0.0, 1.0, 2.0], 1.0) == 1
