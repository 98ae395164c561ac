from __future__ import annotations

import asyncio
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.emulators.scanner import EmulatedScanner
from drivers.errors import DeviceUnavailable
from drivers.readings import CodeScan, DeviceEvent, Reading
from drivers.scanners.scanner import ScannerConfig, ScannerDecoder, SerialScanner, Suffix
from tests.drivers.listening import listening


def decoded(*chunks: bytes) -> tuple[list[Reading], list[tuple[int, bytes]]]:
    decoder = ScannerDecoder()
    readings = [reading for chunk in chunks for reading in decoder.feed(chunk)]
    readings += decoder.finish()
    return readings, [(error.offset, error.frame) for error in decoder.errors]


@pytest.mark.parametrize(
    ("sent", "symbology", "data"),
    [
        (
            b"]C1010703206980498810ABC\x1d3103001750\r\n",
            "]C1",
            "010703206980498810ABC\x1d3103001750",
        ),
        (b"]d2010703206980498810LOT\x1d21SER\r", "]d2", "010703206980498810LOT\x1d21SER"),
        (b"]E05901234123457\n", "]E0", "5901234123457"),
        (b"]Q3https://id.gs1.org/01/07032069804988", "]Q3", "https://id.gs1.org/01/07032069804988"),
        (b"O-CMD.MAIN-MENU\r\n", None, "O-CMD.MAIN-MENU"),
        (b"\x02INV-SI123\x03\r\n", None, "INV-SI123"),
        ("]Q1Grün\r\n".encode(), "]Q1", "Grün"),
        ("]Q1Grün\r\n".encode("latin-1"), "]Q1", "Grün"),
    ],
)
def test_codes(sent: bytes, symbology: str | None, data: str) -> None:
    assert decoded(sent) == ([CodeScan(data=data, symbology=symbology)], [])


@pytest.mark.parametrize("line", [b"]C1", b"\x00\x80\x00", b"x" * 4097])
def test_what_is_no_code_is_an_error_with_its_place(line: bytes) -> None:
    readings, errors = decoded(b"A\r\n" + line + b"\r\nB\r\n")
    assert readings == [CodeScan(data="A"), CodeScan(data="B")]
    assert errors == [(3, line[:64])]


def test_replacement_separators_become_gs() -> None:
    decoder = ScannerDecoder(separators=("{GS}", "|"))
    assert decoder.feed(b"]C110A{GS}21B|17260101\r\n") == [
        CodeScan(data="10A\x1d21B\x1d17260101", symbology="]C1")
    ]


def test_a_code_of_several_lines_stays_one_code_with_suffix_crlf() -> None:
    decoder = ScannerDecoder(suffix="crlf")
    assert decoder.feed(b"line 1\nline 2\r") == []
    assert decoder.feed(b"\nnext") == [CodeScan(data="line 1\nline 2")]


MANY_LINES = "[)>\x1e06\x1dP123\x1e\x04 one\rtwo\nthree"


@pytest.mark.parametrize(
    ("suffix", "end"),
    [("crlf", b"\r\n"), ("cr", b"\r"), ("lf", b"\n"), ("etx", b"\x03"), ("etx", b"\x03\r\n")],
)
def test_a_suffix_that_is_insisted_on_leaves_the_other_lines_alone(
    suffix: Suffix, end: bytes
) -> None:
    inside = MANY_LINES.replace("\r" if suffix == "cr" else "\n" if suffix == "lf" else "\0", " ")
    sent = b"\x02" + inside.encode() + end
    for size in (1, 3, 1000):
        decoder = ScannerDecoder(suffix=suffix)
        stream = sent * 2
        pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
        codes = [code for piece in pieces for code in decoder.feed(piece)]
        assert codes == [CodeScan(data=inside)] * 2
        decoder.feed(b"cut")
        assert decoder.flush() == []
        assert ["fragment" in str(error) for error in decoder.errors] == [True]


def test_without_a_suffix_only_silence_ends_a_code() -> None:
    decoder = ScannerDecoder(suffix="none")
    for _ in range(2):
        assert decoder.feed(MANY_LINES.encode()) == []
        assert decoder.flush() == [CodeScan(data=MANY_LINES)]
    assert decoder.feed(b"with its CR after all\r") == []
    assert decoder.flush() == [CodeScan(data="with its CR after all")]
    assert not decoder.errors
    assert decoder.flush() == []


def test_framed_codes_need_no_line_end() -> None:
    decoder = ScannerDecoder()
    assert decoder.feed(b"\x02A\x03\x02B\x03\x02C\x03\r\n") == [
        CodeScan(data=code) for code in "ABC"
    ]


