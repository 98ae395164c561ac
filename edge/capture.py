"""Keep what a device says, as raw bytes or as a recording; and fold a recording again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import msgspec

from drivers import registry
from drivers.errors import DeviceError
from drivers.readings import DeviceEvent, Reading, TagRead, WeightReading
from drivers.recording import (
    AntennaPlace,
    GpiChanged,
    Header,
    Line,
    PlateWeighed,
    PortalHeader,
    RecordingWriter,
    ShelfHeader,
    TagHeard,
    read_recording,
)
from edge.config import DeviceConfig, EdgeConfig
from edge.fold import Folder, FoldSettings
from edge.fold.mass import milligrams
from gateway.contract import Observation

Say = Callable[[str], object]
_GRAM = "g"
_TICK_US = 100_000


async def capture_device(
    config: EdgeConfig, name: str, path: Path, seconds: float, say: Say
) -> str | None:
    """Listen to one device for ``seconds``; a sentence when that failed."""
    device = next((one for one in config.devices if one.name == name), None)
    if device is None:
        known = ", ".join(one.name for one in config.devices) or "none"
        return f"there is no device {name!r} in the settings; known: {known}"
    if path.name.endswith((".jsonl", ".jsonl.gz")):
        return await _readings(device, path, seconds, say)
    return await _bytes(device, path, seconds, say)


async def _bytes(device: DeviceConfig, path: Path, seconds: float, say: Say) -> str | None:
    async def nothing(readings: Sequence[Reading]) -> None:
        """The bytes are what is wanted."""

    with path.open("wb") as file:
        driver = registry.load(device.driver)(device.options, tap=lambda data: _put(file, data))
        error = await _listen(driver.run(nothing), seconds)
        size = file.tell()
    say(f"{path}: {size:,} bytes of {device.name}")
    return error


def _put(file: object, data: bytes) -> None:
    file.write(data)  # type: ignore[attr-defined]


async def _readings(device: DeviceConfig, path: Path, seconds: float, say: Say) -> str | None:
    began_us = time.time_ns() // 1000
    lines = 0
    with RecordingWriter(path, _header(device)) as writer:

        async def emit(readings: Sequence[Reading]) -> None:
            nonlocal lines
            t = (time.time_ns() // 1000 - began_us) / 1e6
            for reading in readings:
                line = _line(device, reading, t)
                if line is not None:
                    writer.write(line)
                    lines += 1

        driver = registry.load(device.driver)(device.options)
        error = await _listen(driver.run(emit), seconds)
    say(f"{path}: {lines:,} lines of {device.name}")
    return error


async def _listen(running: object, seconds: float) -> str | None:
    try:
        with suppress(TimeoutError):
            await asyncio.wait_for(running, seconds)  # type: ignore[arg-type]
    except DeviceError as error:
        return f"{error} {error.hint}".rstrip()
    return None


def _header(device: DeviceConfig) -> Header:
    now = datetime.now(UTC)
    antennas = getattr(device.options, "antennas", None)
    if antennas is None:
        return ShelfHeader(read_point=device.read_point, started_at=now)
    return PortalHeader(
        read_point=device.read_point,
        started_at=now,
        antennas=[
            AntennaPlace(antenna=one.antenna, side=one.side, x_m=one.x_m, y_m=one.y_m, z_m=one.z_m)
            for one in antennas
        ],
    )


def _line(device: DeviceConfig, reading: Reading, t: float) -> Line | None:
    if isinstance(reading, TagRead):
        return TagHeard(
            t=t,
            epc=reading.epc,
            antenna=reading.antenna or 0,
            peak_rssi_dbm=reading.peak_rssi_dbm,
            phase_rad=reading.phase_rad,
            doppler_hz=reading.doppler_hz,
            channel=reading.channel,
        )
    if isinstance(reading, WeightReading) and reading.value is not None:
        mass = milligrams(reading.value, reading.unit)
        if mass is not None:
            return PlateWeighed(t=t, plate=device.plate, gross_mg=mass, stable=reading.stable)
    if isinstance(reading, DeviceEvent) and reading.name == "gpi" and reading.port is not None:
        return GpiChanged(t=t, gpi=reading.port, state=bool(reading.state))
    return None


def fold_recording(path: Path) -> Iterator[str]:
    """The observations that the agent would make of a recording, as JSON lines."""
    recording = read_recording(path)
    read_point = recording.header.read_point
    origin_us = round(recording.header.started_at.timestamp() * 1e6)
    folders: dict[int, Folder] = {}
    heard: list[tuple[float, int, Reading]] = [(t, 0, read) for t, read in recording.tag_reads()]
    for line in recording.heard:
        if isinstance(line, PlateWeighed):
            value = Decimal(line.gross_mg) / 1000
            weight = WeightReading(value=value, unit=_GRAM, stable=line.stable)
            heard.append((line.t, line.plate, weight))
        elif isinstance(line, GpiChanged):
            event = DeviceEvent(name="gpi", port=line.gpi, state=line.state)
            heard.append((line.t, 0, event))
    now_us = origin_us
    for t, plate, reading in sorted(heard, key=lambda one: one[0]):
        folder = folders.setdefault(
            plate, Folder("replay", read_point, FoldSettings(), plate=plate)
        )
        at_us = origin_us + round(t * 1e6)
        while now_us + _TICK_US <= at_us:
            now_us += _TICK_US
            yield from _told(one for f in folders.values() for one in f.tick(now_us))
        yield from _told(folder.feed([reading], at_us))
    for folder in folders.values():
        yield from _told([*folder.tick(now_us + 3_000_000), *folder.flush(now_us + 3_000_000)])


def _told(observations: Iterator[Observation] | list[Observation]) -> Iterator[str]:
    for observation in observations:
        yield msgspec.json.encode(observation).decode()
