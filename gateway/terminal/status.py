"""A service's status on the terminal it was started from, kept fresh while it runs."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import structlog

from gateway.terminal.screen import Draw, Screen

__all__ = ["shown_on"]

Look = Callable[[], Awaitable[Draw]]
_EVERY_S = 1.0
_log = structlog.get_logger("terminal")


@contextlib.asynccontextmanager
async def shown_on(
    screen: Screen | None, look: Callable[[], Awaitable[Draw]]
) -> AsyncIterator[None]:
    """While inside, what ``look`` gives is drawn once a second; without a screen nothing is.

    A look that fails is told in the log, once: a picture must not stop what it is of.
    """
    if screen is None:
        yield
        return
    showing = asyncio.create_task(_keep_fresh(screen, look), name="terminal")
    try:
        yield
    finally:
        showing.cancel()
        await asyncio.gather(showing, return_exceptions=True)


async def _keep_fresh(screen: Screen, look: Look) -> None:
    failed = False
    while True:
        try:
            screen.show(await look())
            failed = False
        except Exception:  # noqa: BLE001 - told, once until it is well again
            if not failed:
                _log.exception("status_not_drawn")
            failed = True
        await asyncio.sleep(_EVERY_S)
