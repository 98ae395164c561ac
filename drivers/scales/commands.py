"""What a person may tell a scale: zero, tare, clear, identify, where its protocol has them.

Only ``tallyport edge tell`` comes here: a driver and a probe never change a scale. A kind's
commands are bytes in a table (``scales.protocols``), so that what is sent can be read; those
of a transmitter with Modbus are registers of its map, those of a Bluetooth scale its driver's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from drivers import registry
from drivers.driver import Decoder
from drivers.errors import DeviceRefused
from drivers.readings import Reading
from drivers.scales import ble as ble_scale
from drivers.scales.ble import BleScale, BleScaleConfig
from drivers.scales.modbus_map import RegisterMap
from drivers.scales.protocols import PROTOCOLS, Command
from drivers.transports.transport import Transport, TransportSettings, open_transport

_MT_SICS: dict[Command, bytes] = {
    "zero": b"Z\r\n",
    "tare": b"T\r\n",
    "clear": b"TAC\r\n",
    "identify": b"I2\r\nI4\r\n",
}
COMMANDS: tuple[Command, ...] = ("zero", "tare", "clear", "identify")
QUIET_S = 0.5
"""An answer has ended when nothing comes for so long."""


Settings = TransportSettings | RegisterMap | BleScaleConfig


def commands(kind: str, settings: Settings | None = None) -> frozenset[str]:
    """What such a scale can be told; none where its protocol, or its map, has no commands."""
    if isinstance(settings, BleScaleConfig):
        return frozenset(_bluetooth(kind, settings).commands)
    if isinstance(settings, RegisterMap):
        return frozenset(settings.commands.known())
    return frozenset(_bytes_of(kind))


def _bytes_of(kind: str) -> Mapping[Command, bytes]:
    if kind == "mt-sics":
        return _MT_SICS
    return PROTOCOLS[kind].commands if kind in PROTOCOLS else {}


async def tell(
    kind: str,
    settings: Settings,
    command: Command,
    *,
    seconds: float = 6.0,
) -> tuple[bytes, list[Reading]]:
    """Send one command, and give what the scale says then: its bytes, and what they mean.

    A scale waits for a stable weight before it zeroes or tares, so ``seconds`` is how long to
    wait for the first byte and how long to listen at most. A scale need not answer. Raises
    ``DeviceRefused`` where the protocol lacks the command, ``DeviceUnavailable`` where the line
    fails.
    """
    known = commands(kind, settings)
    if command not in known:
        has = ", ".join(one for one in COMMANDS if one in known) or "none at all"
        raise DeviceRefused(
            f"{kind} has no command to {command}.", hint=f"Its commands are: {has}."
        )
    if isinstance(settings, RegisterMap):
        return await _written(kind, settings, command)
    if isinstance(settings, BleScaleConfig):
        scale = _bluetooth(kind, settings)
        async with scale.connected() as link:
            await ble_scale.tell(link, scale.commands[command])
            return await _answer(kind, link, seconds)
    async with open_transport(settings) as line:
        await line.write(_bytes_of(kind)[command])
        return await _answer(kind, line, seconds)


async def _answer(kind: str, line: Transport, seconds: float) -> tuple[bytes, list[Reading]]:
    decoder: Decoder = registry.decoder(kind)
    heard = bytearray()
    now = asyncio.get_running_loop().time
    deadline = now() + seconds
    while (left_s := deadline - now()) > 0:
        data = await line.read(min(left_s, QUIET_S) if heard else left_s)
        if not data:
            break
        heard += data
    readings = [*decoder.feed(bytes(heard)), *decoder.finish()]
    return bytes(heard), readings


def _bluetooth(kind: str, settings: BleScaleConfig) -> BleScale:
    scale = registry.load(kind)(settings)
    assert isinstance(scale, BleScale), "the settings of a kind with Bluetooth"
    return scale


async def _written(
    kind: str, settings: RegisterMap, command: Command
) -> tuple[bytes, list[Reading]]:
    from drivers.scales import modbus as scale_modbus  # noqa: PLC0415 - pymodbus is for those who have Modbus

    assert isinstance(settings, scale_modbus.ModbusConfig), "the settings of a kind with Modbus"
    return await scale_modbus.tell("tcp" if kind == "modbus-tcp" else "rtu", settings, command)
