"""What a person may tell a scale: zero, tare, clear, identify, where its protocol has them.

Only ``tallyport edge tell`` comes here: a driver and a probe never change a scale. A kind's
commands are bytes in a table (``drivers.scale_protocols``), so that what is sent can be read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from drivers import registry
from drivers.driver import Decoder
from drivers.errors import DeviceRefused
from drivers.readings import Reading
from drivers.scale_protocols import PROTOCOLS, Command
from drivers.transport import TransportSettings, open_transport

_MT_SICS: dict[Command, bytes] = {
    "zero": b"Z\r\n",
    "tare": b"T\r\n",
    "clear": b"TAC\r\n",
    "identify": b"I2\r\nI4\r\n",
}
COMMANDS: tuple[Command, ...] = ("zero", "tare", "clear", "identify")
QUIET_S = 0.5
"""An answer has ended when nothing comes for so long."""


def commands(kind: str) -> Mapping[Command, bytes]:
    """What such a scale can be told; empty where its protocol has no commands."""
    if kind == "mt-sics":
        return _MT_SICS
    return PROTOCOLS[kind].commands if kind in PROTOCOLS else {}


async def tell(
    kind: str, settings: TransportSettings, command: Command, *, seconds: float = 6.0
) -> tuple[bytes, list[Reading]]:
    """Send one command, and give what the scale says then: its bytes, and what they mean.

    A scale waits for a stable weight before it zeroes or tares, so ``seconds`` is how long to
    wait for the first byte and how long to listen at most. A scale need not answer. Raises
    ``DeviceRefused`` where the protocol lacks the command, ``DeviceUnavailable`` where the line
    fails.
    """
    known = commands(kind)
    if command not in known:
        has = ", ".join(known) or "none at all"
        raise DeviceRefused(
            f"{kind} has no command to {command}.", hint=f"Its commands are: {has}."
        )
    decoder: Decoder = registry.decoder(kind)
    heard = bytearray()
    async with open_transport(settings) as line:
        await line.write(known[command])
        now = asyncio.get_running_loop().time
        deadline = now() + seconds
        while (left_s := deadline - now()) > 0:
            data = await line.read(min(left_s, QUIET_S) if heard else left_s)
            if not data:
                break
            heard += data
    readings = [*decoder.feed(bytes(heard)), *decoder.finish()]
    return bytes(heard), readings
