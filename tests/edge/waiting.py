"""Waiting for a condition that nobody announces, with a generous limit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


async def until(holds: Callable[[], bool], what: str = "", limit_s: float = 60.0) -> None:
    """Return as soon as ``holds``; TimeoutError, naming ``what``, after ``limit_s``."""
    try:
        async with asyncio.timeout(limit_s):
            while not holds():  # noqa: ASYNC110 - what is watched has no event of its own
                await asyncio.sleep(0.005)
    except TimeoutError:
        raise TimeoutError(f"did not become true within {limit_s:g} s: {what}") from None
