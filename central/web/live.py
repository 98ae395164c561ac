"""The stream of a live screen: what changed is rendered once and handed to everyone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Protocol

import msgspec
from sqlalchemy import Connection

from central.database.store import Database
from central.database.tide import Tide
from central.web.stream import Stream

__all__ = ["Live"]


class Screen(Protocol):
    """What is drawn; not by two threads at once."""

    def draw(self, connection: Connection) -> tuple[int, dict[str, str]]:
        """A number that names this state, and every section's HTML by the id of its place."""
        ...


class _Section(msgspec.Struct, frozen=True):
    html: str
    version: int


class Live(Stream):
    """Renders the sections while somebody watches, and streams them."""

    def __init__(self, *, database: Database, tide: Tide, screen: Screen) -> None:
        super().__init__(tide)
        self._database = database
        self._screen = screen
        self._sections: dict[str, _Section] = {}
        self._ledger_seq = 0
        self._messages: dict[int, bytes] = {}
        self._refreshing = asyncio.Lock()

    async def sections(self) -> dict[str, str]:
        """Every section as of now."""
        await self.look(anew=False)
        return {name: section.html for name, section in self._sections.items()}

    async def look(self, *, anew: bool) -> None:
        """Draw all; what differs from before is told."""
        async with self._refreshing:
            self._ledger_seq, html = await self._database.read(self._screen.draw)
            newer = {
                name: _Section(text, self.version + 1)
                for name, text in html.items()
                if name not in self._sections or self._sections[name].html != text
            }
            if newer:
                self._sections |= newer
                self._messages.clear()
                self.tell()

    def stream(self) -> AsyncGenerator[bytes, None]:
        """Server-sent events for one client: first everything, then what changes."""
        return self.follow(self._message)

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
