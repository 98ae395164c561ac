"""Changes of one device in the text of a settings file; all else in it stays as it is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import tomlkit
from tomlkit import TOMLDocument
from tomlkit.items import AoT, Table

Edit = Callable[[Table], None]
"""Changes one device's table in place."""


class NoDevice(LookupError):
    """No device of this name is in the text; the message names those that are."""


def add_device(text: str, fields: Mapping[str, Any]) -> str:
    """A ``[[devices]]`` table more, at the end; what was there stays byte for byte. Lists of
    tables within it become ``[[devices.antennas]]`` and the like.

    Raises ``NoDevice`` where the devices are written as a list in one line.
    """
    if not isinstance(tomlkit.parse(text).get("devices", tomlkit.aot()), AoT):
        raise NoDevice("devices stand in one line here: write them as [[devices]] tables")
    table = tomlkit.table()
    put(table, fields)
    devices = tomlkit.aot()
    devices.append(table)
    added = tomlkit.document()
    added.append("devices", devices)
    before = text.rstrip("\n")
    after = tomlkit.dumps(added).rstrip("\n") + "\n"
    return f"{before}\n\n{after}" if before else after


def edit_device(text: str, name: str, edit: Edit) -> str:
    """Change one device. Raises ``NoDevice``, and whatever ``edit`` raises."""
    document = tomlkit.parse(text)
    edit(_device(document, name))
    return tomlkit.dumps(document)


def remove_device(text: str, name: str) -> str:
    """Take one device out, with its comments. Raises ``NoDevice``."""
    document = tomlkit.parse(text)
    table = _device(document, name)
    devices = document["devices"]
    assert isinstance(devices, AoT), "found in it"
    devices.remove(table)
    if not devices:
        document.remove("devices")
    return tomlkit.dumps(document)


def put(table: Table, fields: Mapping[str, Any]) -> None:
    """Set these keys of a table; ``None`` takes a key out."""
    for key, value in fields.items():
        if value is None:
            table.pop(key, None)
        elif isinstance(value, list | tuple) and value and isinstance(value[0], Mapping):
            many = tomlkit.aot()
            for one in value:
                row = tomlkit.table()
                put(row, one)
                many.append(row)
            many[-1].add(tomlkit.nl())
            table[key] = many
        elif isinstance(value, Mapping):
            inline = tomlkit.inline_table()
            inline.update(value)
            table[key] = inline
        else:
            table[key] = value


def _device(document: TOMLDocument, name: str) -> Table:
    devices = document.get("devices")
    tables = [one for one in devices if isinstance(one, Table)] if devices is not None else []
    for table in tables:
        if table.get("name") == name:
            return table
    known = ", ".join(str(table.get("name")) for table in tables) or "none"
    raise NoDevice(f'there is no device "{name}" in the settings; there are: {known}')
