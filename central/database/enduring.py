"""How what follows the books endures: step by step, for ever, also while the database is away."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

import structlog
from sqlalchemy.exc import DBAPIError

from central.database.store import passes_by
from central.database.tide import Tide

__all__ = ["AT_ONCE", "follow"]

AT_ONCE = 0.0
"""What a step answers behind which more is waiting."""
_BACK_OFF_S = (1.0, 60.0)
_PACE_S = 0.02
"""Many commits in a row wake each follower once in this time, not each of them once a commit."""
_log = structlog.get_logger("central")


async def follow(
    what: str,
    step: Callable[[], Awaitable[float | None]],
    *,
    tide: Tide,
    counters: Counter[str],
    pace_s: float = _PACE_S,
) -> None:
    """Take step after step until cancelled. A step answers how many seconds may pass until the
    next if nothing is committed meanwhile; ``None``: any number. ``pace_s`` lies between two.

    A database that is away is tried again, and counted in ``retries``; what else a step raises is
    raised.
    """
    delay_s = _BACK_OFF_S[0]
    while True:
        level = tide.level
        try:
            wait_s = await step()
        except DBAPIError as error:
            if not passes_by(error):
                raise
            counters["retries"] += 1
            _log.warning("waits_for_the_database", of=what, why=str(error.orig), wait_s=delay_s)
            await asyncio.sleep(delay_s)
            delay_s = min(delay_s * 2, _BACK_OFF_S[1])
            continue
        delay_s = _BACK_OFF_S[0]
        if wait_s == AT_ONCE:
            continue
        await asyncio.sleep(pace_s)
        try:
            async with asyncio.timeout(wait_s):
                await tide.above(level)
        except TimeoutError:
            continue  # nothing was committed: the clock has its turn
