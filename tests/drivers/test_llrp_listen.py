"""Readers that dial in: each reaches its device, strangers reach nobody, nothing is lost."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from drivers.emulators.llrp_reader import EmulatedReader
from drivers.emulators.llrp_session import Session
from drivers.errors import DeviceError, DeviceRefused, DeviceUnavailable
from drivers.llrp.link_settings import same_reader
from drivers.llrp.reader import LlrpConfig, LlrpReader
from drivers.readings import DeviceEvent, TagRead
from gateway.certificates import Authority
from tallyport.demo.processes import free_port
from tests.drivers.listening import PATIENCE_S, Listening, listening
from tests.edge.waiting import until

ONE, TWO = "001625FFFF000001", "001625FFFF000002"
MAC_ONE, MAC_TWO = "00:16:25:00:00:01", "00-16-25-00-00-02"


def read(number: int) -> TagRead:
    return TagRead(
        epc=f"3034{number:020X}", epc_bits=96, antenna=1, peak_rssi_dbm=-50.0,
        first_seen_us=10**15 + number, last_seen_us=10**15 + number, channel=3,
    )  # fmt: skip


@pytest.fixture
def port() -> int:
    return free_port()


def device(port: int, *, host: str | None = None, tls: Any = None, **listen: Any) -> LlrpReader:
    given = {"host": host, "tls": tls, "listen": {"port": port, "address": "127.0.0.1", **listen}}
    return LlrpReader(LlrpConfig.model_validate(given))


@asynccontextmanager
async def dialling(port: int, **settings: Any) -> AsyncIterator[EmulatedReader]:
    emulator = EmulatedReader(dials=("127.0.0.1", port), redial_s=0.02, **settings)
    await emulator.start()
    try:
        yield emulator
    finally:
        await emulator.stop()


async def connected(listener: Listening) -> None:
    await listener.heard(DeviceEvent, lambda event: event.name == "connected")


async def test_a_reader_dials_in_and_is_read(port: int) -> None:
    async with listening(device(port)) as listener, dialling(port) as emulator:
        await connected(listener)
        await emulator.report([read(number) for number in range(100)])
        await listener.until(lambda: len(listener.of(TagRead)) == 100)
    assert listener.of(TagRead) == [read(number) for number in range(100)]


async def test_readers_that_share_a_port_are_told_apart_by_who_they_are(port: int) -> None:
    first, second = device(port, reader_id=MAC_ONE), device(port, reader_id=MAC_TWO)
    async with (
        listening(first) as one,
        listening(second) as two,
        dialling(port, identity=TWO) as emulator_two,
        dialling(port, identity=ONE) as emulator_one,
    ):
        await connected(one)
        await connected(two)
        await emulator_one.report([read(1)])
        await emulator_two.report([read(2)])
        assert (await one.heard(TagRead)).epc == read(1).epc
        assert (await two.heard(TagRead)).epc == read(2).epc


async def test_a_reader_comes_back_by_itself_with_what_it_held(port: int) -> None:
    async with dialling(port) as emulator:
        async with listening(device(port)) as listener:
            await connected(listener)
            emulator.drop()
            with pytest.raises(DeviceUnavailable):
                await listener.end()
        await emulator.report([read(number) for number in range(50)])
        calls = emulator.calls
        await until(lambda: emulator.calls > calls or emulator.connected)
        async with listening(device(port)) as again:  # as the supervisor does, a while later
            await again.until(lambda: len(again.of(TagRead)) == 50)


async def test_strangers_are_hung_up_on_counted_and_told(port: int) -> None:
    driver = device(port, reader_id=MAC_ONE, patience_s=1.0)
    async with listening(driver) as listener, dialling(port, identity=TWO) as stranger:
        with pytest.raises(DeviceUnavailable) as caught:
            await listener.end()
        assert stranger.calls > 0
    told = str(caught.value)
    assert "did not dial in" in told
    assert "00:16:25:FF:FF:00:00:02" in told
    assert "reader_id" in caught.value.hint
    assert driver.counters()["strangers"] >= 1
    assert not listener.readings


async def test_a_call_from_another_address_is_a_stranger_s(port: int) -> None:
    driver = device(port, host="127.0.0.2", patience_s=1.0)
    async with listening(driver) as listener, dialling(port):
        with pytest.raises(DeviceUnavailable, match="no device has this host"):
            await listener.end()


@pytest.mark.parametrize("said", [b"GET / HTTP/1.1\r\n\r\n", b"\x00" * 40, b"\xff" * 40, b""])
async def test_what_is_no_reader_is_a_stranger_and_a_reader_still_gets_through(
    port: int, said: bytes
) -> None:
    driver = device(port, reader_id=MAC_ONE)
    async with listening(driver) as listener:
        _, writer = await _caller(port)
        writer.write(said)
        writer.write_eof()
        await until(lambda: driver.counters()["strangers"] == 1)
        async with dialling(port, identity=ONE):
            await connected(listener)
        writer.transport.abort()


async def _caller(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                return await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.01)


async def test_many_calls_at_once_are_bounded(port: int) -> None:
    """Forty callers that say nothing: those above the limit are refused at once."""
    driver = device(port, reader_id=MAC_ONE)
    async with listening(driver):
        callers = [await _caller(port) for _ in range(40)]
        await until(lambda: driver.counters()["strangers"] == 8)
        for _, writer in callers:
            writer.transport.abort()
        await until(lambda: driver.counters()["strangers"] == 40)


async def test_of_a_reader_s_calls_that_nobody_took_the_newest_is_kept(port: int) -> None:
    """A device that is away for a while finds one connection, and a living one."""
    async with listening(device(port, patience_s=0.01)) as first:
        with pytest.raises(DeviceUnavailable):
            await first.end()
    stale = [await _caller(port) for _ in range(5)]
    for reader, _ in stale[:-1]:
        assert await asyncio.wait_for(_hung_up(reader), PATIENCE_S)
    async with dialling(port) as emulator:
        await until(lambda: emulator.connected)
        async with listening(device(port)) as again:
            await connected(again)
    for _, writer in stale:
        writer.transport.abort()


async def test_an_emulated_reader_stops_while_it_takes_leave(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaving = asyncio.Event()

    async def take_long(_session: Session) -> None:
        leaving.set()
        await asyncio.Event().wait()

    async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    monkeypatch.setattr(Session, "close", take_long)
    server = await asyncio.start_server(hang_up, "127.0.0.1", port)
    async with server, asyncio.timeout(30), dialling(port):
        await leaving.wait()


async def _hung_up(reader: asyncio.StreamReader) -> bool:
    try:
        return await reader.read() == b""
    except ConnectionError:
        return True


async def test_a_port_that_is_taken_is_told(port: int) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        async with listening(device(port)) as listener:
            with pytest.raises(DeviceUnavailable, match=str(port)) as caught:
                await listener.end()
    assert "listen.port" in caught.value.hint


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("papers")
    authority = Authority.create(folder, "site")
    authority.server(["127.0.0.1"]).write(folder, "edge")
    authority.client("shop:reader-1").write(folder, "reader")
    return folder


async def test_readers_dial_in_through_tls_and_those_without_a_certificate_do_not(
    port: int, papers: Path
) -> None:
    tls = {
        "ca_file": papers / "ca.pem",
        "certificate": papers / "edge.pem",
        "key": papers / "edge.key",
    }
    ours = ssl.create_default_context(cafile=papers / "ca.pem")
    ours.load_cert_chain(papers / "reader.pem", papers / "reader.key")
    driver = device(port, tls=tls)
    async with listening(driver) as listener:
        async with dialling(port) as plain:
            await until(lambda: driver.counters()["strangers"] > 0)
            assert not plain.inventorying
        before = driver.counters()["strangers"]
        async with dialling(port, tls=ssl.create_default_context(cafile=papers / "ca.pem")) as bare:
            await until(lambda: driver.counters()["strangers"] > before)
            assert not bare.inventorying
        async with dialling(port, tls=ours) as emulator:
            await connected(listener)
            await emulator.report([read(7)])
            assert (await listener.heard(TagRead)).epc == read(7).epc
        with pytest.raises(DeviceError):
            await listener.end()
    async with listening(device(port)) as other:
        with pytest.raises(DeviceRefused, match="different tls settings"):
            await other.end()


def test_an_identity_is_written_in_many_ways() -> None:
    for written in ("001625FFFF1125D6", "00:16:25:11:25:d6", "0016.2511.25D6"):
        assert same_reader(written, bytes.fromhex("001625FFFF1125D6"))
    assert same_reader("00:16:25:11:25:D6", bytes.fromhex("001625FFFE1125D6"))
    assert same_reader("00:16:25:11:25:D6", bytes.fromhex("00000016251125D6"))
    assert not same_reader("00:16:25:11:25:D7", bytes.fromhex("001625FFFF1125D6"))
    assert not same_reader("00:16:25:11:25:D6", bytes.fromhex("001625AAAA1125D6"))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "address is needed"),
        ({"listen": {}, "port": 5084}, "leave port out"),
        ({"listen": {"reader_id": "reader 7"}}, "hexadecimal"),
        ({"listen": {"reader_id": ""}}, "hexadecimal"),
    ],
)
def test_settings_that_do_not_fit_are_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        LlrpConfig.model_validate(given)


async def test_two_devices_that_wait_for_the_same_reader_are_told(port: int) -> None:
    async with listening(device(port, reader_id=MAC_ONE)) as first:
        async with listening(device(port, reader_id=MAC_ONE)) as second:
            with pytest.raises(DeviceRefused, match="Two devices"):
                await second.end()
        async with dialling(port, identity=ONE):
            await connected(first)
