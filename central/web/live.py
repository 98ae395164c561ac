"""The live screen's stream: what changed is rendered once and handed to everyone.

A client holds no queue here. It knows a version and is given whatever is newer, so that a
slow one skips what lies between and can neither be stale for ever nor cost memory.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Protocol

import msgspec
import structlog
from sqlalchemy import Connection

from central.database.store import Database
from central.database.tide import Tide

COALESCE_S = 0.1
"""The least time between two messages: a change after a rest goes out at once, what comes closer
behind it becomes one.
"""
IDLE_S = 2.0
"""How often the screen looks by itself, for what changes without a commit of central's."""
KEEP_ALIVE_S = 15.0
MAX_CLIENTS = 1_000
_log = structlog.get_logger(__name__)


class Screen(Protocol):
    """What is drawn; not by two threads at once."""

    def draw(self, connection: Connection) -> tuple[int, dict[str, str]]:
        """A number that names this state, and every section's HTML by the id of its place."""
        ...


class _Section(msgspec.Struct, frozen=True):
    html: str
    version: int


class Live:
    """Renders the sections while somebody watches, and streams them. ``counters``:
    ``drawn``, ``failed``.
    """

    def __init__(self, *, database: Database, tide: Tide, screen: Screen) -> None:
        self._database = database
        self._tide = tide
        self._screen = screen
        self._sections: dict[str, _Section] = {}
        self._version = 0
        self._ledger_seq = 0
        self._messages: dict[int, bytes] = {}
        self._refreshing = asyncio.Lock()
        self._changed = asyncio.Event()
        self._watched = asyncio.Event()
        self._stopped = False
        self.when_stopped: list[Callable[[], None]] = []
        """Told when streams are to end: other pages' streams end with these."""
        self.clients = 0
        self.counters: Counter[str] = Counter()

    async def sections(self) -> dict[str, str]:
        """Every section as of now."""
        await self._refresh()
        return {name: section.html for name, section in self._sections.items()}

    async def run(self) -> None:
        """Follow the tide for as long as somebody watches; ends by cancellation."""
        while True:
            await self._watched.wait()
            level = self._tide.level  # before the look: what comes meanwhile needs another
            try:
                await self._refresh()
            except Exception:  # noqa: BLE001 (told and counted: a screen must not stop stock)
                self.counters["failed"] += 1
                _log.exception("screen_not_drawn")
            await asyncio.sleep(COALESCE_S)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(IDLE_S):
                    await self._tide.above(level)

    async def _refresh(self) -> None:
        async with self._refreshing:
            self._ledger_seq, html = await self._database.read(self._screen.draw)
            self.counters["drawn"] += 1
            version = self._version + 1
            for name, text in html.items():
                known = self._sections.get(name)
                if known is None or known.html != text:
                    self._sections[name] = _Section(text, version)
                    self._version = version
            if self._version == version:
                self._messages.clear()
                self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def stop(self) -> None:
        """End every stream, so that the server can close its connections."""
        self._stopped = True
        self._wake()
        for told in self.when_stopped:
            told()

    def resume(self) -> None:
        """Take streams again after ``stop``."""
        self._stopped = False

    @property
    def full(self) -> bool:
        """Whether one more client would be too many."""
        return self.clients >= MAX_CLIENTS

    async def stream(self) -> AsyncIterator[bytes]:
        """Server-sent events for one client: first everything, then what changes."""
        self.clients += 1
        self._watched.set()
        version = 0
        try:
            yield b"retry: 1000\n\n"
            while not self._stopped:
                if self._version > version:
                    message, version = self._message(version), self._version
                    yield message
                    continue
                try:
                    async with asyncio.timeout(KEEP_ALIVE_S):
                        await self._changed.wait()
                except TimeoutError:
                    yield b": still here\n\n"
        finally:
            self.clients -= 1
            if self.clients == 0:
                self._watched.clear()

    def _message(self, version: int) -> bytes:
        """What is newer than ``version``; clients at the same version share the bytes."""
        message = self._messages.get(version)
        if message is None:
            html = "".join(
                f'<hx-partial hx-target="#{name}" hx-swap="innerMorph">{section.html}</hx-partial>'
                for name, section in self._sections.items()
                if section.version > version
            )
            data = "\n".join(f"data: {line}" for line in html.splitlines())
            message = self._messages[version] = f"id: {self._ledger_seq}\n{data}\n\n".encode()
        return message
