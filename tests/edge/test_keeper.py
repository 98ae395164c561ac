"""Many observations per commit, back-pressure, and a journal that refuses."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from edge.chapters import Chapter
from edge.fold.moments import moment
from edge.journal import Journal, JournalFull, JournalLimits
from edge.keeper import Keeper
from gateway.contract import CodeScanned
from tests.edge.waiting import until


def scans(first: int, count: int) -> list[CodeScanned]:
    return [
        CodeScanned(device="gun", read_point="desk", event_time=moment(n), data=str(n))
        for n in range(first, first + count)
    ]


async def test_what_came_together_is_one_commit_and_the_order_stays(tmp_path: Path) -> None:
    journal = await asyncio.to_thread(Journal.open, tmp_path / "j", JournalLimits())
    keeper = Keeper(journal, commit_every_ms=60_000, commit_every=500)
    told: list[int] = []
    keeper.when_committed(lambda _: told.append(keeper.chapters[-1].last_seq))
    running = asyncio.create_task(keeper.run())
    for first in range(0, 500, 50):
        await keeper.keep(scans(first, 50))
    await until(lambda: bool(told))
    assert told == [500]
    assert keeper.commits == 1
    await keeper.keep(scans(500, 3))
    await keeper.finish()
    await running
    stretch = await keeper.read(journal.epoch, 0, 1_000)
    assert [b'"data":"%d"' % n in body for n, body in enumerate(stretch.bodies)] == [True] * 503
    await keeper.close()


async def test_an_observation_that_breaks_the_contract_gets_no_number(tmp_path: Path) -> None:
    journal = await asyncio.to_thread(Journal.open, tmp_path / "j", JournalLimits())
    keeper = Keeper(journal)
    bad = CodeScanned(device="Gun 1", read_point="desk", event_time=moment(1), data="x")
    await keeper.keep([bad, *scans(1, 1)])
    await keeper.finish()
    await keeper.run()
    assert (keeper.unsound, keeper.chapters[-1].last_seq) == (1, 1)
    await keeper.close()


class Refusing:
    """A journal that can be told to refuse."""

    chapters = (Chapter("0123456789abcdef"),)

    def __init__(self) -> None:
        self.refuses = True
        self.bodies: list[bytes] = []

    def append(self, bodies: Sequence[bytes]) -> range:
        if self.refuses:
            raise JournalFull("the journal holds its limit")
        first = len(self.bodies) + 1
        self.bodies += bodies
        return range(first, first + len(bodies))

    def close(self) -> None:
        pass


async def test_a_full_journal_is_tried_again_and_what_does_not_fit_is_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("edge.keeper._RETRY_S", 0.01)
    journal = Refusing()
    keeper = Keeper(journal, commit_every_ms=10, most_pending=10)  # type: ignore[arg-type]
    running = asyncio.create_task(keeper.run())
    await keeper.keep(scans(0, 10))
    await until(lambda: bool(keeper.trouble))
    while not keeper.refused:  # the lot under way is back in the queue: nothing more fits
        await keeper.keep(scans(100, 5))
        await asyncio.sleep(0)
    journal.refuses = False
    await until(lambda: not keeper.trouble)
    await keeper.finish()
    await running
    assert b'"data":"0"' in journal.bodies[0]
    assert keeper.kept == len(journal.bodies)
    await keeper.close()


async def test_a_slow_disk_makes_whoever_keeps_wait(tmp_path: Path) -> None:
    journal = await asyncio.to_thread(Journal.open, tmp_path / "j", JournalLimits())
    keeper = Keeper(journal, most_pending=10)
    await keeper.keep(scans(0, 10))
    waiting = asyncio.create_task(keeper.keep(scans(10, 1)))
    await asyncio.sleep(0)
    assert not waiting.done()
    running = asyncio.create_task(keeper.run())
    await waiting
    await keeper.finish()
    await running
    assert keeper.chapters[-1].last_seq == 11
    await keeper.close()
