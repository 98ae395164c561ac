"""``logs``: the newest lines of this agent's log, and what comes after them."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

import msgspec

from edge.console.bench import Bench
from edge.console.operation import Operation, Tell
from gateway.log_ring import Line

__all__ = ["LOGS", "told"]

_LOOK_EVERY_S = 0.3


class LogsArguments(msgspec.Struct, frozen=True, kw_only=True):
    """Lines of ``level`` and worse, of one ``device`` or of all; ``follow`` goes on until it is
    cancelled. A picture has the newest ``most`` lines, the oldest of them first.
    """

    level: Literal["debug", "info", "warning", "error"] = "info"
    device: str | None = None
    most: Annotated[int, msgspec.Meta(ge=1, le=500)] = 200
    follow: bool = True


async def logs(bench: Bench, asked: LogsArguments, tell: Tell) -> dict[str, Any]:
    """See ``LogsArguments``."""
    ring, shown = bench.logs, -1
    while True:
        found = ring.after(level=asked.level, device=asked.device, most=asked.most)
        picture = {"lines": [told(one) for one in found], "edge": bench.config.edge.name}
        if not asked.follow:
            return picture
        newest = found[-1].no if found else 0
        if newest != shown:
            tell(picture)
            shown = newest
        await asyncio.sleep(_LOOK_EVERY_S)


def told(line: Line) -> dict[str, Any]:
    """A line in words that JSON has."""
    return {
        "no": line.no, "at_us": int(line.at.timestamp() * 1e6), "level": line.level,
        "event": line.event, "device": line.device, "fields": line.fields,
    }  # fmt: skip


LOGS = Operation(LogsArguments, logs)
