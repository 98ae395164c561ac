"""Listening to one device and writing down what it says: raw bytes, a recording, or both."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from drivers.errors import DeviceError
from drivers.readings import DeviceEvent, Reading, TagRead, WeightReading
from drivers.recording import (
    AntennaPlace,
    GpiChanged,
    Line,
    PlateWeighed,
    PortalHeader,
    RecordingWriter,
    ShelfHeader,
    TagHeard,
)
from edge.captures import CaptureHeader, CaptureWriter
from edge.clock import ReaderClock
from edge.config import DeviceConfig
from edge.describing import describe
from edge.device_brokers import build_driver
from edge.fold.mass import milligrams


class Capture:
    """One device's capture. ``counts`` says what was written."""

    def __init__(self, device: DeviceConfig, *, raw: Path | None, recording: Path | None) -> None:
        self._device = device
        self._raw = raw
        self._recording = recording
        self._started_at = datetime.now(UTC)
        self._began = time.monotonic()
        self._clock = ReaderClock()
        self.counts = {"bytes": 0, "lines": 0}

    async def run(self, seconds: float | None) -> None:
        """Listen for so long, or until cancelled. Raises DeviceError when the device ends it."""
        with ExitStack() as files:
            raw = None
            if self._raw is not None:
                raw = files.enter_context(CaptureWriter(self._raw, self._capture_header()))
            lines = None
            if self._recording is not None:
                lines = files.enter_context(
                    RecordingWriter(self._recording, self._recording_header())
                )

            def tap(data: bytes) -> None:
                self.counts["bytes"] += len(data)
                if raw is not None:
                    raw.write(self._t(), data)

            async def emit(readings: Sequence[Reading]) -> None:
                if lines is None:
                    return
                for line in self._lines(readings):
                    lines.write(line)
                    self.counts["lines"] += 1
                lines.flush()

            driver = build_driver(self._device, tap=tap)
            try:
                async with asyncio.timeout(seconds):
                    await driver.run(emit)
            except TimeoutError:
                return

    def _t(self) -> float:
        return time.monotonic() - self._began

    def _capture_header(self) -> CaptureHeader:
        device = self._device
        return CaptureHeader(
            driver=device.driver,
            device=device.name,
            read_point=device.read_point,
            started_at=self._started_at,
            plate=device.plate,
        )

    def _recording_header(self) -> PortalHeader | ShelfHeader:
        if self._device.driver == "scanner":
            raise DeviceError(
                "a recording holds tags or weights, not scans",
                hint="capture the raw bytes instead: --raw FILE",
            )
        read_point = self._device.read_point
        if self._device.driver != "llrp":
            return ShelfHeader(read_point=read_point, started_at=self._started_at)
        places = [
            AntennaPlace(
                antenna=one.antenna,
                side=one.side,  # type: ignore[arg-type]  # describe() knows these three alone
                x_m=one.x_m,
                y_m=one.y_m,
                z_m=one.z_m,
                yaw_deg=one.yaw_deg,
            )
            for one in describe(self._device, 0).antennas
        ]
        return PortalHeader(read_point=read_point, started_at=self._started_at, antennas=places)

    def _lines(self, readings: Sequence[Reading]) -> list[Line]:
        """Readings as lines of a recording, at the time they were heard."""
        now_us = round(self._t() * 1e6)
        stamps = [one.last_seen_us for one in readings if isinstance(one, TagRead)]
        known = [stamp for stamp in stamps if stamp is not None]
        if known:
            self._clock.observe(max(known), now_us)
        lines = [self._line(reading, now_us) for reading in readings]
        return [line for line in lines if line is not None]

    def _line(self, reading: Reading, now_us: int) -> Line | None:
        if isinstance(reading, TagRead):
            return TagHeard(
                t=self._clock.to_edge(reading.first_seen_us, now_us) / 1e6,
                epc=reading.epc,
                antenna=reading.antenna or 0,
                peak_rssi_dbm=reading.peak_rssi_dbm,
                phase_rad=reading.phase_rad,
                doppler_hz=reading.doppler_hz,
                channel=reading.channel,
            )
        if isinstance(reading, DeviceEvent):
            if reading.name != "gpi" or reading.port is None or reading.state is None:
                return None
            return GpiChanged(t=now_us / 1e6, gpi=reading.port, state=reading.state)
        if isinstance(reading, WeightReading) and reading.value is not None:
            mass = milligrams(reading.value, reading.unit)
            if mass is None:
                return None
            return PlateWeighed(
                t=now_us / 1e6, plate=self._device.plate, gross_mg=mass, stable=reading.stable
            )
        return None
