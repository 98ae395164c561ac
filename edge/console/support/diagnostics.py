"""``diagnostics`` makes the bundle at the edge, ``diagnostics.part`` hands it over in pieces."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec

from edge.console.bench import Bench
from edge.console.devices import listed
from edge.console.operation import Operation, Tell
from edge.console.support.bundle import Facts, bundle
from edge.console.support.health import findings
from edge.console.support.logs import told
from gateway import files
from gateway.console import Troubled

__all__ = ["DIAGNOSTICS", "PART"]

_PART_BYTES = 96 * 1024
_KEPT = 2
_FOLDER = "diagnostics"


class DiagnosticsArguments(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing to say."""


class PartArguments(msgspec.Struct, frozen=True, kw_only=True):
    """``name`` as ``diagnostics`` told it, from ``offset`` on."""

    name: Annotated[
        str, msgspec.Meta(pattern=r"^tallyport-[a-z0-9._-]+-[0-9]{8}T[0-9]{6}\.tar\.gz\Z")
    ]
    offset: Annotated[int, msgspec.Meta(ge=0)]


async def diagnostics(bench: Bench, _asked: DiagnosticsArguments, tell: Tell) -> dict[str, Any]:
    """Make a bundle; its name and size."""
    tell({"step": "collecting"})
    facts = await _facts(bench)
    settings = ""
    if bench.settings_file is not None:
        with contextlib.suppress(OSError, UnicodeDecodeError):
            settings = await asyncio.to_thread(bench.settings_file.read_text, encoding="utf-8")
    tell({"step": "packing"})
    data = await asyncio.to_thread(bundle, bench.config, settings, facts)
    name = f"tallyport-{bench.config.edge.name}-{datetime.now(UTC):%Y%m%dT%H%M%S}.tar.gz"
    await asyncio.to_thread(_keep, bench.data_dir / _FOLDER, name, data)
    return {"name": name, "bytes": len(data)}


async def _facts(bench: Bench) -> Facts:
    unread = [
        {"device": name, "at_us": at_us, "text": detail, "hex": raw_hex}
        for name, supervisor in bench.supervisors.items()
        for at_us, detail, raw_hex in supervisor.flaws
    ]
    stats = await bench.journal()
    return Facts(
        live=True,
        health=await findings(bench),
        devices=listed(bench),
        lines=[told(one) for one in bench.logs.after()],
        unread=unread,
        journal={name: getattr(stats, name) for name in stats.__slots__},
        now=msgspec.to_builtins(bench.now()),
    )


def _keep(folder: Path, name: str, data: bytes) -> None:
    """The newest ones are kept, so that a slow download ends well."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for old in sorted(folder.glob("*.tar.gz"))[: -(_KEPT - 1) or None]:
        old.unlink(missing_ok=True)
    files.replace(folder / name, data, 0o600)


async def part(bench: Bench, asked: PartArguments, _tell: Tell) -> dict[str, Any]:
    """A piece of a bundle, in base64."""
    path = bench.data_dir / _FOLDER / asked.name
    try:
        data = await asyncio.to_thread(_read, path, asked.offset)
    except OSError as error:
        raise Troubled("gone", "This bundle is not kept any more.", "Make another one.") from error
    return {"offset": asked.offset, "data": base64.b64encode(data).decode()}


def _read(path: Path, offset: int) -> bytes:
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(_PART_BYTES)


DIAGNOSTICS = Operation(DiagnosticsArguments, diagnostics)
PART = Operation(PartArguments, part)
