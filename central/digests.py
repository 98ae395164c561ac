"""The ledger's digest, told outside the database: on the broker, and in a file of its own.

Whoever can write to the database can rewrite rows and hashes alike; the copies of the chain's
head that lie elsewhere cannot follow. The file is only ever appended to. Put it (or a copy)
where the database's administrator has no hand, or subscribe to the topic and keep what comes.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from central.stock import chain
from central.stock.chain import Head
from central.store import Database
from central.tide import Tide
from gateway import codec, topics
from gateway.clock import Clock, SystemClock
from gateway.contract import ContractError, Digest
from gateway.link import Link
from gateway.mqtt_settings import NotConnected, PublishRefused

__all__ = ["Digests", "read_digests"]

_log = structlog.get_logger("central.digests")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LARGEST = 16 * 2**20
"""Bytes after which the file is put aside as ``.1`` and another begun."""


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
        while True:
            level = self._tide.level
            head = await self._database.read(chain.head)
            if head.no > self._told and await self._tell(head):
                self._told = head.no
            await asyncio.sleep(self._every_s)
            await self._tide.above(level)

    async def _tell(self, head: Head) -> bool:
        """False when it has to be told again, because the file could not be written."""
        at = _EPOCH + timedelta(microseconds=self._clock.now_us())
        digest = Digest(no=head.no, last_seq=head.last_seq, hash=head.hash, at=at)
        payload = codec.encode_digest(digest)
        try:
            await asyncio.to_thread(_append, self._file, payload)
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


def read_digests(file: Path) -> Iterator[Head]:
    """The heads that a file of digests holds, oldest first, with those put aside before it.

    A line that a power cut tore is passed over: it never was a whole JSON object. Raises
    ValueError for any other line that is no digest, naming it, and OSError.
    """
    for path in (file.with_name(file.name + ".1"), file):
        if path != file and not path.exists():
            continue
        lines = path.read_bytes().split(b"\n")
        for number, line in enumerate(lines, start=1):
            if not line:
                continue
            try:
                digest = codec.decode_digest(line)
            except ContractError as error:
                if not line.endswith(b"}"):
                    continue
                raise ValueError(f"line {number} of {path} is no digest: {error}") from error
            yield Head(digest.no, digest.last_seq, digest.hash)


def _append(file: Path, line: bytes) -> None:
    if file.exists() and file.stat().st_size > _LARGEST:
        file.replace(file.with_name(file.name + ".1"))
    with file.open("ab") as out:
        if out.tell() and not _ends_a_line(file):
            out.write(b"\n")  # what a power cut tore stays a line of its own
        out.write(line + b"\n")
        out.flush()
        os.fsync(out.fileno())


def _ends_a_line(file: Path) -> bool:
    with file.open("rb") as written:
        written.seek(-1, os.SEEK_END)
        return written.read() == b"\n"
