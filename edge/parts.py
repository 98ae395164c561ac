"""The tasks that an agent consists of, and what it means when one of them ends."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

from edge.fleet import DeviceEnded

__all__ = ["AgentFault", "NewStart", "cancel", "fault", "part"]

_log = structlog.get_logger("edge.agent")


class AgentFault(Exception):
    """A part of the agent ended that must not; the text says which and why."""


class NewStart(Exception):
    """Somebody asked the agent to begin anew, with the settings as they are then."""


def part(name: str, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
    """Begin a part under a name that a fault will tell."""
    return asyncio.create_task(work, name=name)


async def cancel(tasks: list[asyncio.Task[Any]]) -> None:
    """End parts, and wait until they have ended."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def fault(ended: asyncio.Task[Any]) -> AgentFault:
    """What to raise for a part that ended by itself."""
    if ended.cancelled():
        return AgentFault(f"{ended.get_name()} was cancelled")
    error = ended.exception()
    if error is not None:
        _log.error("part_failed", part=ended.get_name(), exc_info=error)
    if isinstance(error, DeviceEnded):
        found = AgentFault(str(error))
    else:
        found = AgentFault(f"{ended.get_name()} ended: {error or 'without an error'}")
    found.__cause__ = error
    return found
