"""Discovery against what is really there: emulated readers, ptys, announcements, radios."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

from drivers.emulators.ble_air import air
from drivers.emulators.ble_scale import EmulatedBleScale
from drivers.emulators.llrp_reader import EmulatedReader
from drivers.emulators.mtsics_scale import EmulatedScale
from drivers.emulators.serial_pty import SerialPty
from drivers.llrp.hello import hello, mac_of
from edge.config import check_device
from edge.console.discovery.hits import Ours, Source
from edge.console.discovery.looking import look_around, ours_of
from edge.console.discovery.source import Ground
from edge.console.discovery.subnets import MOST_ADDRESSES
from tests.edge.waiting import until

HERE = "127.0.7."


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    for folder in ("by-id", "input"):
        (tmp_path / folder).mkdir()
    (tmp_path / "arp").write_text("")
    return Ground(
        subnets=(f"{HERE}0/28",), llrp_port=free_port(), llrp_tls_port=free_port(),
        web_ports=(free_port(),), seconds=1.0, listen_s=0.3, by_id=tmp_path / "by-id",
        input_by_id=tmp_path / "input", arp=tmp_path / "arp",
    )  # fmt: skip


async def look(ground: Ground, *sources: Source, ours: Sequence[Ours] = ()) -> dict[str, Any]:
    return await look_around(ground, lambda: ours, lambda _: None, sources)


@asynccontextmanager
async def reader(ground: Ground, last: int, **more: Any) -> AsyncIterator[EmulatedReader]:
    emulated = EmulatedReader(host=f"{HERE}{last}", port=ground.llrp_port, **more)
    await emulated.start()
    try:
        yield emulated
    finally:
        await emulated.stop()


async def test_readers_of_a_network(ground: Ground) -> None:
    async with (
        reader(ground, 3) as free,
        reader(ground, 4, vendor_pen=161, model=96, identity="84248DFFFE0000EE"),
        reader(ground, 5) as busy,
    ):
        other = await asyncio.open_connection(busy.host, busy.port)
        await busy.wait_until(lambda: busy.connected)
        heard: list[dict[str, Any]] = []
        found = await look_around(ground, list, heard.append, ("llrp",))
        one, two, three = found["hits"]
        assert (one["title"], one["state"]) == ("Impinj Speedway R420", "new")
        assert one["identity"] == "00:16:25:00:54:52"
        assert one["options"] == {"host": free.host, "port": ground.llrp_port}
        assert one["detail"] == "2 antennas, firmware 5.14.0"
        assert (two["title"], two["identity"]) == ("Zebra model 96", "84:24:8d:00:00:ee")
        assert (three["state"], three["where"]) == ("busy", f"{busy.host}:{busy.port}")
        assert f"process {os.getpid()}" in three["held_by"]
        assert "Stop the other one" in three["advice"]
        assert found["sources"][0]["text"] == f"3 readers at 14 addresses of {HERE}0/28"
        assert heard  # it says how far it is
        # Nobody is disturbed: who had the reader has it, and a free one is free again.
        assert busy.connected
        await until(lambda: not free.connected)
        assert not free.model.rospecs
        other[1].transport.abort()


async def test_identity_not_the_address_tells_a_device(ground: Ground) -> None:
    where = f"{HERE}9:{ground.llrp_port}"
    moved = Ours(name="dock-1", where=where, places=(where,), identity="00:16:25:00:54:52")
    async with reader(ground, 3):
        (hit,) = (await look(ground, "llrp", ours=[moved]))["hits"]
    assert (hit["state"], hit["device"], hit["moved_from"]) == ("known", "dock-1", where)


async def test_a_reader_that_we_use_is_not_knocked_at(ground: Ground) -> None:
    async with reader(ground, 3) as emulated:
        device = check_device(
            {"name": "dock-1", "driver": "llrp", "read_point": "dock", "host": emulated.host,
             "port": emulated.port}
        )  # fmt: skip
        ours = ours_of([device], {"dock-1": "running"})
        (hit,) = (await look(ground, "llrp", ours=ours))["hits"]
        assert (hit["state"], hit["held_by"]) == ("known", "this edge (dock-1)")
        assert emulated.connections == 0
        # A MAC address that the kernel knows is the identity of one that tells nobody.
        ground.arp.write_text(f"head\n{emulated.host} 0x1 0x2 00:16:25:11:25:d6 * eth0\n")
        (hit,) = (await look(ground, "llrp", ours=ours))["hits"]
        assert hit["identity"] == "00:16:25:11:25:d6"


async def test_the_wrong_mode_is_told_with_what_to_do(ground: Ground) -> None:
    async def page(stream: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await stream.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.0 401 no\r\nWWW-Authenticate: Basic realm=R700\r\n\r\nImpinj reader")
        writer.close()

    async def no_llrp(stream: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 welcome to something\r\n")
        with suppress(ConnectionError):
            await stream.read()
        writer.transport.abort()

    rest = await asyncio.start_server(page, f"{HERE}3", ground.web_ports[0])
    other = await asyncio.start_server(no_llrp, f"{HERE}4", ground.llrp_port)
    async with rest, other:
        one, two = (await look(ground, "llrp"))["hits"]
    by_place = {one["where"]: one, two["where"]: two}
    r700 = by_place[f"{HERE}3"]
    assert (r700["state"], r700["title"]) == ("wrong_mode", "Impinj reader")
    assert "config rfid interface llrp" in r700["advice"]
    strange = by_place[f"{HERE}4:{ground.llrp_port}"]
    assert strange["state"] == "wrong_mode"
    assert "something else than LLRP" in strange["detail"]


async def test_a_source_that_cannot_look_is_a_line(ground: Ground) -> None:
    wide = replace(ground, subnets=("10.0.0.0/8",))
    (line,) = (await look(wide, "llrp"))["sources"]
    assert line["state"] == "cannot"
    assert str(MOST_ADDRESSES) in line["text"]
    (line,) = (await look(replace(ground, subnets=("10.0.0",)), "llrp"))["sources"]
    assert '"10.0.0" is no network' in line["text"]
    async with air() as room:
        room.broken = OSError("no adapter")
        found = await look(ground, "bluetooth", "usb")
    states = {line["source"]: line["state"] for line in found["sources"]}
    assert states == {"bluetooth": "cannot", "usb": "done"}
    assert found["sources"][0]["hint"]


async def test_serial_ports(ground: Ground) -> None:
    scale = EmulatedScale(serial="TP123", link=ground.by_id / "usb-Maker_Scale-if00")
    held = EmulatedScale(link=ground.by_id / "usb-Held_Scale-if00")
    scanner = SerialPty(lambda _: None, link=ground.by_id / "usb-Honeywell_Scanner_1-if00")
    asked: list[bytes] = []
    silent = SerialPty(asked.append, link=ground.by_id / "usb-FTDI_Adapter-if00")
    streaming = SerialPty(lambda _: None, link=ground.by_id / "usb-Clone_Indicator-if00")
    for one in (scale, held, scanner, silent, streaming):
        await one.start()

    async def stream() -> None:
        while True:
            streaming.write(b"ST,GS,+012.340kg\r\n")
            await asyncio.sleep(0.02)

    talking = asyncio.create_task(stream())
    device = check_device(
        {"name": "p1", "driver": "mt-sics", "read_point": "shelf",
         "port": str(ground.by_id / "usb-Held_Scale-if00")}
    )  # fmt: skip
    try:
        found = await look(ground, "usb", ours=ours_of([device], {"p1": "running"}))
    finally:
        talking.cancel()
        await asyncio.gather(talking, return_exceptions=True)
        for gone in (scanner, silent, streaming):
            gone.unplug()
        await scale.stop()
        await held.stop()
    hits = {Path(hit["where"]).name: hit for hit in found["hits"]}
    assert hits["usb-Maker_Scale-if00"]["driver"] == "mt-sics"
    assert hits["usb-Maker_Scale-if00"]["identity"] == "TP123"
    assert hits["usb-Held_Scale-if00"]["held_by"] == "this edge (p1)"
    assert hits["usb-Honeywell_Scanner_1-if00"]["driver"] == "scanner"
    assert hits["usb-Clone_Indicator-if00"]["driver"] == "st-gs"
    assert hits["usb-FTDI_Adapter-if00"]["driver"] == ""
    # Never anything that changes a scale: no zero, no tare, no reset.
    assert b"".join(asked).split() == [b"I4", b"SI"]


async def test_bluetooth(ground: Ground) -> None:
    async with air() as room:
        scales = [
            EmulatedBleScale(kind, room, address=f"C0:00:00:00:02:{number:02X}", name=kind)
            for number, kind in enumerate(("ble-bthome", "ble-weight-scale"))
        ]
        for scale in scales:
            await scale.switch_on()
        found = await look(ground, "bluetooth")
        for scale in scales:
            await scale.switch_off()
    assert {hit["driver"] for hit in found["hits"]} == {"ble-bthome", "ble-weight-scale"}
    assert found["hits"][0]["options"]["address"].startswith("C0:00:00:00:02")


async def test_announcements(ground: Ground) -> None:
    mdns = AsyncZeroconf(interfaces=["127.0.0.1"])
    said: dict[str, tuple[int, dict[str, str]]] = {
        "_llrp._tcp": (5084, {}),
        "_esphomelib._tcp": (6053, {"mac": "a0b1c2d3e4f5", "friendly_name": "Shelf 3"}),
        "_mqtt._tcp": (1883, {}),
        "_tallyport._tcp": (8080, {"role": "central"}),
    }
    infos = [
        AsyncServiceInfo(
            f"{kind}.local.", f"thing{port}.{kind}.local.", port=port, properties=properties,
            addresses=[socket.inet_aton("127.0.7.9")], server=f"thing{port}.local.",
        )
        for kind, (port, properties) in said.items()
    ]  # fmt: skip
    try:
        await asyncio.gather(*[await mdns.async_register_service(info) for info in infos])
        found = await look(replace(ground, mdns_interfaces=("127.0.0.1",), seconds=2.0), "mdns")
    finally:
        await mdns.async_close()
    hits = {hit["kind"]: hit for hit in found["hits"] if hit["where"].startswith("127.0.7.9")}
    assert set(hits) == {"reader", "load_cell", "broker", "tallyport"}
    assert hits["reader"]["options"] == {"host": "127.0.7.9"}
    assert hits["load_cell"]["identity"] == "a0:b1:c2:d3:e4:f5"
    assert hits["load_cell"]["options"] == {"node": "thing6053"}
    assert hits["tallyport"]["title"] == "Tallyport central thing8080"


async def test_hello_says_what_a_port_is() -> None:
    assert (await hello("127.0.7.1", free_port())).state == "closed"
    assert mac_of(bytes.fromhex("001625FFFE1125D6")) == "00:16:25:11:25:d6"
    assert mac_of(bytes.fromhex("0000001625112599")) == "00:16:25:11:25:99"
    assert mac_of(b"\x01\x02") == "01:02"


async def test_the_terminal(tmp_path: Path) -> None:
    port = free_port()
    emulated = EmulatedReader(host="127.0.7.3", port=port)
    await emulated.start()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tallyport", "edge", "discover", "--json", "--source", "llrp",
        "--subnet", "127.0.7.0/29", "--llrp-port", str(port),
        stdout=asyncio.subprocess.PIPE, cwd=tmp_path,
    )  # fmt: skip
    out, _ = await process.communicate()
    await emulated.stop()
    told = json.loads(out)
    assert process.returncode == 0
    assert [hit["title"] for hit in told["hits"]] == ["Impinj Speedway R420"]
    assert told["sources"][0]["state"] == "done"
