"""A reader that somebody else holds: who it is, as far as anybody can know, and what to do."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from drivers.emulators.llrp_encode import connection_attempt, event
from drivers.emulators.llrp_reader import EmulatedReader
from drivers.errors import DeviceUnavailable
from drivers.llrp.holder import holder_here
from drivers.llrp.reader import LlrpConfig, LlrpReader
from drivers.readings import DeviceEvent
from tests.drivers.listening import Listening, listening

READER, OURS = ("192.0.2.10", 5084), ("192.0.2.1", 40_000)


def driver(emulator: EmulatedReader) -> LlrpReader:
    return LlrpReader(LlrpConfig(host="127.0.0.1", port=emulator.port))


async def refusal(listener: Listening) -> DeviceUnavailable:
    with pytest.raises(DeviceUnavailable) as caught:
        await listener.end()
    assert caught.value.retry  # the supervisor comes back to it, as the other one may leave
    return caught.value


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="no /proc/net/tcp here")
async def test_the_holder_is_this_program_and_hears_of_the_attempt() -> None:
    emulator = EmulatedReader()
    await emulator.start()
    async with listening(driver(emulator)) as holder:
        await holder.heard(DeviceEvent, lambda event: event.name == "connected")
        async with listening(driver(emulator)) as second:
            error = await refusal(second)
        assert f"this computer holds it, by process {os.getpid()}" in str(error)
        assert "this very program" in str(error)
        assert "serves one client" in error.hint
        told = await holder.heard(DeviceEvent, lambda event: "another client" in event.detail)
        assert told.name == "info"
    await emulator.stop()


async def test_the_holder_is_somewhere_else() -> None:
    emulator = EmulatedReader()
    emulator.faults.busy = True
    await emulator.start()
    async with listening(driver(emulator)) as listener:
        error = await refusal(listener)
    assert "another client is connected" in str(error)
    assert "this computer holds it" not in str(error)
    await emulator.stop()


async def test_a_reader_that_has_called_somebody_itself() -> None:
    emulator = EmulatedReader()
    emulator.faults.busy = True
    await emulator.start()
    emulator._event = lambda _: event(1, connection_attempt(1))  # type: ignore[method-assign]
    async with listening(driver(emulator)) as listener:
        error = await refusal(listener)
    assert "itself called another client" in str(error)
    assert "listen" in error.hint
    await emulator.stop()


def kernel(tmp_path: Path, *lines: str, v6: tuple[str, ...] = ()) -> Path:
    """A /proc with these connections."""
    (tmp_path / "net").mkdir()
    head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt uid inode\n"
    for name, found in (("tcp", lines), ("tcp6", v6)):
        rows = "".join(f"   {n}: {line}\n" for n, line in enumerate(found))
        (tmp_path / "net" / name).write_text(head + rows)
    return tmp_path


def end(host: str, port: int) -> str:
    packed = bytes(int(part) for part in host.split("."))
    return f"{int.from_bytes(packed, sys.byteorder):08X}:{port:04X}"


def line(local: tuple[str, int], remote: tuple[str, int], state: str = "01") -> str:
    return f"{end(*local)} {end(*remote)} {state} 00000000:00000000 00:00000000 0 1000 0 4711 1 0"


def test_a_program_of_this_computer_is_named(tmp_path: Path) -> None:
    other = ("192.0.2.1", 50_000)
    proc = kernel(tmp_path, line(OURS, READER), line(other, READER))
    handles = proc / "123" / "fd"
    handles.mkdir(parents=True)
    (handles / "3").symlink_to("socket:[99]")
    (handles / "4").symlink_to("socket:[4711]")
    (proc / "123" / "comm").write_text("itemtest\n")
    told = holder_here(READER, OURS, proc)
    assert told == "this computer holds it, by process 123 (itemtest) (local port 50000)"


def test_a_program_of_another_user_is_known_to_be_there(tmp_path: Path) -> None:
    mapped = f"0000000000000000{'FFFF0000' if sys.byteorder == 'little' else '0000FFFF'}"
    row = line(("192.0.2.1", 50_001), READER)
    local, remote, rest = row.split(" ", 2)
    proc = kernel(tmp_path, v6=(f"{mapped}{local} {mapped}{remote} {rest}",))
    assert "by a program of another user (local port 50001)" in holder_here(READER, OURS, proc)


@pytest.mark.parametrize(
    "row",
    [
        line(OURS, READER),
        line(("192.0.2.1", 50_000), ("192.0.2.10", 80)),
        line(("192.0.2.1", 50_000), READER, state="06"),
    ],
    ids=["our own", "another port", "ended"],
)
def test_other_connections_are_nobody_s(tmp_path: Path, row: str) -> None:
    assert holder_here(READER, OURS, kernel(tmp_path, row)) == ""


def test_a_system_without_such_a_list_is_not_asked(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="/proc/net/tcp"):
        holder_here(READER, OURS, tmp_path)
