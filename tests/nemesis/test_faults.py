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
from benchmarks.nemesis.checker import Verdict
from benchmarks.nemesis.field import Field
from benchmarks.nemesis.run import Pace, battle
from benchmarks.servers.mosquitto import MISSING, find_mosquitto
from benchmarks.servers.postgres import why_not

# One at a time: each of them runs a whole site in real time.
pytestmark = [
    pytest.mark.line,
    pytest.mark.mosquitto,
    pytest.mark.xdist_group("nemesis"),
    pytest.mark.timeout(420),
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


PACE = Pace(lasts_s=(1.5, 4.0), between_s=(0.5, 1.0), afterwards_s=6.0)


async def suffers(field: Field, names: set[str]) -> Verdict:
    """Play until each of these faults that this machine can do was there; every promise holds."""
    possible = {name: one for name, one in faults.possible(field).items() if name in names}
    if not possible:
        pytest.skip("this machine can do none of these faults: they need root, nft and a compiler")
    suffered: Counter[str] = Counter()
    verdict = await battle(field, possible, Random(5), suffered, PACE)
    assert verdict.violations == []
    assert set(suffered) == set(possible)
    assert verdict.observations > 0
    assert verdict.movements > 0
    assert verdict.witnessed > 0
    return verdict


@pytest.mark.parametrize("field", [False], indirect=True)
async def test_a_bad_network_a_full_card_and_a_clock_that_jumps(field: Field) -> None:
    verdict = await suffers(
        field,
        {"black_hole", "one_way_back", "loss_30", "slow_line", "disk_full", "clock_hour_back"},
    )
    assert (verdict.lost, verdict.unheard) == (0, 0)


@pytest.mark.parametrize("field", [False], indirect=True)
async def test_a_card_that_is_read_only_dies_or_is_cloned(field: Field) -> None:
    await suffers(field, {"read_only", "card_dies", "cloned_card"})


@pytest.mark.postgres
@pytest.mark.skipif(why_not() is not None, reason=str(why_not()))
@pytest.mark.parametrize("field", [True], indirect=True)
async def test_servers_that_crash_freeze_fill_up_and_forget(field: Field) -> None:
    verdict = await suffers(
        field,
        {
            "kill_postgres", "postgres_full", "kill_broker", "broker_forgets", "queue_limit",
            "freeze_central", "series_away", "series_hangs",
        },
    )  # fmt: skip
    assert (verdict.lost, verdict.unheard, verdict.off) == (0, 0, 0)
    assert field.series.hung > 0
