"""LLRP in TLS: what a technician is told when a certificate is not as it should be."""

from __future__ import annotations

import asyncio
import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from pydantic import ValidationError

from drivers.emulators.llrp_reader import EmulatedReader
from drivers.errors import DeviceError, DeviceRefused, DeviceUnavailable
from drivers.llrp.reader import LlrpConfig, LlrpReader
from drivers.readings import DeviceEvent, TagRead
from gateway.certificates import Authority, Issued
from tests.drivers.listening import PATIENCE_S, listening

HERE = ("127.0.0.1", "localhost")
NOW = datetime.now(UTC)
READ = TagRead(epc="303400000000000000000001", epc_bits=96, antenna=1, peak_rssi_dbm=-50.0)


class Papers(NamedTuple):
    """A folder with the site's authority, another one's, and certificates of both."""

    folder: Path

    def file(self, name: str) -> Path:
        return self.folder / name

    def serving(self, name: str, *, asks: bool = False) -> ssl.SSLContext:
        """A reader with this certificate; it ``asks`` for one of the site's authority."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.file(f"{name}.pem"), self.file(f"{name}.key"))
        if asks:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self.file("ca.pem"))
        return context


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    folder = tmp_path_factory.mktemp("papers")
    Authority.create(folder, "site")
    Authority.create(folder / "other", "other")

    def issue(name: str, issued: Issued) -> None:
        issued.write(folder, name)

    issue("reader", Authority(folder).server(HERE))
    issue("elsewhere", Authority(folder).server(["reader-7.example"]))
    issue("stranger", Authority(folder / "other").server(HERE))
    issue("expired", Authority(folder, NOW - timedelta(days=30)).server(HERE, days=1))
    issue("early", Authority(folder, NOW + timedelta(days=30)).server(HERE))
    issue("edge", Authority(folder).client("shop:edge-1"))
    issue("foreign-edge", Authority(folder / "other").client("shop:edge-1"))
    return Papers(folder)


async def how_it_ends(emulator: EmulatedReader, tls: dict[str, Any] | None) -> DeviceError:
    settings = LlrpConfig.model_validate(
        {"host": "127.0.0.1", "port": await emulator.start(), "tls": tls}
    )
    try:
        async with listening(LlrpReader(settings)) as listener:
            with pytest.raises(DeviceError) as caught:
                await listener.end()
    finally:
        await emulator.stop()
    return caught.value


async def test_a_reader_is_read_through_tls_and_knows_our_certificate(papers: Papers) -> None:
    emulator = EmulatedReader(tls=papers.serving("reader", asks=True))
    tls = {
        "ca_file": papers.file("ca.pem"),
        "certificate": papers.file("edge.pem"),
        "key": papers.file("edge.key"),
    }
    port = await emulator.start()
    settings = LlrpConfig.model_validate({"host": "127.0.0.1", "port": port, "tls": tls})
    async with listening(LlrpReader(settings)) as listener:
        await listener.heard(DeviceEvent, lambda event: event.name == "connected")
        await emulator.report([READ])
        assert (await listener.heard(TagRead)).epc == READ.epc
    await emulator.stop()


async def test_the_name_in_the_certificate_may_be_given(papers: Papers) -> None:
    emulator = EmulatedReader(tls=papers.serving("elsewhere"))
    tls = {"ca_file": papers.file("ca.pem"), "server_name": "reader-7.example"}
    port = await emulator.start()
    settings = LlrpConfig.model_validate({"host": "127.0.0.1", "port": port, "tls": tls})
    async with listening(LlrpReader(settings)) as listener:
        await listener.heard(DeviceEvent, lambda event: event.name == "connected")
    await emulator.stop()


@pytest.mark.parametrize(
    ("certificate", "words", "hint"),
    [
        ("stranger", "authority that is not in tls.ca_file", "tls.ca_file"),
        ("elsewhere", "another name or address", "tls.server_name"),
        ("expired", "has expired", "clocks"),
        ("early", "not valid yet", "clocks"),
    ],
)
async def test_a_wrong_certificate_is_named(
    papers: Papers, certificate: str, words: str, hint: str
) -> None:
    emulator = EmulatedReader(tls=papers.serving(certificate))
    error = await how_it_ends(emulator, {"ca_file": papers.file("ca.pem")})
    assert isinstance(error, DeviceUnavailable)
    assert error.retry  # a clock may be set, a certificate renewed
    assert words in str(error)
    assert hint in error.hint


@pytest.mark.parametrize(
    ("own", "words"), [(None, "wants a certificate of ours"), ("foreign-edge", "authority")]
)
async def test_a_reader_that_does_not_accept_us(
    papers: Papers, own: str | None, words: str
) -> None:
    tls = {"ca_file": papers.file("ca.pem")}
    if own is not None:
        tls |= {"certificate": papers.file(f"{own}.pem"), "key": papers.file(f"{own}.key")}
    with socket.create_server(("127.0.0.1", 0)) as server:
        refusing = asyncio.create_task(
            asyncio.to_thread(_refuse, server, papers.serving("reader", asks=True))
        )
        settings = {"host": "127.0.0.1", "port": server.getsockname()[1], "tls": tls}
        async with listening(LlrpReader(LlrpConfig.model_validate(settings))) as listener:
            with pytest.raises(DeviceUnavailable) as caught:
                await listener.end()
        await refusing
    assert words in str(caught.value)


def _refuse(server: socket.socket, context: ssl.SSLContext) -> None:
    """As readers do: asyncio's own server forgets to send the alert."""
    caller, _ = server.accept()
    caller.settimeout(PATIENCE_S)
    with pytest.raises(ssl.SSLError), context.wrap_socket(caller, server_side=True):
        pass
    caller.close()


async def test_a_reader_that_speaks_no_tls(papers: Papers) -> None:
    error = await how_it_ends(EmulatedReader(), {"ca_file": papers.file("ca.pem")})
    assert "does not speak TLS" in str(error)
    assert "port" in error.hint


async def test_a_reader_that_speaks_nothing_but_tls(papers: Papers) -> None:
    """It waits for a hello and hangs up, or says what is no LLRP; the way out is named."""

    async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with listening(LlrpReader(LlrpConfig(host="127.0.0.1", port=port))) as listener:
        with pytest.raises(DeviceUnavailable) as caught:
            async with asyncio.timeout(PATIENCE_S):
                await listener.end()
    server.close()
    await server.wait_closed()
    assert "if it wants TLS" in caught.value.hint


@pytest.mark.parametrize(
    ("setting", "file"), [("ca_file", "gone.pem"), ("ca_file", "edge.key"), ("ca_file", "")]
)
async def test_a_file_that_cannot_be_used(papers: Papers, setting: str, file: str) -> None:
    error = await how_it_ends(EmulatedReader(), {setting: papers.file(file)})
    assert isinstance(error, DeviceRefused)
    assert f"tls.{setting}" in str(error)
    assert str(papers.file(file)) in str(error)


def test_settings_of_tls_fit_together() -> None:
    assert LlrpConfig(host="r").port == 5084
    assert LlrpConfig.model_validate({"host": "r", "tls": {}}).port == 5085
    with pytest.raises(ValidationError, match="belong together"):
        LlrpConfig.model_validate({"host": "r", "tls": {"certificate": "edge.pem"}})
    with pytest.raises(ValidationError, match="we are the server"):
        LlrpConfig.model_validate({"listen": {}, "tls": {}})
