"""A machine without file handles or memory is no damaged disk: what stands there stays there."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge.journal import Journal, JournalFull, JournalLimits
from edge.keeper import Keeper
from edge.segments import Recovery, Row, Segment, Starved, StoreFailed
from edge.segments_duckdb import DuckDBSegments
from tests.edge.waiting import until

SMALL = JournalLimits(segment_rows=10)


@contextmanager
def no_more_files() -> Iterator[None]:
    """This process can open nothing; what is open works."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def body(number: int) -> bytes:
    return b'{"n":%d}' % number


def appended(directory: Path, count: int) -> Journal:
    journal = Journal.open(directory, SMALL)
    for number in range(1, count + 1):
        journal.append([body(number)])
    return journal


def test_without_file_handles_nothing_is_put_aside_and_nothing_is_lost(tmp_path: Path) -> None:
    journal = appended(tmp_path, 25)
    with no_more_files():
        with pytest.raises(Starved, match=r"opened"):
            journal.read(journal.epoch, 0, 5)
        kept = [journal.append([body(number)]).start for number in range(26, 31)]
        with pytest.raises(JournalFull, match=r"segment"):
            journal.append([body(31)])
    assert kept == list(range(26, 31))
    assert not list(tmp_path.glob("*.bad"))
    assert journal.append([body(31)]) == range(31, 32)
    found, after = [], 0
    while stretch := journal.read(journal.epoch, after, 100).bodies:
        found += stretch
        after += len(stretch)
    assert found == [body(number) for number in range(1, 32)]
    journal.close()


async def test_the_keeper_waits_for_handles_and_says_so(tmp_path: Path) -> None:
    journal = await asyncio.to_thread(appended, tmp_path, 25)
    keeper = Keeper(journal)
    with no_more_files():
        reading = asyncio.create_task(keeper.read(journal.epoch, 0, 5))
        await until(lambda: bool(keeper.starved), "the keeper to say so")
    assert (await reading).bodies == [body(number) for number in range(1, 6)]
    assert keeper.starved == ""
    await keeper.close()


class Doubtful(DuckDBSegments):
    """Fails once at the end of a commit, before or after it stood, and cannot look for a while."""

    def __init__(self, directory: Path, *, commits: bool) -> None:
        super().__init__(directory, 48)
        self.commits = commits
        self.fails = False
        self.blind = 0

    def append(self, segment: Segment, rows: Sequence[Row]) -> None:
        if not self.fails:
            super().append(segment, rows)
            return
        if self.commits:
            super().append(segment, rows)
        self.fails = False
        raise StoreFailed("out of memory")

    def open(self, segment: Segment, found: Recovery) -> None:
        if self.blind:
            self.blind -= 1
            raise Starved("out of memory")
        super().open(segment, found)


@pytest.mark.parametrize("commits", [True, False])
def test_a_commit_in_doubt_counts_once(tmp_path: Path, *, commits: bool) -> None:
    """Nobody could see whether the rows of a failed commit stood there; they are offered again
    with newer ones, and get the numbers that they have or the next.
    """
    store = Doubtful(tmp_path, commits=commits)
    journal = Journal(store, SMALL)
    journal.append([body(1), body(2)])
    store.fails, store.blind = True, 2
    offered = [body(3), body(4)]
    for _ in range(2):
        with pytest.raises(JournalFull, match="memory"):
            journal.append(offered)
    offered.append(body(5))
    assert journal.append(offered) == range(3, 6)
    assert journal.append([body(6)]) == range(6, 7)
    assert journal.read(journal.epoch, 0, 100).bodies == [body(number) for number in range(1, 7)]
    journal.close()
