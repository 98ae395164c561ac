"""The diagnostics bundle: what somebody elsewhere needs to help, and nothing that is secret.

A tar.gz of text files. Every value that the settings name as a secret is cut out wherever it
stands, in the settings as in a log line that happens to quote it. Blocking: make it in a thread.
"""

from __future__ import annotations

import io
import json
import platform
import re
import sys
import tarfile
import time
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import msgspec

from edge.announcing import own_version
from edge.config import EdgeConfig
from edge.console.support.clock_state import clock_state
from edge.console.support.machine import certificates, machine_findings
from edge.settings_file.secrecy import hidden, is_secret

__all__ = ["CUT", "Facts", "bundle", "secrets_of"]

CUT = "********"
MOST_BYTES = 5_000_000
_MODEL = Path("/proc/device-tree/model")
_PORTS = ("/dev/serial/by-id", "/dev/serial/by-path", "/dev/input/by-id", "/dev/hidraw*",
          "/dev/ttyUSB*", "/dev/ttyACM*")  # fmt: skip
_LEAST_SECRET = 4
"""A secret of fewer letters is cut out of the settings only: it stands in every other word."""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What only the running agent knows; all of it in words that JSON has."""

    live: bool = False
    health: Sequence[Mapping[str, Any]] = ()
    devices: Sequence[Mapping[str, Any]] = ()
    lines: Sequence[Mapping[str, Any]] = ()
    unread: Sequence[Mapping[str, Any]] = ()
    journal: Mapping[str, Any] = {}
    now: Mapping[str, Any] = {}


def bundle(config: EdgeConfig, settings: str, facts: Facts) -> bytes:
    """The bundle. ``settings`` is the file's text, empty where there is none."""
    secrets = secrets_of(settings)
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz", compresslevel=6) as archive:
        for name, text in _files(config, settings, facts):
            data = _without(text, secrets).encode()
            entry = tarfile.TarInfo(f"tallyport-{config.edge.name}/{name}")
            entry.size, entry.mtime, entry.mode = len(data), int(time.time()), 0o600
            archive.addfile(entry, io.BytesIO(data))
    return made.getvalue()


def secrets_of(settings: str) -> list[str]:
    """Every value of a settings text that is secret, and the text of a URL's user and password."""
    try:
        table = tomllib.loads(settings)
    except (ValueError, RecursionError):
        return []
    found = {value for value in _secret_values(table, secret=False) if len(value) >= _LEAST_SECRET}
    return sorted(found, key=len, reverse=True)


def _secret_values(value: object, *, secret: bool) -> Iterable[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _secret_values(inner, secret=secret or is_secret(key))
    elif isinstance(value, list):
        for inner in value:
            yield from _secret_values(inner, secret=secret)
    elif secret and isinstance(value, str | int):
        yield str(value)
    elif isinstance(value, str) and (user := re.match(r"\w+://([^/@\s]+)@", value)):
        yield from filter(None, user[1].split(":", 1)[1:])


def _without(text: str, secrets: Sequence[str]) -> str:
    for secret in secrets:
        for written in {secret, json.dumps(secret)[1:-1]}:
            text = text.replace(written, CUT)
    return text


def _files(config: EdgeConfig, settings: str, facts: Facts) -> Iterable[tuple[str, str]]:
    yield "README.txt", _about(facts)
    yield "versions.json", _json(_versions())
    yield "settings.toml", _settings(settings)
    yield "health.json", _json(facts.health or machine_findings(config))
    yield "devices.json", _json(facts.devices)
    yield "now.json", _json(facts.now)
    yield "journal.json", _json(facts.journal or _on_disk(config.edge.data_dir / "journal"))
    yield "clock.json", _json(clock_state()._asdict())
    yield (
        "certificates.json",
        _json(
            [
                {"key": key, "file": str(path), "good_until": until, "problem": problem}
                for key, path, until, problem in certificates(config)
            ]
        ),
    )
    yield "ports.json", _json(_ports())
    yield "unread.json", _json(facts.unread)
    yield "log.jsonl", "".join(msgspec.json.encode(one).decode() + "\n" for one in facts.lines)


def _about(facts: Facts) -> str:
    how = "by the running agent" if facts.live else "while no agent could be asked"
    return (
        f"Diagnostics of a Tallyport edge, made {how}.\n"
        "Secrets of the settings are cut out and shown as stars. Look through it before you send "
        "it on:\nnames of devices, EPCs and addresses of this network are in it.\n"
    )


def _settings(text: str) -> str:
    if not text:
        return "# the agent was started without a file\n"
    try:
        return hidden(text)
    except (ValueError, RecursionError) as error:
        return f"# the file is no TOML and is left out, as its secrets cannot be told: {error}\n"


def _versions() -> dict[str, Any]:
    try:
        model = _MODEL.read_text(encoding="utf-8").strip("\0\n")
    except OSError:
        model = ""
    return {
        "tallyport": own_version(), "python": sys.version, "system": platform.platform(),
        "machine": model or platform.machine(),
        "packages": {one.metadata["Name"]: one.version for one in distributions()},
    }  # fmt: skip


def _ports() -> dict[str, list[str]]:
    """What is plugged in: names of ports, and where their links lead."""
    found: dict[str, list[str]] = {}
    for place in _PORTS:
        parent, pattern = (Path(place).parent, Path(place).name) if "*" in place else (
            Path(place), "*")  # fmt: skip
        paths = sorted(parent.glob(pattern)) if parent.is_dir() else []
        found[place] = [f"{one} -> {one.resolve()}" if one.is_symlink() else str(one)
                        for one in paths]  # fmt: skip
    return found


def _on_disk(journal: Path) -> dict[str, int]:
    files = [one for one in journal.glob("**/*") if one.is_file()] if journal.is_dir() else []
    return {"files": len(files), "bytes_on_disk": sum(one.stat().st_size for one in files)}


def _json(value: object) -> str:
    return msgspec.json.format(msgspec.json.encode(value, enc_hook=str), indent=2).decode() + "\n"
