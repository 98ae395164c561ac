"""``tallyport edge discover``: one look around, as a table or as JSON."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping, Sequence
from typing import Any, cast

import msgspec
from rich.console import Console
from rich.status import Status
from rich.table import Table
from rich.text import Text

from edge.config import EdgeConfig
from edge.console.discovery.hits import SOURCES, Ours, Source
from edge.console.discovery.looking import look_around, ours_of
from edge.console.discovery.source import Ground

_STATES = {
    "new": ("new", "green"),
    "known": ("known", "cyan"),
    "busy": ("busy", "yellow"),
    "wrong_mode": ("wrong mode", "red"),
}
_NAMES = {"llrp": "readers", "usb": "USB", "bluetooth": "Bluetooth", "mdns": "announced"}


def discover(
    config: EdgeConfig | None,
    *,
    sources: Sequence[str],
    subnets: Sequence[str],
    seconds: float,
    llrp_port: int,
    sniff: bool,
    as_json: bool,
) -> int:
    """Look, and print what was found; the exit status: 2 for a source that there is not."""
    if strange := [one for one in sources if one not in SOURCES]:
        sys.stderr.write(f'"{strange[0]}" is no source; there are {", ".join(SOURCES)}\n')
        return 2
    chosen = cast("Sequence[Source]", sources) or SOURCES
    ground = Ground(subnets=tuple(subnets), seconds=seconds, llrp_port=llrp_port, sniff=sniff)
    console = Console(stderr=True)
    ours = ours_of(config.devices, {}) if config is not None else []
    if as_json:
        found = asyncio.run(look_around(ground, lambda: ours, lambda _: None, chosen))
        sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
        return 0
    with console.status("looking around") as status:
        found = asyncio.run(_look(ground, ours, chosen, status))
    _print(found)
    return 0


async def _look(
    ground: Ground, ours: Sequence[Ours], sources: Sequence[Source], status: Status
) -> dict[str, Any]:
    def tell(picture: Mapping[str, Any]) -> None:
        busy = [one["text"] for one in picture["sources"] if one["state"] == "running"]
        status.update(f"{len(picture['hits'])} found; {'; '.join(filter(None, busy))}")

    return await look_around(ground, lambda: ours, tell, sources)


def _print(found: Mapping[str, Any]) -> None:
    console = Console()
    if found["hits"]:
        console.print(_table(found["hits"]))
    for line in found["sources"]:
        mark = "FAIL" if line["state"] == "cannot" else "ok  "
        console.print(Text(f"{mark} {_NAMES[line['source']]}: {line['text']}"))
        if line["hint"]:
            console.print(Text(f"     {line['hint']}"))
    if not found["hits"]:
        console.print("Nothing was found. Has it power, and is it in this network?")


def _table(hits: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("state", "what", "where", "tells"):
        table.add_column(title, overflow="fold")
    for hit in hits:
        words, colour = _STATES[hit["state"]]
        told = [
            f"{hit['device']}" if hit["device"] else "",
            f"moved from {hit['moved_from']}" if hit["moved_from"] else "",
            f"held: {hit['held_by']}" if hit["held_by"] else "",
            hit["identity"],
            hit["detail"],
            hit["advice"],
        ]
        row = (Text(words, style=colour), hit["title"], hit["where"], "; ".join(filter(None, told)))
        table.add_row(*(Text(one) if isinstance(one, str) else one for one in row))
    return table
