"""Several readers on one agent: every read of all of them arrives. The figures are
``tallyport bench readers``."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.readers.run import measure, sllurp_us
from benchmarks.servers.mosquitto import MISSING, find_mosquitto

pytestmark = [
    pytest.mark.line,
    pytest.mark.mosquitto,
    pytest.mark.xdist_group("line"),
    pytest.mark.skipif(find_mosquitto() is None, reason=MISSING),
]


async def test_every_read_of_three_readers_arrives(tmp_path: Path) -> None:
    told = await measure(tmp_path, readers=3, rate=200, seconds=2.0, standing=20, passing=20)
    assert told.central_got == told.delivered == told.offered > 0
    assert told.held == 0
    assert told.observations > 0
    assert told.resident_mib > 0


def test_the_baseline_understands_the_same_traffic() -> None:
    assert sllurp_us(100, 5, 5) > 0
