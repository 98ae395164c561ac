"""The emulated printer on the wire: what it prints, what it says of itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from drivers.emulators.label_printer import EmulatedPrinter
from tallyport.emulate.printing import PrinterOptions, make_printer

LABEL = b"^XA^FO10,10^A0N,30,30^FDone^FS^XZ"


@pytest.fixture
async def printer() -> AsyncIterator[EmulatedPrinter]:
    made = EmulatedPrinter()
    yield made
    await made.stop()


async def ask(port: int, said: bytes, answers: int = 3) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(said)
        return b"".join([await reader.readuntil(b"\x03\r\n") for _ in range(answers)])
    finally:
        writer.close()
        await writer.wait_closed()


async def test_it_prints_what_comes_however_it_is_cut(printer: EmulatedPrinter) -> None:
    port = await printer.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    tagged = LABEL.replace(b"^XA", b"^XA^RS8^RFW,H^FD3034F4E4E400004000000001^FS")
    for byte in b"noise" + LABEL + tagged + LABEL.replace(b"^XZ", b"^PQ3^XZ"):
        writer.write(bytes([byte]))
    writer.write(b"~HS")
    assert (await reader.readuntil(b"\r\n")).startswith(b"\x02030,0,0,")
    writer.close()
    await writer.wait_closed()
    assert [one.epc for one in printer.labels] == ["", "3034F4E4E400004000000001", "", "", ""]


async def test_without_paper_labels_wait_in_it(printer: EmulatedPrinter) -> None:
    printer.paper = 1
    port = await printer.start()
    status = await ask(port, LABEL * 3 + b"~HS")
    assert status.startswith(b"\x02030,1,0,1245,002,")
    assert len(printer.labels) == 1
    printer.paper = 5
    printer.go_on()
    assert (len(printer.labels), printer.waiting, printer.paper) == (3, 0, 3)
    printer.head_open = True
    assert b"\x02000,0,1,0," in await ask(port, LABEL + b"~HS")
    await ask(port, b"~JA~HS")
    assert printer.waiting == 0
    assert (await ask(port, b"~HI", 1)).startswith(b"\x02ZD621R")


async def test_a_person_feeds_it(tmp_path: Path) -> None:
    options = PrinterOptions(host="127.0.0.1", port=0, dpi=203, paper=1, out=tmp_path / "out")
    emulation = await make_printer(options)
    port = int(emulation.devices.partition("port = ")[2].splitlines()[0])
    try:
        await ask(port, LABEL * 3 + b"~HS")
        assert await emulation.obey("paper 1") == "it stands; 1 labels wait in it"
        assert await emulation.obey("open") == "it stands; 1 labels wait in it"
        assert await emulation.obey("paper endless") == "it stands; 1 labels wait in it"
        assert await emulation.obey("close") == "it prints; 0 labels wait in it"
        names = sorted(path.name for path in (tmp_path / "out").iterdir())
        assert names == [f"label-{number:05}.zpl" for number in (1, 2, 3)]
    finally:
        await emulation.stop()
