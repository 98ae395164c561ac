"""The edge at this moment, in figures: for ``tallyport edge top`` and other programs."""

from __future__ import annotations

from typing import Any

import msgspec

from edge.console.bench import Bench
from edge.console.operation import Operation, Tell

__all__ = ["NOW"]


class NowArguments(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing to say."""


async def now(bench: Bench, _asked: NowArguments, _tell: Tell) -> dict[str, Any]:
    """See ``edge.now.EdgeNow``."""
    told: dict[str, Any] = msgspec.to_builtins(bench.now())
    return told


NOW = Operation(NowArguments, now)
