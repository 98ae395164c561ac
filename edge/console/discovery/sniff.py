"""What speaks on a serial line: listen first, then ask what nothing minds being asked.

Asked are only MT-SICS ``I4`` (serial number), ``I2`` (model) and ``SI`` (weight now): level 0 of
Mettler-Toledo's manual, none of which changes a scale. Zero, tare and reset are never sent.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from drivers import registry
from drivers.readings import LoadCellWindow, WeightReading
from drivers.scales.mtsics import MtSicsDecoder
from drivers.scales.mtsics_replies import unquoted
from drivers.scales.protocols import PROTOCOLS
from drivers.transports.serial_line import LineSettings, SerialLine, open_line

_LISTENED = tuple(dict.fromkeys(("load-cell-serial", "mt-sics", "st-gs", *PROTOCOLS)))
_ENOUGH = 3
_ANSWER_S = 0.6
_OTHER_LINES: tuple[dict[str, object], ...] = (
    {"baud_rate": 115_200},
    {"baud_rate": 9600, "bytesize": 7, "parity": "even"},
    {"baud_rate": 4800},
    {"baud_rate": 2400},
    {"baud_rate": 19_200},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sniffed:
    """What speaks. ``driver`` is empty where nothing known does; ``line`` are settings that are
    not the driver's usual ones; ``sample`` what came, where it was not understood.
    """

    driver: str = ""
    model: str = ""
    serial_number: str = ""
    line: tuple[tuple[str, object], ...] = ()
    sample: bytes = b""


async def sniff(port: str, *, listen_s: float = 2.0) -> Sniffed:
    """Find out what speaks at a port. Raises ``DeviceUnavailable`` where it cannot be opened."""
    heard = await _listen(port, {}, listen_s, ask=True)
    if heard.driver or not heard.sample:
        return heard
    for line in _OTHER_LINES:
        other = await _listen(port, line, min(listen_s, 1.0), ask=False)
        if other.driver:
            return other
    return heard


async def _listen(port: str, line: dict[str, object], listen_s: float, *, ask: bool) -> Sniffed:
    settings = LineSettings.model_validate({"port": port, **line})
    usual = tuple(line.items())
    with open_line(settings) as wire:
        sample = await _hear(wire, listen_s)
        driver = spoken(sample)
        if driver == "load-cell-serial" and line == {"baud_rate": 115_200}:
            return Sniffed(driver=driver)  # its usual line
        if driver:
            return Sniffed(driver=driver, line=usual)
        if ask and (answered := await _asked(wire)) is not None:
            return answered
    return Sniffed(sample=sample)


async def _hear(wire: SerialLine, listen_s: float) -> bytes:
    """What comes by itself; not longer than it takes to know a protocol."""
    now = asyncio.get_running_loop().time
    ends_at = now() + listen_s
    sample = b""
    while (left_s := ends_at - now()) > 0 and len(sample) < 4_096:
        data = await wire.read(left_s)
        sample += data
        if data and spoken(sample):
            break
    return sample


def spoken(sample: bytes) -> str:
    """The driver that makes the most sense of these bytes; empty where none does.

    Each reading counts for a protocol, each thing it cannot read counts against it twice: so
    that of two that find weights in one stream the stricter wins.
    """
    best, kind_of_best = 0, ""
    for kind in _LISTENED:
        decoder = registry.load(kind).decoder()
        readings = decoder.feed(sample)
        told = sum(isinstance(one, WeightReading | LoadCellWindow) for one in readings)
        score = told - 2 * len(decoder.errors)
        if told >= _ENOUGH and score > best:
            best, kind_of_best = score, kind
    return kind_of_best


async def _asked(wire: SerialLine) -> Sniffed | None:
    """Ask as an MT-SICS client does; ``None`` where no answer is one of MT-SICS."""
    serial_number = await _ask(wire, "I4")
    model = await _ask(wire, "I2") if serial_number is not None else None
    weight = await _ask(wire, "SI", takes="S") if serial_number is None else ""
    if serial_number is None and weight is None:
        return None
    return Sniffed(driver="mt-sics", model=model or "", serial_number=serial_number or "")


async def _ask(wire: SerialLine, command: str, *, takes: str = "") -> str | None:
    """The text of the answer, ``None`` without one."""
    decoder = MtSicsDecoder()
    await wire.write(command.encode("ascii") + b"\r\n")
    now = asyncio.get_running_loop().time
    ends_at = now() + _ANSWER_S
    while (left_s := ends_at - now()) > 0:
        for reply in decoder.replies(await wire.read(left_s)):
            if reply.command == (takes or command):
                return unquoted(reply.text) if reply.text else ""
    return None
