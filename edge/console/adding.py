"""Operations that change which devices there are: add (what was proved), edit, remove.

Each is one new version of the settings, applied on trial: whole, or not at all.
"""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from edge.console.bench import Bench
from edge.console.operation import Operation, Tell
from edge.console.trying import checked, is_proved
from edge.settings_file.edits import NoDevice, add_device, put, remove_device
from gateway.console import Troubled

__all__ = ["ADD", "EDIT", "REMOVE"]


class AddArguments(msgspec.Struct, frozen=True, kw_only=True):
    """``fields`` are all keys of the device's table, ``proof`` what ``try_device`` gave."""

    fields: dict[str, Any]
    proof: str
    who: str = "somebody"


class EditArguments(msgspec.Struct, frozen=True, kw_only=True):
    """``fields`` are the keys to set, ``null`` those to take out; with ``must_run`` the device must
    run afterwards even if it did not before.
    """

    device: str
    fields: dict[str, Any]
    must_run: bool = False
    reason: str = ""
    who: str = "somebody"


class RemoveArguments(msgspec.Struct, frozen=True, kw_only=True):
    """``device`` goes; its observations stay."""

    device: str
    reason: str = ""
    who: str = "somebody"


async def add(bench: Bench, asked: AddArguments, tell: Tell) -> dict[str, Any]:
    """Write a device into the settings, and run it; where it does not run, it is gone again."""
    device = checked(asked.fields)
    if device.name in {one.name for one in bench.fleet.devices}:
        raise Troubled("name-taken", f"There is a device {device.name} already.", "Name it anew.")
    if not is_proved(asked.fields, asked.proof):
        raise Troubled(
            "not-proved",
            "Nothing was heard of this device as it is set now.",
            "Let it be tried once more: what is saved must have been heard.",
        )
    settings = bench.settings
    try:
        text = await asyncio.to_thread(add_device, settings.text(), asked.fields)
    except NoDevice as error:
        raise Troubled("one-line", f"{error}.", "Edit the settings by hand once.") from error
    return await settings.apply(
        text, who=asked.who, why=f"{device.name} was added", must_run=[device.name], tell=tell
    )


async def edit(bench: Bench, asked: EditArguments, tell: Tell) -> dict[str, Any]:
    """Change keys of one device. It must run afterwards, if it ran before."""
    name = bench.device(asked.device).name
    changed = ", ".join(asked.fields)
    return await bench.settings.change(
        name,
        lambda table: put(table, asked.fields),
        asked.reason or f"{name}: {changed}",
        asked.who,
        tell,
        must_run=asked.must_run,
    )


async def remove(bench: Bench, asked: RemoveArguments, tell: Tell) -> dict[str, Any]:
    """Take a device out of the settings, and stop it."""
    name = bench.device(asked.device).name
    settings = bench.settings
    try:
        text = await asyncio.to_thread(remove_device, settings.text(), name)
    except NoDevice as error:
        raise Troubled("no-such-device", f"{error}.") from error
    reason = asked.reason or f"{name} was removed"
    return await settings.apply(text, who=asked.who, why=reason, tell=tell)


ADD = Operation(AddArguments, add)
EDIT = Operation(EditArguments, edit)
REMOVE = Operation(RemoveArguments, remove)
