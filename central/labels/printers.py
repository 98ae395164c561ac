"""Printers over raw TCP (port 9100): how each is, and labels to it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Literal

import msgspec

from central.labels.config import PrinterSection
from central.labels.host_status import ASK, STRINGS, HostStatus, parse

__all__ = ["Away", "HalfSent", "NotReady", "Shown", "deliver", "look"]

_CONNECT_S = 3.0
_ANSWER_S = 2.0
_SEND_S = 60.0
_TAKEN_S = 30.0
_ETX = b"\x03"
_MOST_ANSWER = 4_096


class Away(Exception):
    """The printer cannot be reached, and nothing was sent; the text says why."""


class NotReady(Exception):
    """The printer is there and cannot print, and nothing was sent; the text says what to do."""


class HalfSent(Exception):
    """The connection broke after labels had begun to go: nobody knows which were printed."""


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """How a printer is: ``unknown`` is one that is reached and does not tell."""

    state: Literal["ready", "trouble", "away", "unknown"]
    says: str = ""
    waiting: int = 0


async def look(printer: PrinterSection) -> Shown:
    """Ask a printer how it is. Takes some seconds where it does not answer."""
    try:
        async with _reached(printer) as (reader, writer):
            if not printer.asks_status:
                return Shown(state="unknown", says="it is there, and is not asked how it is")
            status = await _status(reader, writer)
    except Away as error:
        return Shown(state="away", says=str(error))
    except OSError as error:
        return Shown(state="away", says=_why(printer, error))
    if status is None:
        return Shown(state="unknown", says="it is there, and does not answer ~HS")
    waiting = status.waiting + status.left
    if status.trouble:
        return Shown(state="trouble", says=status.trouble, waiting=waiting)
    return Shown(state="ready", waiting=waiting)


async def deliver(printer: PrinterSection, document: bytes) -> None:
    """Send a document to a printer that is ready, and see that it has taken all of it.

    Raises ``Away`` and ``NotReady`` before the first byte, ``HalfSent`` after it.
    """
    async with _reached(printer) as (reader, writer):
        try:
            status = await _status(reader, writer) if printer.asks_status else None
        except OSError as error:
            raise Away(_why(printer, error)) from error
        if status is not None and status.trouble:
            raise NotReady(f"{printer.name}: {status.trouble}")
        try:
            async with asyncio.timeout(_SEND_S):
                writer.write(document)
                await writer.drain()
                if status is not None:
                    await _taken(printer, reader, writer)
                else:
                    await _closed(reader, writer)
        except (OSError, TimeoutError) as error:
            raise HalfSent(
                f"{printer.name} broke off while labels were sent ({error or 'no answer'}): "
                "throw away what came out of this job, then print it again"
            ) from error


async def _taken(
    printer: PrinterSection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """It answers in order: whoever answers this has read the labels before it."""
    if await _status(reader, writer, _TAKEN_S) is None:
        raise ConnectionResetError(f"{printer.name} answered before the labels, and not after them")


async def _closed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """All is sent: a printer that does not tell may still close the connection when it has read
    everything. More cannot be known of it.
    """
    writer.write_eof()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_ANSWER_S):
            while await reader.read(_MOST_ANSWER):
                """What it says is not understood."""


@contextlib.asynccontextmanager
async def _reached(
    printer: PrinterSection,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    try:
        async with asyncio.timeout(_CONNECT_S):
            reader, writer = await asyncio.open_connection(printer.host, printer.port)
    except (OSError, TimeoutError) as error:
        raise Away(_why(printer, error)) from error
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def _status(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer_s: float = 0
) -> HostStatus | None:
    """``None`` where no whole answer comes in time. Raises OSError where the connection ends."""
    writer.write(ASK)
    answer = b""
    try:
        async with asyncio.timeout(answer_s or _ANSWER_S):
            await writer.drain()
            while answer.count(_ETX) < STRINGS and len(answer) < _MOST_ANSWER:
                piece = await reader.read(_MOST_ANSWER)
                if not piece:
                    raise ConnectionResetError("it closed the connection")
                answer += piece
    except TimeoutError:
        return None
    return parse(answer)


def _why(printer: PrinterSection, error: Exception) -> str:
    said = getattr(error, "strerror", None) or str(error) or "no answer in time"
    return f"{printer.name} at {printer.host}:{printer.port} cannot be reached ({said}): is it on?"
