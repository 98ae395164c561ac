"""Operations on the settings file: read, check, apply, versions, differences, rollback, restart."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import msgspec

from edge.console.bench import Bench
from edge.console.operation import Operation, Tell
from edge.settings_file.schema import schema

__all__ = ["APPLY", "CHECK", "DIFF", "GET", "RESTART", "ROLLBACK", "SCHEMA", "VERSIONS"]

_MOST_CHARACTERS = 400_000
Text = Annotated[str, msgspec.Meta(max_length=_MOST_CHARACTERS)]
Reason = Annotated[str, msgspec.Meta(max_length=300)]
_SAY_FIRST_S = 0.5


class Nothing(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing to say."""


class CheckArguments(msgspec.Struct, frozen=True, kw_only=True):
    """``text`` is a whole file; a secret in it may be eight stars, which stand for what it was."""

    text: Text


class ApplyArguments(msgspec.Struct, frozen=True, kw_only=True):
    """``base`` is the hash that ``config.get`` told, ``who`` asks, ``reason`` says why."""

    text: Text
    base: str = ""
    reason: Reason = ""
    who: str = "somebody"


class DiffArguments(msgspec.Struct, frozen=True, kw_only=True):
    """Two versions; 0 is the file as it is."""

    old: int
    new: int = 0


class RollbackArguments(msgspec.Struct, frozen=True, kw_only=True):
    """Which version is restored."""

    version: int
    reason: Reason = ""
    who: str = "somebody"


class RestartArguments(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks."""

    who: str = "somebody"


async def get(bench: Bench, _asked: Nothing, _tell: Tell) -> dict[str, Any]:
    """The file as it is, secrets hidden."""
    return await asyncio.to_thread(bench.settings.shown)


async def give_schema(_bench: Bench, _asked: Nothing, _tell: Tell) -> dict[str, Any]:
    """The JSON Schema of a settings file."""
    return await asyncio.to_thread(schema)


async def check(bench: Bench, asked: CheckArguments, _tell: Tell) -> dict[str, Any]:
    """Every mistake of a text; of a sound one what applying it would need."""
    settings = bench.settings
    checked = await asyncio.to_thread(settings.check, asked.text)
    config = checked.config
    changes = None if config is None else await asyncio.to_thread(settings.changed, checked.text)
    return {
        "mistakes": [msgspec.to_builtins(one) | {"sentence": str(one)} for one in checked.mistakes],
        "changes": msgspec.to_builtins(changes),
        "devices": [] if config is None else [one.name for one in config.devices],
        "restart": [] if config is None else settings.needs_a_start(config),
    }


async def apply(bench: Bench, asked: ApplyArguments, tell: Tell) -> dict[str, Any]:
    """Use a text from now on, on trial (``edge.settings_file.settings``)."""
    settings = bench.settings
    text = await asyncio.to_thread(settings.whole, asked.text)
    return await settings.apply(text, who=asked.who, why=asked.reason, base=asked.base, tell=tell)


async def versions(bench: Bench, _asked: Nothing, _tell: Tell) -> dict[str, Any]:
    """All versions, the newest first, and what became of each."""
    return await asyncio.to_thread(_versions, bench)


def _versions(bench: Bench) -> dict[str, Any]:
    settings = bench.settings
    outcomes = settings.versions.outcomes()
    pending = settings.versions.pending()
    shown = settings.shown()
    rows = []
    for one in settings.versions.all():
        outcome = outcomes.get(one.version)
        row = msgspec.to_builtins(one) | {
            "outcome": outcome.state if outcome is not None else "",
            "why": outcome.why if outcome is not None else "",
            "in_use": one.version == shown["version"],
        }
        if pending is not None and pending.version == one.version:
            row["outcome"] = "trial"
        rows.append(row)
    return {"versions": rows, "by_hand": shown["version"] == 0, "sha256": shown["sha256"]}


async def diff(bench: Bench, asked: DiffArguments, _tell: Tell) -> dict[str, Any]:
    """What differs, key by key, and as a unified diff; secrets hidden."""
    settings = bench.settings
    lines = await asyncio.to_thread(settings.diff, asked.old, asked.new)
    changes = await asyncio.to_thread(settings.changes, asked.old, asked.new)
    return {"lines": lines, "changes": msgspec.to_builtins(changes)}


async def rollback(bench: Bench, asked: RollbackArguments, tell: Tell) -> dict[str, Any]:
    """Restore a version, byte for byte, on trial like any other."""
    return await bench.settings.rollback(asked.version, who=asked.who, why=asked.reason, tell=tell)


async def restart(bench: Bench, asked: RestartArguments, _tell: Tell) -> dict[str, Any]:
    """End the agent in order and begin anew; whoever asked hears of it first."""
    asyncio.get_running_loop().call_later(_SAY_FIRST_S, bench.restart, f"asked by {asked.who}")
    return {"restart": True}


GET = Operation(Nothing, get)
SCHEMA = Operation(Nothing, give_schema)
CHECK = Operation(CheckArguments, check)
APPLY = Operation(ApplyArguments, apply)
VERSIONS = Operation(Nothing, versions)
DIFF = Operation(DiffArguments, diff)
ROLLBACK = Operation(RollbackArguments, rollback)
RESTART = Operation(RestartArguments, restart)
