"""Who is there, asked of an LLRP port without disturbing it: connect, ask, say good-bye.

Nothing of the reader is changed: no ROSpec, no setting. Its first word (the ConnectionAttemptEvent
of LLRP 1.0.1, section 16.2.7.6.10) tells whether another client holds it; to that client it only
says that somebody tried. Our own codec for the two answers, so that nothing of sllurp is imported.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, replace
from struct import pack, unpack_from
from typing import Literal

from drivers.llrp.decode import IMPINJ_PEN
from drivers.llrp.events import CONNECTED, connection_status, parameters
from drivers.llrp.frames import CLOSE_CONNECTION, FRAME_BYTES_MAX, HEADER_BYTES
from drivers.llrp.frames import READER_EVENT_NOTIFICATION as READER_EVENT
from drivers.llrp.holder import holder_here

_GET_CAPABILITIES, _CAPABILITIES = 1, 11
_GET_CONFIG, _CONFIG = 2, 12
_GENERAL, _IDENTIFICATION = 137, 218
_HELD = {1: "itself has called another client", 2: "another client is connected to it"}
_MESSAGES_MAX = 10
MAKERS = {IMPINJ_PEN: "Impinj", 161: "Zebra", 10642: "Zebra"}
"""Enterprise numbers (IANA): 161 is Motorola's, whose readers are Zebra's today; 10642 Symbol's."""
MODELS = {
    (IMPINJ_PEN, 2_001_001): "Speedway R220",
    (IMPINJ_PEN, 2_001_002): "Speedway R420",
    (IMPINJ_PEN, 2_001_003): "xPortal",
    (IMPINJ_PEN, 2_001_008): "xSpan",
    (IMPINJ_PEN, 2_001_052): "R700",
}
State = Literal["free", "busy", "no_llrp", "silent", "closed", "absent"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello:
    """What a port came to. ``state``: ``free`` answered, ``busy`` has a client (``holder``, in
    words), ``no_llrp`` said something else, ``silent`` takes connections and says nothing,
    ``closed`` refuses them (so there is somebody at this address), ``absent`` nothing at all.

    ``identity`` is a MAC address, like ``00:16:25:11:25:d6``, or the hexadecimal EUI-64 as sent.
    """

    host: str
    port: int
    state: State
    maker: str = ""
    model: str = ""
    firmware: str = ""
    antennas: int = 0
    identity: str = ""
    holder: str = ""

    @property
    def title(self) -> str:
        """Maker and model, in words."""
        return " ".join(filter(None, (self.maker, self.model))) or "LLRP reader"


async def hello(host: str, port: int, *, connect_s: float = 1.0, answer_s: float = 2.0) -> Hello:
    """Look at one port. Never raises for anything that a network or a reader does."""
    seen = Hello(host=host, port=port, state="absent")
    try:
        async with asyncio.timeout(connect_s):
            reader, writer = await asyncio.open_connection(host, port)
    except ConnectionRefusedError:
        return replace(seen, state="closed")
    except (OSError, TimeoutError):
        return seen
    try:
        async with asyncio.timeout(answer_s):
            return await _talk(seen, reader, writer)
    except TimeoutError:
        return replace(seen, state="silent")
    except (OSError, EOFError, ValueError):
        return replace(seen, state="no_llrp")
    finally:
        writer.transport.abort()


async def _talk(seen: Hello, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Hello:
    kind, message = await _message(reader)
    if kind != READER_EVENT:
        raise ValueError("its first message is no event")
    status = connection_status(message)
    if status is None:
        raise ValueError("its first event is of no connection")
    if status != CONNECTED:
        return replace(seen, state="busy", holder=_holder(status, writer))
    seen = replace(seen, state="free")
    with suppress(TimeoutError, OSError, EOFError, ValueError):
        # A reader that answers neither question is one all the same.
        async with asyncio.timeout(1.0):
            writer.write(pack(">HIIB", 0x0400 | _GET_CAPABILITIES, 11, 1, 1))
            seen = _described(seen, await _answer(reader, _CAPABILITIES))
            writer.write(pack(">HIIHBHH", 0x0400 | _GET_CONFIG, 17, 2, 0, 1, 0, 0))
            seen = replace(seen, identity=_identity(await _answer(reader, _CONFIG)))
    await _goodbye(reader, writer)
    return seen


async def _goodbye(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """So that the reader is free at once; one that does not hang up is hung up on."""
    with suppress(TimeoutError, OSError):
        async with asyncio.timeout(0.5):
            writer.write(pack(">HII", 0x0400 | CLOSE_CONNECTION, HEADER_BYTES, 3))
            while await reader.read(4096):
                pass


async def _message(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """One message; ``ValueError`` for bytes that are none."""
    header = await reader.readexactly(HEADER_BYTES)
    word, length = unpack_from(">HI", header)
    if (word >> 10) not in {1, 2, 3} or not HEADER_BYTES <= length <= FRAME_BYTES_MAX:
        raise ValueError("no LLRP")
    return word & 0x3FF, header + await reader.readexactly(length - HEADER_BYTES)


async def _answer(reader: asyncio.StreamReader, kind: int) -> bytes:
    for _ in range(_MESSAGES_MAX):
        found, message = await _message(reader)
        if found == kind:
            return message
    raise ValueError("it says other things only")


def _described(seen: Hello, message: bytes) -> Hello:
    """From GeneralDeviceCapabilities (LLRP 1.0.1, section 16.2.3.1)."""
    for kind, body in parameters(message, HEADER_BYTES):
        if kind == _GENERAL and len(body) >= 14:
            antennas, _, pen, model, size = unpack_from(">HHIIH", body)
            return replace(
                seen,
                antennas=antennas,
                maker=MAKERS.get(pen, f"maker {pen}"),
                model=MODELS.get((pen, model), f"model {model}"),
                firmware=body[14 : 14 + size].decode("utf-8", "replace"),
            )
    raise ValueError("it does not say what it is")


def _identity(message: bytes) -> str:
    for kind, body in parameters(message, HEADER_BYTES):
        if kind == _IDENTIFICATION and len(body) >= 3:
            return mac_of(body[3 : 3 + int.from_bytes(body[1:3], "big")])
    raise ValueError("it does not tell its identity")


def mac_of(identity: bytes) -> str:
    """A reader's identity as people write it: the MAC address where it is made of one (EUI-64
    with FFFF or FFFE in its middle, or a padded one), else its digits in hexadecimal.
    """
    if len(identity) == 8 and identity[3:5] in {b"\xff\xff", b"\xff\xfe"}:
        identity = identity[:3] + identity[5:]
    elif len(identity) == 8 and identity[:2] == b"\0\0":
        identity = identity[2:]
    return identity.hex(":")


def _holder(status: int, writer: asyncio.StreamWriter) -> str:
    with suppress(ValueError, TypeError, OSError):
        reader, ours = (writer.get_extra_info(name)[:2] for name in ("peername", "sockname"))
        if here := holder_here(reader, ours):
            return here
    return _HELD.get(status, f"it refuses connections (status {status})")