def test_a_fragment_is_no_code_once_a_suffix_was_seen() -> None:
    decoder = ScannerDecoder()
    decoder.feed(b"0101")
    assert decoder.flush() == [CodeScan(data="0101")]
    decoder.feed(b"0102\r\n0103")
    assert decoder.flush() == []
    assert [(error.offset, error.frame) for error in decoder.errors] == [(10, b"0103")]
    assert decoder.feed(b"0104\r\n") == [CodeScan(data="0104")]


CODE = st.sampled_from(
    [
        b"]C1010703206980498810A\x1d21B",
        b"]E05901234123457",
        b"\xc3\xbc",
        b"]d2",
        b"\0",
        b"A",
        b"y" * 4500,
    ]
)


@pytest.mark.evidence("split", "scanner")
@settings(max_examples=80, deadline=None)
@given(st.lists(CODE, max_size=8), st.sampled_from([b"\r\n", b"\r", b"\n"]), st.data())
def test_any_split_gives_the_same(codes: list[bytes], end: bytes, data: st.DataObject) -> None:
    stream = b"".join(code + end for code in codes)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    edges = [0, *cuts, len(stream)]
    whole = decoded(stream)
    assert decoded(*(stream[a:b] for a, b in pairwise(edges))) == whole
    assert len(whole[0]) + len(whole[1]) == len(codes)


# ---- the driver on a real pseudo-terminal --------------------------------------------------
@pytest.mark.evidence("reconnect", "scanner")
@pytest.mark.evidence("emulator", "scanner")
async def test_scans_come_from_the_line_and_replugging_works(tmp_path: Path) -> None:
    scanner = EmulatedScanner(link=tmp_path / "usb-scanner")
    try:
        driver = SerialScanner(ScannerConfig(port=await scanner.start()))
        async with listening(driver) as heard:
            await heard.heard(DeviceEvent)
            await scanner.scan("without-suffix", symbology=None, suffix="")
            await heard.heard(CodeScan, lambda code: code.data == "without-suffix")
            await scanner.scan("010703206980498810ABC\x1d21X", symbology="]d2")
            await heard.heard(CodeScan, lambda code: code.symbology == "]d2")
            await scanner.scan("5901234123457", symbology="]E0", suffix="\r")
            await scanner.send(b"]C1\r\n")
            await heard.heard(DeviceEvent, lambda event: event.name == "frame_error")
            scanner.unplug()
            with pytest.raises(DeviceUnavailable, match="lost"):
                await heard.end()
        assert heard.of(CodeScan) == [
            CodeScan(data="without-suffix"),
            CodeScan(data="010703206980498810ABC\x1d21X", symbology="]d2"),
            CodeScan(data="5901234123457", symbology="]E0"),
        ]
        assert driver.counters()["frames"] == 3
        with pytest.raises(ConnectionError, match="unplugged"):
            await scanner.scan("x")
        await scanner.start()
        async with listening(driver) as heard:
            await heard.heard(DeviceEvent)
            await scanner.scan("again")
            await heard.heard(CodeScan)
    finally:
        await scanner.stop()


# ---- the same bytes over TCP ---------------------------------------------------------------
async def test_the_same_over_tcp_to_the_end_of_the_connection() -> None:
    calls: asyncio.Queue[asyncio.StreamWriter] = asyncio.Queue()

    async def answered(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await calls.put(writer)

    server = await asyncio.start_server(answered, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        for _ in range(2):  # a driver may be run again after the line was lost
            driver = SerialScanner(ScannerConfig(host="127.0.0.1", port=port))
            async with listening(driver) as heard:
                connected = await heard.heard(DeviceEvent)
                assert connected.detail == f"scanner at 127.0.0.1:{port}"
                scanner = await calls.get()
                for piece in (b"]C1010703206980498810A\x1d2", b"1B\r\n]E059", b"01234123457\r\n"):
                    scanner.write(piece)
                    await scanner.drain()
                await heard.heard(CodeScan, lambda code: code.symbology == "]E0")
                assert heard.of(CodeScan) == [
                    CodeScan(data="010703206980498810A\x1d21B", symbology="]C1"),
                    CodeScan(data="5901234123457", symbology="]E0"),
                ]
                scanner.close()
                await scanner.wait_closed()
                with pytest.raises(DeviceUnavailable, match="closed the connection"):
                    await heard.end()
    finally:
        server.close()
        await server.wait_closed()
    with pytest.raises(DeviceUnavailable, match="refuses"):
        async with listening(driver) as heard:
            await heard.end()
