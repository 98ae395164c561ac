"""What technicians measured, kept on the edge: one JSON file for each record, never changed again.

Below ``console/`` of the data folder. A record's name tells its kind, its device and its moment.
"""

from __future__ import annotations

import os
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from gateway.console import Troubled

NAME = re.compile(r"^(?P<kind>[a-z]+)-(?P<device>[a-z0-9._-]{1,64})-(?P<at>\d{8}T\d{6}Z)\Z")
_MOST_KEPT = 1_000
PART_BYTES = 256 * 1024
"""What goes into one message of the broker."""


def folder(data_dir: Path) -> Path:
    """Where it all is; made when it is not there."""
    path = data_dir / "console"
    path.mkdir(parents=True, exist_ok=True)
    return path


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that a power cut leaves the old one or the new one."""
    fresh = path.with_name(path.name + ".new")
    with fresh.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def name_of(kind: str, device: str, at: datetime) -> str:
    """The name of a record made at ``at`` (UTC)."""
    return f"{kind}-{device}-{at:%Y%m%dT%H%M%SZ}"


def keep(data_dir: Path, name: str, record: dict[str, Any]) -> None:
    """Keep a record. The oldest of the same kind go beyond a thousand."""
    path = folder(data_dir) / f"{name}.json"
    write_whole(path, msgspec.json.format(msgspec.json.encode(record)))
    kind = name.partition("-")[0]
    for old in names(data_dir, kind=kind)[_MOST_KEPT:]:
        (folder(data_dir) / f"{old}.json").unlink(missing_ok=True)


def names(data_dir: Path, *, kind: str = "", device: str = "") -> list[str]:
    """The records there are, the newest first."""
    found = []
    for path in folder(data_dir).glob("*.json"):
        match = NAME.match(path.stem)
        if match and kind in {"", match["kind"]} and device in {"", match["device"]}:
            found.append((match["at"], path.stem))
    return [name for _, name in sorted(found, reverse=True)]


def read(data_dir: Path, name: str) -> dict[str, Any]:
    """One record. Raises ``Troubled`` where there is none of this name, or it is broken."""
    path = folder(data_dir) / f"{name}.json"
    if not NAME.match(name) or not path.exists():
        raise Troubled("no-such-record", f'There is no record "{name}" on this edge.')
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise Troubled("broken-record", f"The record {name} cannot be read: {error}.") from error
