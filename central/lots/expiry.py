"""What is past its day leaves what can be sold, by the clock."""

from __future__ import annotations

import time

import structlog

from central.database.moments import from_us
from central.database.store import Database
from central.database.tide import Tide
from central.lots.store import expire

__all__ = ["Expiry"]

_log = structlog.get_logger("central.lots")


class Expiry:
    """Work for the schedule. Days are UTC's."""

    def __init__(self, database: Database, tide: Tide) -> None:
        self._database, self._tide = database, tide

    async def sweep(self) -> None:
        """Move all that is over by now, some hundred balances at a time."""
        now_us = time.time_ns() // 1_000
        today = from_us(now_us).date()
        while moved := await self._database.write(lambda c: expire(c, today, at_us=now_us)):
            _log.info("lots_expired", balances=len(moved))
            self._tide.rise()
