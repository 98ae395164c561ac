from __future__ import annotations

import asyncio
import errno
import os
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest
import serial

from drivers.emulators.serial_pty import SerialPty
from drivers.errors import DeviceUnavailable
from drivers.transports import serial_line
from drivers.transports.serial_faults import cannot_open
from drivers.transports.serial_line import LineSettings, open_line


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_bytes_in_both_directions_and_nothing_left_open() -> None:
    sent = bytearray()
    arrived = asyncio.Event()

    def hear(data: bytes) -> None:
        sent.extend(data)
        if len(sent) == len(b"back"):
            arrived.set()

    line = SerialPty(hear)
    tapped = bytearray()
    path = await line.start()
    before = open_files()
    try:
        with open_line(LineSettings(port=path), tap=tapped.extend) as port:
            assert await port.read(0) == b""
            assert await port.read(0.01) == b""
            line.write(b"hello\x00\xff\r\n")
            assert await port.read(60) == b"hello\x00\xff\r\n"
            await port.write(b"back")
            await asyncio.wait_for(arrived.wait(), 60)
            assert sent == b"back"
        assert bytes(tapped) == b"hello\x00\xff\r\n"
        assert open_files() == before
    finally:
        line.unplug()


async def test_a_cancelled_read_loses_nothing() -> None:
    line = SerialPty(lambda _: None)
    try:
        with open_line(LineSettings(port=await line.start())) as port:
            waiting = asyncio.create_task(port.read())
            await asyncio.sleep(0)
            line.write(b"kept")
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
            assert waiting.cancelled()
            assert await port.read(60) == b"kept"
    finally:
        line.unplug()


async def test_unplugging_closes_the_port_at_the_first_error() -> None:
    line = SerialPty(lambda _: None)
    path = await line.start()
    before = open_files()
    with open_line(LineSettings(port=path)) as port:
        reading = asyncio.create_task(port.read())
        await asyncio.sleep(0)
        line.unplug()
        with pytest.raises(DeviceUnavailable, match="lost"):
            await reading
        assert open_files() == before - 2  # the emulator's two are gone as well
        with pytest.raises(DeviceUnavailable, match="closed"):
            await port.read()


class FailingPort:
    """What pyserial gives for a port, whose driver fails in one of its ways."""

    def __init__(self, port: Any, failing: str, error: Exception) -> None:
        self._port, self._failing, self._error = port, failing, error

    def __getattr__(self, name: str) -> Any:
        if name == self._failing:
            raise self._error
        return getattr(self._port, name)


@pytest.mark.parametrize("failing", ["in_waiting", "read"])
@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.EIO, "Input/output error"),
        termios.error(errno.EIO, "Input/output error"),
        serial.SerialException("device reports readiness to read but returned no data"),
        TypeError("'NoneType' object cannot be interpreted as an integer"),
    ],
    ids=["OSError", "termios.error", "SerialException", "TypeError"],
)
async def test_whatever_a_lost_port_raises_closes_it_and_is_told(
    failing: str, error: Exception
) -> None:
    line = SerialPty(lambda _: None)
    path = await line.start()
    before = open_files()
    try:
        with open_line(LineSettings(port=path)) as port:
            port._serial = FailingPort(port._serial, failing, error)
            line.write(b"x")
            with pytest.raises(DeviceUnavailable, match="was lost") as lost:
                await port.read(60)
            assert "unplugged" in lost.value.hint
            assert open_files() == before, "closed at once: the name is free for the replugged one"
    finally:
        line.unplug()


async def test_writing_to_an_unplugged_port_is_told() -> None:
    line = SerialPty(lambda _: None)
    with open_line(LineSettings(port=await line.start())) as port:
        line.unplug()
        with pytest.raises(DeviceUnavailable, match="was lost"):
            await port.write(b"SI\r\n")


