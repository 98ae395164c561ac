"""An LLRP reader's outputs (lamps, horns, gates), switched by a person's command.

Only ``tallyport edge tell gpo`` comes here: a driver and a probe never switch anything. Messages
of our own, since sllurp can write no output. LLRP 1.0.1 sections 16.1.2 and 16.2.6.3.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from struct import error as struct_error
from struct import pack, unpack_from

from drivers.errors import DeviceRefused, DeviceUnavailable
from drivers.llrp import frames
from drivers.llrp.capabilities import spans
from drivers.llrp.config import LlrpConfig
from drivers.llrp.events import CONNECTED, connection_status, parameters, status_of
from drivers.llrp.link import Link, dial

_GET_READER_CONFIG, _SET_READER_CONFIG = 2, 3
_OUTPUTS_ONLY = 10
_GPO_WRITE_DATA = 219
_READ_BYTES = 65_536
_CLOSING_S = 10.0


async def set_output(
    config: LlrpConfig, port: int, *, on: bool, seconds: float = 6.0
) -> Mapping[int, bool]:
    """Switch one output, and give the states of all of them as the reader then tells them.

    Raises ``DeviceRefused`` for an output that the reader has not got or does not switch,
    ``DeviceUnavailable`` where it cannot be reached or another client (a running agent) holds it.
    """
    if config.listen is not None:
        raise DeviceRefused(
            f"The LLRP reader at {config.where} dials in: only the running agent can reach it",
            hint="Give the reader's own address as host, in a file of its own, to switch it.",
        )
    link = await dial(config)
    talk = _Talk(link)
    try:
        async with asyncio.timeout(seconds):
            await talk.greeted()
            return await _switch(talk, port, on=on)
    except TimeoutError:
        raise DeviceUnavailable(
            f"The LLRP reader at {link.where} did not answer within {seconds:g} s",
            hint="Restart the reader's LLRP service; is it an LLRP port?",
        ) from None
    except ValueError as reason:
        raise DeviceUnavailable(
            f"The LLRP reader at {link.where} sends nonsense: {reason}",
            hint="Is this an LLRP reader? Restart it.",
        ) from reason
    except OSError as reason:
        raise DeviceUnavailable(
            f"The connection to the LLRP reader at {link.where} broke: {reason}",
            hint="Check the network between this computer and the reader.",
        ) from reason
    finally:
        await talk.close()


async def _switch(talk: _Talk, port: int, *, on: bool) -> Mapping[int, bool]:
    known = await talk.outputs()
    if port not in known:
        has = f"outputs {spans(known)}" if known else "no outputs"
        raise DeviceRefused(
            f"The LLRP reader at {talk.where} has {has}, not output {port}",
            hint="Count the outputs on the reader's terminal block; the first one is 1.",
        )
    wanted = pack(">HHHB", _GPO_WRITE_DATA, 7, port, 0x80 if on else 0)
    await talk.ask(_SET_READER_CONFIG, b"\x00" + wanted)
    now = await talk.outputs()
    if now.get(port) != on:
        raise DeviceRefused(
            f"The LLRP reader at {talk.where} took the command, but output {port} is still "
            f"{'off' if on else 'on'}",
            hint="The output may be given to the reader itself (network status, advanced GPO).",
        )
    return now


class _Talk:
    """Question and answer on one connection; keepalives are answered, reports passed over."""

    def __init__(self, link: Link) -> None:
        self._reader, self._writer, self.where = link
        self._splitter = frames.FrameSplitter()
        self._waiting: list[frames.Frame] = []
        self._last_id = 0

    async def greeted(self) -> None:
        """Wait for the reader's word that it serves us."""
        while True:
            frame = await self._next()
            if frame.kind != frames.READER_EVENT_NOTIFICATION:
                continue
            status = connection_status(frame.data)
            if status == CONNECTED:
                return
            if status is not None:
                raise DeviceUnavailable(
                    f"The LLRP reader at {self.where} is busy: another client is connected to it",
                    hint="Is the agent running? Stop it first: a reader serves one client.",
                )

    async def outputs(self) -> dict[int, bool]:
        """The state of each output. ``ValueError`` where the reader's words make no sense."""
        answer = await self.ask(_GET_READER_CONFIG, pack(">HBHH", 0, _OUTPUTS_ONLY, 0, 0))
        states = (
            unpack_from(">HB", body)
            for kind, body in parameters(answer, frames.HEADER_BYTES)
            if kind == _GPO_WRITE_DATA
        )
        try:
            return {port: bool(flags & 0x80) for port, flags in states}
        except struct_error as reason:
            raise ValueError(f"an output without its state: {reason}") from None

    async def ask(self, kind: int, body: bytes) -> bytes:
        """The whole answer to one request; ``DeviceRefused`` where the reader says no."""
        self._last_id += 1
        self._send(kind, body, self._last_id)
        while True:
            frame = await self._next()
            if frame.message_id == self._last_id and frame.kind in {kind + 10, 100}:
                break
        code, words = status_of(frame.data)
        if code or frame.kind == frames.ERROR_MESSAGE:
            raise DeviceRefused(
                f"The LLRP reader at {self.where} refused: {words}",
                hint="Its outputs may need the maker's own configuration.",
            )
        return frame.data

    def _send(self, kind: int, body: bytes, message_id: int) -> None:
        size = frames.HEADER_BYTES + len(body)
        self._writer.write(pack(">HII", 0x0400 | kind, size, message_id) + body)

    async def _next(self) -> frames.Frame:
        while not self._waiting:
            data = await self._reader.read(_READ_BYTES)
            if not data:
                raise DeviceUnavailable(
                    f"The LLRP reader at {self.where} closed the connection",
                    hint="Another program may have made it hang up; try again.",
                )
            self._waiting = self._splitter.feed(data)[0]
        frame = self._waiting.pop(0)
        if frame.kind == frames.KEEPALIVE:
            self._send(frames.KEEPALIVE_ACK, b"", frame.message_id)
        return frame

    async def close(self) -> None:
        """Say good-bye and wait until the reader hangs up: then it is free for the next client."""
        with suppress(OSError, TimeoutError):
            if not self._writer.transport.is_closing():
                self._send(frames.CLOSE_CONNECTION, b"", 0xFFFFFFFF)
                async with asyncio.timeout(_CLOSING_S):
                    while await self._reader.read(_READ_BYTES):
                        pass  # what it still says is not for us
        self._writer.transport.abort()
        with suppress(OSError):
            await self._writer.wait_closed()
