"""A recording played through the emulated reader, the real edge, and central.

Every read of the file goes over the LLRP socket at the file's own pace, or ``speed`` times as
fast, stamped with the time at which it is played. Items come from the tags' own GTINs, one
unit a tag; the recording's truth lines say what really crossed.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import Progress

from drivers.emulators.llrp_reader import EmulatedReader
from drivers.emulators.portal_scene import Antenna
from drivers.readings import TagRead
from drivers.recording import GpiChanged, PassTruth, PortalHeader, Recording, read_recording
from gateway.gs1 import decode_epc
from tallyport.demo.client import Api
from tallyport.demo.goods import DOCK_POINT, WAREHOUSE
from tallyport.demo.processes import Site
from tallyport.demo.report import Report
from tallyport.demo.run import Finale, watched
from tallyport.demo.settings import reader_toml

LOT_S = 0.05
"""Reads of so much recorded time go to the reader at once, as a reader reports them."""


async def play_recording(  # noqa: PLR0917 (options of one command)
    path: Path,
    folder: Path,
    speed: float,
    console: Console,
    http_port: int = 0,
    patience_s: float = 20.0,
) -> Report:
    """Send a portal recording down the whole road; raises RecordingError or ProcessDied.

    ``patience_s`` is how long the ledger may take to agree with the recording's truth.
    """
    recording = read_recording(path)
    if not isinstance(recording.header, PortalHeader):
        raise ValueError(f"{path} is a shelf's recording; only a portal's can be replayed so far")
    one = Replay(recording, folder, http_port)
    try:
        await one.start()
        console.print(
            f"Playing {len(recording.heard):,} lines ({recording.duration_s / speed:.0f} s); "
            f"watch: [bold]{one.site.url}[/]"
        )
        await watched(one.site, one.play(speed, console))
        return await one.finale.report(one.truth(), one.reader.taken, patience_s)
    finally:
        await one.site.kill()
        await one.reader.stop()


class Replay:
    """One recording's reader, site and truth."""

    def __init__(self, recording: Recording, folder: Path, http_port: int = 0) -> None:
        assert isinstance(recording.header, PortalHeader)
        self._recording = recording
        self._antennas = tuple(
            Antenna(
                antenna=place.antenna,
                side=place.side,
                x_m=place.x_m or 0.0,
                y_m=place.y_m or 0.0,
                z_m=place.z_m or 0.0,
            )
            for place in recording.header.antennas
        )
        ports = max((a.antenna for a in self._antennas), default=4)
        self.reader = EmulatedReader(antennas=max(ports, 4))
        self._folder = folder
        self._http_port = http_port
        self.site: Site
        self.finale: Finale

    async def start(self) -> None:
        """Reader, central with a catalogue made from the tags, edge."""
        devices = reader_toml(await self.reader.start(), self._antennas)
        self.site = Site(self._folder, devices, http_port=self._http_port)
        self.finale = Finale(self.site, seed=0)
        await self.site.start_central()
        await self._open_books(Api(self.site.url))
        await self.site.edge.start()
        async with asyncio.timeout(60):
            await self.reader.wait_inventorying()

    async def play(self, speed: float, console: Console) -> None:
        """Every read, in order, through the reader's socket."""
        began_us, began = time.time_ns() // 1000, time.monotonic()
        lines: list[tuple[float, TagRead | GpiChanged]] = [
            *self._recording.tag_reads(),
            *self._photo_eyes(),
        ]
        lines.sort(key=lambda line: line[0])
        with Progress(console=console, transient=True) as progress:
            bar = progress.add_task("recording", total=len(lines))
            lot: list[TagRead] = []
            due = 0.0
            for t, heard in lines:
                if t > due or isinstance(heard, GpiChanged):
                    await self._report(lot, began + due / speed)
                    lot, due = [], t + LOT_S
                if isinstance(heard, GpiChanged):
                    await self.reader.gpi(heard.gpi, heard.state)
                else:
                    lot.append(_played_at(heard, began_us + round(t / speed * 1e6)))
                progress.advance(bar)
            await self._report(lot, began + due / speed)

    async def _report(self, lot: list[TagRead], at: float) -> None:
        await asyncio.sleep(max(0.0, at - time.monotonic()))
        if lot:
            await self.reader.report(lot)

    def _photo_eyes(self) -> list[tuple[float, GpiChanged]]:
        return [(line.t, line) for line in self._recording.heard if isinstance(line, GpiChanged)]

    # ---- catalogue and truth -----------------------------------------------------------
    def _crossings(self) -> list[PassTruth]:
        return [truth for truth in self._recording.truths if isinstance(truth, PassTruth)]

    def _first_out(self) -> set[str]:
        """Tags whose first crossing is outwards: they were inside before."""
        first: dict[str, str] = {}
        for truth in self._crossings():
            first.setdefault(truth.epc.upper(), truth.direction)
        return {epc for epc, direction in first.items() if direction == "out"}

    def truth(self) -> dict[tuple[str, str], int]:
        """Units per item in the warehouse when the recording has ended."""
        units: Counter[tuple[str, str]] = Counter()
        inside = self._first_out()
        for truth in self._crossings():
            if truth.direction == "in":
                inside.add(truth.epc.upper())
            else:
                inside.discard(truth.epc.upper())
        for epc in inside:
            if sku := _sku(epc):
                units[sku, WAREHOUSE] += 1
        return dict(units)

    async def _open_books(self, api: Api) -> None:
        await api.send("POST", "/locations", {"code": WAREHOUSE, "name": "Behind the portal"})
        epcs = {read.epc for _, read in self._recording.tag_reads()}
        gtins = {gtin for epc in epcs if (gtin := decode_epc(epc).gtin)}
        for gtin in sorted(gtins):
            pack = {"gtin": gtin, "quantity": 1}
            await api.send(
                "POST", "/items", {"sku": f"GTIN-{gtin}", "name": f"GTIN {gtin}", "gtins": [pack]}
            )
        point: dict[str, object] = {"kind": "portal", "location": WAREHOUSE}
        await api.send("PUT", f"/read-points/{DOCK_POINT}", point)
        for epc in sorted(self._first_out()):
            if sku := _sku(epc):
                opening = {"id": f"opening-{epc}", "sku": sku, "quantity": 1}
                await api.send(
                    "POST", "/stock/receive", {**opening, "location": WAREHOUSE, "epcs": [epc]}
                )


def _sku(epc: str) -> str | None:
    gtin = decode_epc(epc).gtin
    return f"GTIN-{gtin}" if gtin else None


def _played_at(read: TagRead, at_us: int) -> TagRead:
    return msgspec.structs.replace(read, first_seen_us=at_us, last_seen_us=at_us)