async def test_a_busy_port_names_its_holder() -> None:
    line = SerialPty(lambda _: None)
    path = await line.start()
    settings = LineSettings(port=path)
    try:
        with open_line(settings), pytest.raises(DeviceUnavailable, match="in use") as ours:
            open_line(settings).__enter__()
        assert "two devices" in ours.value.hint
        code = f"import serial; s = serial.Serial({path!r}, exclusive=True); print(); input()"
        holder = await asyncio.create_subprocess_exec(
            sys.executable, "-c", code, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert holder.stdin is not None
        assert holder.stdout is not None
        try:
            await holder.stdout.readline()
            with pytest.raises(DeviceUnavailable, match="in use") as theirs:
                open_line(settings).__enter__()
            assert f"process {holder.pid}" in theirs.value.hint
        finally:
            holder.stdin.close()
            await holder.wait()
    finally:
        line.unplug()


def test_missing_ports_and_files_that_are_no_ports(tmp_path: Path) -> None:
    with pytest.raises(DeviceUnavailable, match="no serial port") as missing:
        open_line(LineSettings(port=str(tmp_path / "ttyUSB7"))).__enter__()
    assert "plugged in" in missing.value.hint
    file = tmp_path / "file"
    file.touch()
    before = open_files()
    with pytest.raises(DeviceUnavailable, match="line settings 9600 7E1"):
        open_line(LineSettings(port=str(file), bytesize=7, parity="even")).__enter__()
    assert open_files() == before


# ---- 7 data bits and parity ----------------------------------------------------------------
@pytest.mark.parametrize("parity", ["even", "odd"])
async def test_a_pseudo_terminal_is_opened_again_and_again_with_seven_bits(
    parity: Literal["even", "odd"],
) -> None:
    # The kernel keeps 8N1 there, and refuses the same settings at the second time (EINVAL).
    line = SerialPty(lambda _: None)
    settings = LineSettings(port=await line.start(), bytesize=7, parity=parity)
    try:
        for said in (b"\x02 1.250\r", b"\x02?A\r", b"again\r"):
            with open_line(settings) as port:
                line.write(said)
                assert await port.read(60) == said
    finally:
        line.unplug()


CS7_EVEN = termios.CS7 | termios.PARENB
CS7_ODD = CS7_EVEN | termios.PARODD


@pytest.mark.parametrize(
    ("parity", "flags", "keeps"),
    [
        ("even", CS7_EVEN, ""),
        ("odd", CS7_ODD, ""),
        ("even", termios.CS8, "9600 8N1"),
        ("even", CS7_ODD, "9600 7O1"),
        ("odd", termios.CS7 | termios.CSTOPB, "9600 7N2"),
    ],
)
async def test_a_port_that_says_nothing_and_keeps_its_own_settings_is_told(
    monkeypatch: pytest.MonkeyPatch, parity: Literal["even", "odd"], flags: int, keeps: str
) -> None:
    """A pseudo-terminal in the part of a UART: its first opening with 7 bits passes as well."""
    line = SerialPty(lambda _: None)
    settings = LineSettings(port=await line.start(), bytesize=7, parity=parity)
    monkeypatch.setattr(serial_line, "_PTY_MAJORS", range(0))
    asked = termios.tcgetattr

    def of_the_driver(fd: int) -> list[Any]:
        attributes = asked(fd)
        attributes[2] = attributes[2] & ~(termios.CSIZE | CS7_ODD | termios.CSTOPB) | flags
        return attributes

    before = open_files()
    try:
        with monkeypatch.context() as driver:
            driver.setattr(serial_line, "termios", FakeTermios(of_the_driver))
            if not keeps:
                with open_line(settings) as port:
                    assert await port.read(0) == b""
                return
            with pytest.raises(DeviceUnavailable, match=r"does not take .* 9600 7") as refused:
                open_line(settings).__enter__()
        assert f"it keeps {keeps}" in refused.value.hint
        assert open_files() == before
    finally:
        line.unplug()


class FakeTermios:
    """The module, with another reading of the settings."""

    def __init__(self, tcgetattr: Callable[[int], list[Any]]) -> None:
        self.tcgetattr = tcgetattr

    def __getattr__(self, name: str) -> Any:
        return getattr(termios, name)


async def test_a_port_that_fails_with_termios_error_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    line = SerialPty(lambda _: None)
    settings = LineSettings(port=await line.start(), bytesize=7, parity="even")
    monkeypatch.setattr(serial_line, "_PTY_MAJORS", range(0))
    before = open_files()
    try:
        for says in ("it keeps 9600 8N1", "Invalid argument"):  # the kernel's own two answers
            with pytest.raises(DeviceUnavailable, match=r"does not take .* 9600 7E1") as refused:
                open_line(settings).__enter__()
            assert says in refused.value.hint
        assert open_files() == before
    finally:
        line.unplug()


def test_each_fault_says_what_to_do() -> None:
    def hint(code: int) -> str:
        return cannot_open("/dev/ttyNone", "9600 8N1", OSError(code, os.strerror(code))).hint

    assert "usermod -aG" in hint(errno.EACCES)
    assert "fuser" in hint(errno.EBUSY)
    assert "plug it in again" in hint(errno.EIO)
    refused = cannot_open("/dev/null", "9600 7E1", termios.error(22, "Invalid argument"))
    assert "7E1" in str(refused)
