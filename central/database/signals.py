"""What another worker committed raises our tide too: PostgreSQL tells each commit to all.

A notice that is missed costs nothing but time: every worker renews its lease with a commit, so
the next notice is a few seconds away.
"""

from __future__ import annotations

import asyncio

import psycopg
import structlog
from sqlalchemy import make_url

from central.database.store import CHANGED
from central.database.tide import Tide

__all__ = ["Signals"]

_log = structlog.get_logger("central.database.signals")
_RETRY_S = 1.0


class Signals:
    """A connection of its own, on which nothing but notices comes."""

    def __init__(self, url: str, tide: Tide) -> None:
        plain = make_url(url).set(drivername="postgresql")
        self._address = plain.render_as_string(hide_password=False)
        self._tide = tide

    async def run(self) -> None:
        """Listen until cancelled; a server that is away is tried again for ever."""
        told = False
        while True:
            try:
                await self._listen()
            except psycopg.OperationalError as error:
                if not told:
                    _log.error("not_told_of_commits", why=str(error), hint="is PostgreSQL up?")
                told = True
            else:
                told = False
            await asyncio.sleep(_RETRY_S)

    async def _listen(self) -> None:
        connection = await psycopg.AsyncConnection.connect(
            self._address,
            autocommit=True,
            keepalives_idle=5,
            keepalives_interval=2,
            keepalives_count=3,
        )
        async with connection:
            await connection.execute(f"LISTEN {CHANGED}")
            self._tide.rise()  # for what was committed while nobody listened
            async for _notice in connection.notifies():
                self._tide.rise()
