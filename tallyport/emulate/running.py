"""Runs one emulated device for a person: says where it is, takes words, ends with Ctrl-C.

Standard output carries the settings for the edge and nothing else, so that it may be redirected;
everything that is for people goes to standard error.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import typer


class WordError(ValueError):
    """What was typed cannot be done; the text says what can."""


class Word(NamedTuple):
    """Something a person may type: how, what it does, and the deed, which says what happened."""

    usage: str
    does: str
    deed: Callable[[list[str]], Awaitable[str]]


class Whose(NamedTuple):
    """Who uses the device: its settings are for this one, begin so, and this tries them."""

    name: str
    file: str
    begins: str
    trial: str


EDGE = """\
[edge]
name = "emulated-edge"
site = "emulated"

"""
AN_EDGE = Whose("the edge", "edge.toml", EDGE, "tallyport edge probe")
CENTRAL = Whose("central", "central.toml", "", "tallyport central label printers")


@dataclass(slots=True, kw_only=True)
class Emulation:
    """A device that is up: its settings, what can be typed, and what goes on by itself."""

    what: str
    devices: str
    words: Mapping[str, Word]
    stop: Callable[[], Awaitable[None]]
    goes_on: Callable[[], Awaitable[None]] | None = None
    other: Callable[[str], Awaitable[str]] | None = None
    """Takes a line that begins with none of ``words``."""
    other_help: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    whose: Whose = AN_EDGE

    async def obey(self, line: str) -> str:
        """Do what the line says; raises ``WordError`` (``other``: ``ValueError``) with what
        could be said instead."""
        name, *arguments = line.split()
        word = self.words.get(name.lower())
        if word is None and self.other is not None:
            return await self.other(line)
        if word is None:
            raise WordError(f'"{name}" is not known here. Say: {", ".join(self.words)}.')
        try:
            return await word.deed(arguments)
        except WordError:
            raise
        except (IndexError, KeyError, ValueError):
            raise WordError(f"Say: {word.usage}") from None


def tell(text: str) -> None:
    """Something for people."""
    typer.echo(text, err=True)


def run(make: Callable[[], Awaitable[Emulation]], said: list[str], settings: Path | None) -> None:
    """Run the device until Ctrl-C or the end of ``timeout``; ``said`` is typed at the start."""
    try:
        asyncio.run(_run(make, said, settings))
    except OSError as error:
        tell(f"The device cannot be emulated: {error}")
        raise typer.Exit(1) from error
    except ValueError as error:
        tell(str(error))
        raise typer.Exit(2) from error


async def _run(
    make: Callable[[], Awaitable[Emulation]], said: list[str], settings: Path | None
) -> None:
    loop, end = asyncio.get_running_loop(), asyncio.Event()
    for signum in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signum, end.set)
    emulation = await make()
    going = None if emulation.goes_on is None else asyncio.ensure_future(emulation.goes_on())
    try:
        for line in said:
            tell(await emulation.obey(line))
        _introduce(emulation, settings)
        lines: asyncio.Queue[str] = asyncio.Queue()
        threading.Thread(target=_read_lines, args=(loop, lines), daemon=True).start()
        typing = asyncio.create_task(_take(lines, emulation))
        waits = [asyncio.create_task(end.wait()), typing, *([going] if going else [])]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for task in waits:
            if task.done():
                task.result()  # a fault of ours is not hidden
            task.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
    finally:
        if going is not None:
            going.cancel()
        await emulation.stop()
    tell("The device is off.")


def _introduce(emulation: Emulation, settings: Path | None) -> None:
    tell(f"{emulation.what}\n")
    whose = emulation.whose
    tell(f"Settings for {whose.name}:\n")
    typer.echo(emulation.devices.rstrip() + "\n")
    if settings is not None:
        _write(settings, whose.begins, emulation.devices)
        tell(f"Written to {settings}. Try: {whose.trial} --config {settings}\n")
    else:
        tell(f"With --settings {whose.file} they are written to a file that")
        tell(f"`{whose.trial} --config {whose.file}` takes as it is.\n")
    rows = [(word.usage, word.does) for word in emulation.words.values()]
    rows += emulation.other_help.values()
    tell("Type a word, and Enter; Ctrl-C switches the device off.")
    for usage, does in rows:
        tell(f"  {usage:<34} {does}")
    tell("")
    sys.stdout.flush()


def _write(settings: Path, begins: str, devices: str) -> None:
    """Into a file that is there already a device comes besides the others, in place of one of its
    name: so several emulated devices make one edge.
    """
    if not settings.exists() or not begins:
        settings.write_text(begins + devices, encoding="utf-8")
        return
    import tomlkit  # noqa: PLC0415 (comes with the edge)

    whole = tomlkit.parse(settings.read_text(encoding="utf-8"))
    fresh = tomlkit.parse(devices)["devices"]
    names = {one["name"] for one in fresh}
    there = whole.setdefault("devices", tomlkit.aot())
    for number in reversed([n for n, one in enumerate(there) if one["name"] in names]):
        del there[number]
    for one in fresh:
        there.append(one)
    settings.write_text(tomlkit.dumps(whole), encoding="utf-8")


def _read_lines(loop: asyncio.AbstractEventLoop, lines: asyncio.Queue[str]) -> None:
    """In a thread of its own: nothing else can wait for a keyboard and still be interrupted."""
    for line in sys.stdin:
        if loop.is_closed():
            return
        loop.call_soon_threadsafe(lines.put_nowait, line)


async def _take(lines: asyncio.Queue[str], emulation: Emulation) -> None:
    while True:
        line = (await lines.get()).strip()
        if not line:
            continue
        try:
            tell(f"-> {await emulation.obey(line)}")
        except (ValueError, ConnectionError) as wrong:
            tell(f"-> {wrong}")
