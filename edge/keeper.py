"""Observations into the journal, many per commit, with the event loop never waiting for a disk.

Whoever folds awaits ``keep``; it waits only when the disk is far behind, which is the
back-pressure that a driver feels. One task commits what came together: after
``commit_every_ms`` or ``commit_every`` observations, whichever is first, and only when there
is something, because each commit wears the card. One worker thread does all journal work, so
that reading for the uplink and committing never meet.

When the journal refuses (its limit, a full disk), what is pending waits and is tried again;
what does not fit any more is refused and counted. Nothing blocks for ever.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, Protocol, TypeVar

import msgspec
import structlog

from edge.chapters import Stretch
from edge.journal import Journal, JournalFull, JournalStats
from edge.segments import Starved
from gateway.contract import Observation

_log = structlog.get_logger("edge.keeper")
_T = TypeVar("_T")
_RETRY_S = 1.0
_LONGEST_RETRY_S = 10.0
_READ_AHEAD = 2_000
"""A read of the journal costs much the same for 200 rows as for some thousands, and waits behind
a commit: what is sent next is fetched with it (some 600 kB).
"""
_TRIM_AT_LEAST = 2_000
"""A trim of fewer rows is not worth a turn of the journal's thread."""


Committed = Callable[[Sequence[bytes]], None]


class Keep(Protocol):
    """Where observations go."""

    async def __call__(self, observations: Sequence[Observation]) -> None:
        """Take observations for the journal; waits while too many are pending."""
        ...


class _Ahead(NamedTuple):
    """Rows of a chapter that were read before anybody asked for them; they never change."""

    epoch: str
    stretch: Stretch

    def rows(self, epoch: str, after_seq: int, limit: int) -> Stretch | None:
        """``limit`` rows after ``after_seq``, if all of them are here."""
        at = after_seq + 1 - self.stretch.first_seq
        found = self.stretch.bodies[at : at + limit] if at >= 0 else []
        if epoch != self.epoch or len(found) < limit:
            return None
        return Stretch(after_seq + 1, 0, found)


_NOTHING = _Ahead("", Stretch(1, 0, []))


