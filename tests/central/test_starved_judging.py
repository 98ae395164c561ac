"""A machine that lacks files or memory is no fault of the observation that is being judged."""

from __future__ import annotations

import asyncio
import errno
from typing import Any

import pytest

from central.database.store import Database
from central.database.tide import Tide
from central.intake.ingest import Ingest
from central.judging import judge as judging
from central.judging.judge import Judge
from central.reconcile.reconciler import Reconciler
from tests.central.test_ingest_and_judge import facts, scan, set_up, wire
from tests.edge.waiting import until
from tests.fakes import portal_scenes

LABEL = f"01{portal_scenes.GTINS[1]}"


class Shortage:
    """Judging fails with ``error`` for so many tries at the observation that says ``rare``."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, error: Exception, tries: int) -> None:
        self.left = tries
        rightly = Reconciler.judge

        def judge(mind: Reconciler, logged: Any, context: Any) -> Any:
            rare = any(getattr(one.observation, "data", "") == f"{LABEL}3077" for one in logged)
            if rare and self.left:
                self.left -= 1
                raise error
            return rightly(mind, logged, context)

        monkeypatch.setattr(Reconciler, "judge", judge)
        monkeypatch.setattr(judging, "_RETRY_S", 0.01)


async def judged(database: Database, shortage: Shortage) -> Judge:
    """What judging three scans came to, the second of which met the shortage."""
    await database.write(set_up)
    seen = [scan(LABEL), scan(f"{LABEL}3077"), scan(LABEL)]
    await Ingest(database, Tide()).receive([wire(1, seen)])
    tide = Tide()
    judge, level = Judge(database, tide), tide.level
    running = asyncio.create_task(judge.run())
    await until(lambda: tide.level > level or running.done(), "judging")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert shortage.left == 0
    return judge


@pytest.mark.parametrize(
    "error", [OSError(errno.EMFILE, "Too many open files", "a module"), MemoryError()]
)
async def test_a_shortage_is_waited_out_and_no_observation_pays_for_it(
    database: Database, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    judge = await judged(database, Shortage(monkeypatch, error, 3))
    assert judge.counters["retries"] == 3
    assert judge.counters["failed"] == 0
    found = await database.read(facts)
    assert len(found["movement"]) == 3
    assert found["review"] == []


async def test_what_always_takes_all_memory_goes_to_a_person_at_last(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judging, "_PATIENCE", 4)
    # Four tries, then the one that finds the fault and the one that sets it aside.
    judge = await judged(database, Shortage(monkeypatch, MemoryError(), 6))
    assert judge.counters["failed"] == 1
    found = await database.read(facts)
    assert [row[0] for row in found["review"]] == ["fault-2"]
    assert len(found["movement"]) == 2
