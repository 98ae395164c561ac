"""One look around: all sources at once, and what they found so far, judged."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec
import structlog

from edge.config import DeviceConfig
from edge.console.discovery.hits import SOURCES, Find, Hit, Ours, Source, judged
from edge.console.discovery.source import CannotLook, Ground, LookAt, Talk

_log = structlog.get_logger("edge.discovery")
_TOLD_EVERY_S = 0.2


class Line(msgspec.Struct, kw_only=True):
    """How one source does: ``state`` is ``running``, ``done`` or ``cannot``, ``text`` for people,
    ``hint`` what would help.
    """

    source: str
    state: str = "running"
    text: str = ""
    hint: str = ""


@dataclass(slots=True)
class Around:
    """What was found so far."""

    ours: Callable[[], Sequence[Ours]]
    lines: dict[Source, Line]
    finds: dict[tuple[str, str], Find] = field(default_factory=dict)

    def hits(self) -> list[Hit]:
        """All hits, judged by the settings as they are now."""
        return judged(self.finds.values(), self.ours())

    def as_json(self) -> dict[str, Any]:
        """The whole picture, in words that JSON has."""
        told: dict[str, Any] = msgspec.to_builtins(
            {"sources": [*self.lines.values()], "hits": self.hits()}
        )
        return told


async def look_around(
    ground: Ground,
    ours: Callable[[], Sequence[Ours]],
    tell: Callable[[dict[str, Any]], None],
    sources: Sequence[Source] = SOURCES,
) -> dict[str, Any]:
    """Ask all sources at once; ``tell`` gets the picture whenever it changes, five times a second
    at most. Returns the last one. A source that fails is a line, and no failure of the others.
    """
    around = Around(ours, {source: Line(source=source) for source in sources})
    running = {one.where for one in ours() if one.running}
    places = {place for one in ours() if one.running for place in one.places}
    ground = replace(ground, leave_alone={*ground.leave_alone, *running, *places})
    news = asyncio.Event()
    looking = [asyncio.create_task(_one(one, ground, around, news)) for one in sources]
    telling = asyncio.create_task(_tell(around, news, tell))
    try:
        await asyncio.gather(*looking)
    finally:
        for task in (telling, *looking):
            task.cancel()
        await asyncio.gather(telling, *looking, return_exceptions=True)
    return around.as_json()


async def _tell(
    around: Around, news: asyncio.Event, tell: Callable[[dict[str, Any]], None]
) -> None:
    while True:
        await news.wait()
        news.clear()
        tell(around.as_json())
        await asyncio.sleep(_TOLD_EVERY_S)


async def _one(source: Source, ground: Ground, around: Around, news: asyncio.Event) -> None:
    line = around.lines[source]

    def put(find: Find) -> None:
        around.finds[source, find.identity or find.where] = find
        news.set()

    def say(text: str) -> None:
        line.text = text
        news.set()

    try:
        look: LookAt = import_module(f"edge.console.discovery.{source}").look
        line.text = await look(ground, Talk(put, say))
        line.state = "done"
    except CannotLook as error:
        line.state, line.text, line.hint = "cannot", str(error), error.hint
    except ImportError as error:
        line.state, line.text = "cannot", f"A package is not installed: {error}."
        line.hint = 'Install it beside Tallyport: pip install "tallyport[edge,ble]"'
    except Exception as fault:  # noqa: BLE001 - one source must not end the others
        _log.exception("discovery_fault", source=source)
        line.state, line.text = "cannot", f"A fault in the software: {fault!r}."
        line.hint = "Please report it with the agent's log."
    news.set()


# ---- our own devices, as discovery knows devices --------------------------------------------
def ours_of(devices: Sequence[DeviceConfig], states: Mapping[str, str]) -> list[Ours]:
    """The devices of the settings; ``states`` are those of their health, by name."""
    return [
        Ours(
            name=device.name,
            where=where,
            places=places,
            identity=device.identity,
            running=states.get(device.name) == "running",
        )
        for device in devices
        for where, places in [_places(device)]
    ]


def _places(device: DeviceConfig) -> tuple[str, tuple[str, ...]]:
    """A device's place for people, and all its names (see ``hits.Find``)."""
    options = device.options
    host, port = getattr(options, "host", None), getattr(options, "port", None)
    address = getattr(options, "address", None) or getattr(
        getattr(options, "ble", None), "address", None
    )
    if host is not None:
        return f"{host}:{port}", (f"{host}:{port}",)
    if isinstance(port, str):
        return port, tuple(dict.fromkeys((port, str(Path(port).resolve()))))
    if isinstance(address, str):
        return address, (address.casefold(),)
    node = getattr(options, "node", None)
    return (node, (f"node:{node}",)) if isinstance(node, str) else (device.driver, ())
