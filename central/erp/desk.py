"""Takes what connected programs sent, from the inbox and from folders, and applies it in order: a
part that runs for as long as central.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from functools import partial
from typing import NamedTuple

import structlog
from sqlalchemy.exc import DBAPIError

from central.catalogue.changes import Told
from central.catalogue.errors import CatalogueError
from central.database.enduring import AT_ONCE, follow
from central.database.store import Database, passes_by
from central.database.tide import Tide
from central.erp import intake, messages
from central.erp.applying import Reading, apply, outcome, read
from central.erp.config import ErpConnection, ErpSection
from central.erp.fields import Fault
from central.erp.folder import ErpFolder, Found
from central.erp.messages import Message, Outcome
from central.erp.planning import Plan
from gateway.clock import Clock, SystemClock

__all__ = ["ErpDesk", "actor"]

_AT_ONCE = 20
_TOGETHER = 25
"""Orders in a transaction: a tenth of a second."""
_log = structlog.get_logger("central.erp")


class _Taken(NamedTuple):
    """A file, and the message that it is; without one, why it is none."""

    folder: ErpFolder
    file: Found
    message: int | None
    wrong: str = ""


def actor(connection: str) -> str:
    """Who does what a connection says, in the audit and in the books."""
    return f"erp:{connection}"


class ErpDesk:
    """See the module. ``counters``: ``applied`` and ``dead`` messages, ``files`` taken,
    ``unreadable`` looks at a folder, ``retries`` while the database was away.
    """

    def __init__(
        self, database: Database, tide: Tide, settings: ErpSection, *, clock: Clock | None = None
    ) -> None:
        self._database, self._tide, self._settings = database, tide, settings
        self._clock = clock or SystemClock()
        self._folders = {
            name: ErpFolder(
                one.folder, settle_s=one.settle_s, most_bytes=settings.most_mib << 20,
                clock=self._clock,
            )
            for name, one in settings.connections.items()
            if one.folder is not None and one.purchase_orders is not None
        }  # fmt: skip
        self._next_look_s = self._clock.steady_s()
        self.counters: Counter[str] = Counter()

    async def run(self) -> None:
        """Until cancelled."""
        await follow("the ERP inbox", self.step, tide=self._tide, counters=self.counters)

    async def step(self) -> float | None:
        """Apply what waits, and look into the folders when that is due. Raises ``DBAPIError``."""
        if await self._apply_waiting():
            return AT_ONCE
        if not self._folders:
            return None
        rest_s = self._next_look_s - self._clock.steady_s()
        if rest_s > 0:
            return rest_s
        for name, folder in self._folders.items():
            await self._take_files(name, folder)
        self._next_look_s = self._clock.steady_s() + self._settings.look_every_s
        return self._settings.look_every_s

    async def _apply_waiting(self) -> int:
        found = await self._database.read(lambda c: messages.waiting(c, _AT_ONCE))
        for one in found:
            await self._apply(one)
        return len(found)

    async def _apply(self, message: Message) -> None:
        """One message. What it cannot cope with waits for somebody."""
        connection = self._settings.connections.get(message.connection)
        told = Told(by=actor(message.connection), at_us=self._clock.now_us())
        raw = await self._database.read(lambda c: messages.raw_of(c, message.no))

        try:
            # Apart from any transaction: nobody's write waits for a large file to be read.
            reading = await asyncio.to_thread(read, connection, message.connection, raw)
            done = await self._carry_out(message, reading, told)
        except Exception as error:
            if isinstance(error, DBAPIError) and passes_by(error):
                raise
            _log.exception("erp_message_failed", message=message.no, why=str(error))
            what = f"central could not cope with it ({type(error).__name__}): see its log"
            dead = Outcome(state="dead", faults=(Fault(kind="internal", place="", what=what),))
            done = await self._database.write(
                lambda c: messages.settle(c, message, dead, told.at_us)
            )
        self.counters[done.state] += 1
        if done.state == "dead":
            why = "; ".join(map(str, done.faults[:3]))
            _log.warning("erp_message_dead", message=done.no, by=done.connection, why=why)
        self._tide.rise()

    async def _carry_out(self, message: Message, reading: Reading, told: Told) -> Message:
        """Some orders in each transaction, so that others have their turn between; who dies on the
        way does it again, and what was done changes nothing.
        """
        plans: list[Plan] = []
        for first in range(0, len(reading.found), _TOGETHER):
            part = partial(
                apply, message=message, reading=reading, told=told,
                places=slice(first, first + _TOGETHER),
            )  # fmt: skip
            plans += await self._database.write(part)
        found = outcome(reading, plans)
        return await self._database.write(lambda c: messages.settle(c, message, found, told.at_us))

    async def _take_files(self, name: str, folder: ErpFolder) -> None:
        """Files in their order; one is moved when its message is done with."""
        connection = self._settings.connections[name]
        try:
            for one in await asyncio.to_thread(folder.look):
                file = await asyncio.to_thread(folder.read, one)
                taken = await self._take(name, connection, folder, file)
                while await self._apply_waiting():
                    pass
                await self._put_away(taken)
                self.counters["files"] += 1
        except OSError as error:
            self.counters["unreadable"] += 1
            _log.error("erp_folder_unavailable", by=name, why=str(error))

    async def _take(
        self, name: str, connection: ErpConnection, folder: ErpFolder, file: Found
    ) -> _Taken:
        if file.wrong:
            return _Taken(folder, file, None, file.wrong)
        shown = file.name.encode("utf-8", "replace").decode()
        came, at_us = (file.raw, f"file {shown}"), self._clock.now_us()
        assert connection.purchase_orders is not None, "folders are of those that take orders"
        key = await asyncio.to_thread(intake.key_of, file.raw, connection.purchase_orders, None)
        try:
            arrived = await self._database.write(lambda c: intake.keep(c, name, key, came, at_us))
        except CatalogueError as error:
            return _Taken(folder, file, None, str(error))
        return _Taken(folder, file, arrived.message.no)

    async def _put_away(self, taken: _Taken) -> None:
        folder, file = taken.folder, taken.file
        if taken.message is None:
            _log.warning("erp_file_refused", file=ascii(file.name), why=taken.wrong)
            await asyncio.to_thread(folder.failed, file, None, taken.wrong)
            return
        number = taken.message
        message = await self._database.read(lambda c: messages.get(c, number))
        if message.state == "applied":
            await asyncio.to_thread(folder.done, file.name, message.no)
            return
        why = "\n".join(
            [f"message {message.no} is {message.state}: mend it, then try it again (/screen/erp)"]
            + [str(fault) for fault in message.faults]
        )
        await asyncio.to_thread(folder.failed, file, message.no, why)
