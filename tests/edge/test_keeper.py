"""Many observations per commit, back-pressure, and a journal that refuses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from edge.chapters import Chapter, Stretch
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


@asynccontextmanager
async def kept(tmp_path: Path, count: int) -> AsyncIterator[tuple[Keeper, Journal, list[int]]]:
    """A keeper of ``count`` scans, and after which numbers its journal is read."""
    journal = await asyncio.to_thread(Journal.open, tmp_path / "j", JournalLimits())
    keeper = Keeper(journal, commit_every_ms=10)
    asked: list[int] = []
    read = journal.read

    def reading(epoch: str, after_seq: int, limit: int) -> Stretch:
        asked.append(after_seq)
        return read(epoch, after_seq, limit)

    journal.read = reading  # type: ignore[method-assign]
    running = asyncio.create_task(keeper.run())
    await keeper.keep(scans(0, count))
    await until(lambda: keeper.kept == count)
    yield keeper, journal, asked
    await keeper.finish()
    await running
    await keeper.close()


async def test_what_is_sent_next_is_read_with_what_is_sent_now(tmp_path: Path) -> None:
    async with kept(tmp_path, 5_000) as (keeper, journal, asked):
        found: list[bytes] = []
        while len(found) < 5_000:
            stretch = await keeper.read(journal.epoch, len(found), 200)
            assert (stretch.first_seq, stretch.lost_before) == (len(found) + 1, 0)
            found += stretch.bodies
        assert [b'"data":"%d"' % n in body for n, body in enumerate(found)] == [True] * 5_000
        assert asked == [0, 2_000, 4_000]
        again = await keeper.read(journal.epoch, 0, 200)  # central lacks what was sent
        assert again.bodies == found[:200]
        assert (await keeper.read("another", 200, 200)).bodies == []


async def test_what_is_new_is_read_although_some_was_read_ahead(tmp_path: Path) -> None:
    async with kept(tmp_path, 300) as (keeper, journal, _):
        assert len((await keeper.read(journal.epoch, 0, 200)).bodies) == 200
        await keeper.keep(scans(300, 600))
        await until(lambda: keeper.kept == 900)
        assert len((await keeper.read(journal.epoch, 200, 200)).bodies) == 200


async def test_trims_wait_for_each_other_but_nothing_stays_for_good(tmp_path: Path) -> None:
    async with kept(tmp_path, 5_000) as (keeper, journal, _):
        await keeper.trim(journal.epoch, 1_999)
        assert keeper.chapters[-1].trimmed_upto == 0
        await keeper.trim(journal.epoch, 2_000)
        assert keeper.chapters[-1].trimmed_upto == 2_000
        await keeper.trim(journal.epoch, 2_500)
        await keeper.keep(scans(5_000, 1))  # with a commit goes what was left
        await until(lambda: keeper.kept == 5_001)
        assert keeper.chapters[-1].trimmed_upto == 2_500
        await keeper.trim(journal.epoch, 5_001)
        assert keeper.chapters[-1].trimmed_upto == 5_001