class Keeper:
    """See the module. ``run`` must run as a task; ``finish`` ends it with everything committed.

    ``chapters`` are the journal's, as of its last work; ``refused`` counts observations
    that were given up, ``unsound`` those that broke the contract,
    ``trouble`` says in a sentence why nothing can be written now, ``starved`` why nothing can be
    read.
    """

    def __init__(
        self,
        journal: Journal,
        *,
        commit_every_ms: int = 250,
        commit_every: int = 500,
        most_pending: int = 20_000,
    ) -> None:
        self._journal = journal
        self._commit_every_s = commit_every_ms / 1_000
        self._commit_every = commit_every
        self._most_pending = most_pending
        self._encode = msgspec.json.Encoder().encode
        self._check = msgspec.json.Decoder(Observation).decode
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._pending: list[bytes] = []
        self._dirty = asyncio.Event()
        self._enough = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._finishing = asyncio.Event()
        self._ahead = _NOTHING
        self._confirmed: dict[str, int] = {}
        self._listeners: list[Committed] = []
        self.chapters = journal.chapters
        self.commits = 0
        self.kept = 0
        self.refused = 0
        self.unsound = 0
        self.trouble = ""
        self.starved = ""

    def when_committed(self, listener: Committed) -> None:
        """Call ``listener`` with the rows on the event loop after each commit."""
        self._listeners.append(listener)

    async def keep(self, observations: Sequence[Observation]) -> None:
        """Take observations, in order; waits while too many are pending."""
        if not observations:
            return
        while len(self._pending) >= self._most_pending and not self._finishing.is_set():
            if self.trouble:
                self.refused += len(observations)
                return
            self._room.clear()
            await self._room.wait()
        self._pending.extend(self._sound(observations))
        self._dirty.set()
        if len(self._pending) >= self._commit_every:
            self._enough.set()

    def _sound(self, observations: Sequence[Observation]) -> Iterator[bytes]:
        """Encode, and read back: what central would not take must not get a sequence number."""
        for observation in observations:
            try:
                body = self._encode(observation)
                self._check(body)
            except (msgspec.MsgspecError, ValueError, TypeError) as mistake:
                self.unsound += 1
                _log.error("observation_unsound", why=str(mistake), observation=repr(observation))
            else:
                yield body

    async def run(self) -> None:
        """Commit until ``finish``; ends with nothing pending, or with the loss counted."""
        failures = 0
        while True:
            await self._dirty.wait()
            if not self._finishing.is_set():
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._commit_every_s):
                        await self._enough.wait()
            done = await self._commit()
            failures = 0 if done else failures + 1
            if self._finishing.is_set():
                if not done:
                    self.refused += len(self._pending)
                    _log.error("observations_lost_at_stop", count=len(self._pending))
                if not done or not self._pending:
                    return
            elif not done:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(min(_LONGEST_RETRY_S, _RETRY_S * failures)):
                        await self._finishing.wait()

    async def finish(self) -> None:
        """Have everything pending committed; ``run`` returns."""
        self._finishing.set()
        self._room.set()
        self._enough.set()
        self._dirty.set()

    async def close(self) -> None:
        """Close the journal after ``run`` has ended."""
        await self._in_thread(self._journal.close)
        self._thread.shutdown()

    async def read(self, epoch: str, after_seq: int, limit: int) -> Stretch:
        """Consecutive observations of a chapter after ``after_seq``, still encoded. Waits while
        the machine has no file handle or no memory for it.
        """
        if (found := self._ahead.rows(epoch, after_seq, limit)) is not None:
            return found
        most = max(limit, _READ_AHEAD)
        while True:
            try:
                stretch = await self._in_thread(lambda: self._journal.read(epoch, after_seq, most))
            except Starved as starved:
                if not self.starved:
                    _log.error("journal_unread", why=str(starved))
                self.starved = str(starved)
                await asyncio.sleep(_RETRY_S)
            else:
                if self.starved:
                    _log.info("journal_reads_again")
                self.starved = ""
                self._ahead = _Ahead(epoch, stretch)
                return stretch._replace(bodies=stretch.bodies[:limit])

    async def trim(self, epoch: str, upto_seq: int) -> None:
        """Central has everything of a chapter up to ``upto_seq``. While more of it waits, a few
        rows go with the next commit: a turn of their own would wait behind one, and what is sent
        next behind them.
        """
        chapter = next((one for one in self.chapters if one.epoch == epoch), None)
        waiting = chapter is not None and upto_seq < chapter.last_seq
        if chapter is not None and waiting and upto_seq < chapter.trimmed_upto + _TRIM_AT_LEAST:
            self._confirmed[epoch] = upto_seq
            return
        self._confirmed.pop(epoch, None)
        await self._in_thread(lambda: self._journal.trim(epoch, upto_seq))
        self.chapters = self._journal.chapters

    async def set_aside(self, epoch: str, why: str) -> int:
        """Central will never take the rest of an earlier chapter; how many that are."""
        self._ahead = _NOTHING
        self._confirmed.pop(epoch, None)
        concerned = await self._in_thread(lambda: self._journal.set_aside(epoch, why))
        self.chapters = self._journal.chapters
        return concerned

    async def stats(self) -> JournalStats:
        """The journal's figures."""
        return await self._in_thread(self._journal.stats)

    async def _commit(self) -> bool:
        """Write what is pending, all or nothing; false when the journal refused."""
        lot, self._pending = self._pending, []
        self._dirty.clear()
        self._enough.clear()
        if not lot:
            return True
        try:
            await self._in_thread(lambda: self._trim_and_append(lot))
        except JournalFull as full:
            self._put_back(lot, str(full))
            return False
        except Exception as bug:  # noqa: BLE001 - what was heard must not die with a task
            _log.exception("journal_failed")
            self._put_back(lot, f"the journal could not be written: {bug}")
            return False
        if self.trouble:
            _log.info("journal_writes_again", refused=self.refused)
            self.trouble = ""
        self.chapters = self._journal.chapters
        self.commits += 1
        self.kept += len(lot)
        self._room.set()
        for listener in self._listeners:
            listener(lot)
        return True

    def _trim_and_append(self, lot: list[bytes]) -> None:
        """What central has must go first: a full journal would count it as lost."""
        while self._confirmed:
            self._journal.trim(*self._confirmed.popitem())
        self._journal.append(lot)

    def _put_back(self, lot: list[bytes], trouble: str) -> None:
        self._pending[:0] = lot
        self._dirty.set()
        if not self.trouble:
            _log.error("journal_refuses", why=trouble)
        self.trouble = trouble
        self._room.set()

    async def _in_thread(self, work: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)
