"""The ledger's digest, told outside the database: on the broker, and in a file of its own.

Whoever can write to the database can rewrite rows and hashes alike; the copies of the chain's
head that lie elsewhere cannot follow. The file is only ever appended to. Put it (or a copy)
where the database's administrator has no hand, or subscribe to the topic and keep what comes.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from central.database.enduring import follow
from central.database.store import Database
from central.database.tide import Tide
from central.keeping.digest_files import append
from central.stock import chain
from central.stock.chain import Head
from gateway import codec, topics
from gateway.clock import Clock, SystemClock
from gateway.contract import Digest
from gateway.link import Link
from gateway.mqtt_settings import NotConnected, PublishRefused

__all__ = ["Digests"]

_log = structlog.get_logger("central.keeping.digests")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Digests:
    """Follows the chain. ``counters``: ``published``, ``unsent``, ``unwritten``."""

    def __init__(
        self,
        database: Database,
        tide: Tide,
        link: Link,
        *,
        file: Path,
        every_s: float,
        clock: Clock | None = None,
    ) -> None:
        self._database = database
        self._tide = tide
        self._link = link
        self._file = file
        self._every_s = every_s
        self._clock = clock or SystemClock()
        self._told = 0
        self.counters: Counter[str] = Counter()

    async def run(self) -> None:
        """Tell of every new head, at most once in ``every_s``, until cancelled."""
        await follow(
            "digests", self._step, tide=self._tide, counters=self.counters, pace_s=self._every_s
        )

    async def _step(self) -> None:
        head = await self._database.read(chain.head)
        if head.no > self._told and await self._tell(head):
            self._told = head.no

    async def _tell(self, head: Head) -> bool:
        """False when it has to be told again, because the file could not be written."""
        at = _EPOCH + timedelta(microseconds=self._clock.now_us())
        digest = Digest(no=head.no, last_seq=head.last_seq, hash=head.hash, at=at)
        payload = codec.encode_digest(digest)
        try:
            await asyncio.to_thread(append, self._file, payload)
        except OSError as error:
            self.counters["unwritten"] += 1
            _log.error("digest_not_written", file=str(self._file), why=str(error))
            return False
        try:
            await self._link.publish(topics.DIGEST, payload, retain=True)
        except (NotConnected, PublishRefused) as error:
            self.counters["unsent"] += 1  # retained: the next one says more
            _log.warning("digest_not_sent", why=str(error))
        else:
            self.counters["published"] += 1
        return True
