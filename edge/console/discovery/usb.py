"""What is plugged in: serial ports by their lasting names, and scanners that are keyboards."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from msgspec.structs import replace
from serial.tools.list_ports_linux import SysFS

from drivers.errors import DeviceUnavailable
from drivers.transports.serial_faults import port_holders
from edge.console.discovery.hits import Find, Kind
from edge.console.discovery.sniff import Sniffed, sniff
from edge.console.discovery.source import CannotLook, Ground, Talk

_SCANNERS = {
    0x05E0: "Zebra", 0x0C2E: "Honeywell", 0x0536: "Honeywell", 0x05F9: "Datalogic",
    0x1EAB: "Newland", 0x065A: "Opticon", 0x04B4: "Unitech", 0x1A2C: "",
}  # fmt: skip
"""Makers of scanners by USB vendor (usb.org's list, as in usb.ids)."""
_SCANNER_WORDS = ("scanner", "barcode", "bar_code", "symbol", "honeywell", "datalogic", "newland")


async def look(ground: Ground, talk: Talk) -> str:
    """Look at every port there is, at once. Raises ``CannotLook`` where this is no Linux."""
    ports = _entries(ground.by_id)
    keyboards = [
        one
        for one in _entries(ground.input_by_id)
        if one.name.endswith("-event-kbd") and _is_scanner(one.name)
    ]
    if not sys.platform.startswith("linux"):
        raise CannotLook("USB devices are found on Linux only.", "Give the port by hand.")

    async def one(port: Path) -> None:
        talk.put(await _port(port, port.resolve(), ground))  # noqa: ASYNC240 - a link in /dev

    talk.say(f"listening at {len(ports)} serial ports")
    await asyncio.gather(*(one(port) for port in ports))
    for keyboard in keyboards:
        talk.put(_keyboard(keyboard))
    return f"{len(ports)} serial ports, {len(keyboards)} scanners that are keyboards"


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []  # the folder is there as soon as something is plugged in


def _is_scanner(name: str) -> bool:
    return any(word in name.casefold() for word in _SCANNER_WORDS)


async def _port(port: Path, real: Path, ground: Ground) -> Find:
    places = (str(port), str(real))
    usb = SysFS(str(real))
    base = Find(
        source="usb", kind="serial", title=_title(port, usb), where=str(port), places=places,
        options={"port": str(port)}, detail=_usb(usb),
        advice="Choose what it is: nothing that it says by itself tells.",
    )  # fmt: skip
    if not {*places}.isdisjoint(ground.leave_alone):
        return base
    if usb.vid in _SCANNERS or _is_scanner(port.name):
        return replace(base, kind="scanner", driver="scanner", advice="Scan a code to prove it.")
    if not ground.sniff:
        return base
    try:
        heard = await sniff(str(port), listen_s=ground.listen_s)
    except DeviceUnavailable as error:
        return _closed(base, error)
    return _spoken(base, heard)


def _closed(base: Find, error: DeviceUnavailable) -> Find:
    holders = port_holders(base.where)
    if "in use" in str(error):
        named = ", ".join(f"{name} (process {pid})" for pid, name in holders.items())
        held_by = named or "another program"
        return replace(base, condition="busy", held_by=held_by, advice=error.hint)
    return replace(base, condition="wrong_mode", detail=str(error), advice=error.hint)


def _spoken(base: Find, heard: Sniffed) -> Find:
    if not heard.driver:
        if heard.sample:
            return replace(
                base, detail=f"It says {heard.sample[:24]!r}, which nothing here understands.",
                advice="Is its line 9600 8N1? tallyport edge learn makes a pattern of such lines.",
            )  # fmt: skip
        return base
    kind: Kind = "load_cell" if heard.driver.startswith("load-cell") else "scale"
    said = [heard.model, f"serial number {heard.serial_number}" if heard.serial_number else ""]
    return replace(
        base, kind=kind, driver=heard.driver, identity=heard.serial_number,
        title=f"Scale ({heard.driver})" if kind == "scale" else "Load cell node",
        options={**base.options, **dict(heard.line)},
        detail=", ".join(filter(None, (*said, base.detail))), advice="",
    )  # fmt: skip


def _title(port: Path, usb: SysFS) -> str:
    named = " ".join(filter(None, (usb.manufacturer, usb.product)))
    return named or port.name.removeprefix("usb-").replace("_", " ")


def _usb(usb: SysFS) -> str:
    return "" if usb.vid is None else f"USB {usb.vid:04x}:{usb.pid:04x}"


def _keyboard(entry: Path) -> Find:
    return Find(
        source="usb",
        kind="scanner",
        title=entry.name.removeprefix("usb-").removesuffix("-event-kbd").replace("_", " "),
        where=str(entry),
        places=(str(entry), str(entry.resolve())),
        driver="scanner-hid",
        options={"port": str(entry)},
        detail="A scanner that is a keyboard.",
        advice="It works so; set to USB-COM (virtual serial port) it is safer, as keyboard layouts "
        "change codes.",
    )
