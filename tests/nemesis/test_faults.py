"""Real processes under real faults, each kind for itself or a few in one run; one checker."""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest

from benchmarks.nemesis import faults
from benchmarks.nemesis.field import Field
from benchmarks.nemesis.run import battle
from benchmarks.servers.mosquitto import MISSING, find_mosquitto
from benchmarks.servers.postgres import why_not

# One at a time: each of them runs a whole site in real time.
pytestmark = [
    pytest.mark.line,
    pytest.mark.mosquitto,
    pytest.mark.xdist_group("line"),
    pytest.mark.timeout(300),
    pytest.mark.skipif(find_mosquitto() is None, reason=MISSING),
]


@pytest.fixture
async def field(request: pytest.FixtureRequest) -> AsyncIterator[Field]:
    """A site of its own, on a short path that PostgreSQL's servant may enter."""
    with tempfile.TemporaryDirectory(prefix="tallyport-nemesis-") as folder:
        await asyncio.to_thread(Path(folder).chmod, 0o755)
        made = await asyncio.to_thread(Field, Path(folder), 5, postgres=bool(request.param))
        try:
            await made.start()
            yield made
        finally:
            await made.abandon()


async def suffers(field: Field, names: set[str], seconds: float) -> None:
    """Play under these faults, as far as this machine can do them; every promise must hold."""
    possible = {name: one for name, one in faults.possible(field).items() if name in names}
    if not possible:
        pytest.skip("this machine can do none of these faults: they need root, nft and a compiler")
    suffered: Counter[str] = Counter()
    verdict = await battle(field, possible, Random(5), seconds, suffered)
    assert verdict.violations == []
    assert verdict.observations > 0
    assert verdict.movements > 0
    assert suffered


@pytest.mark.parametrize("field", [False], indirect=True)
async def test_a_network_that_loses_and_falls_silent(field: Field) -> None:
    await suffers(field, {"black_hole", "one_way_back", "loss_30"}, 20.0)


@pytest.mark.parametrize("field", [False], indirect=True)
async def test_a_card_that_is_full_and_a_clock_that_jumps(field: Field) -> None:
    await suffers(field, {"disk_full", "clock_hour_back", "read_only"}, 20.0)


@pytest.mark.postgres
@pytest.mark.skipif(why_not() is not None, reason=str(why_not()))
@pytest.mark.parametrize("field", [True], indirect=True)
async def test_servers_that_crash_freeze_and_forget(field: Field) -> None:
    await suffers(field, {"kill_postgres", "broker_forgets", "freeze_central"}, 20.0)
