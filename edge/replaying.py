"""A capture or a recording through the same folds as in the running edge, faster than life."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path

from drivers import registry
from drivers.readings import DeviceEvent, Reading, TagRead, WeightReading
from drivers.recording import (
    GpiChanged,
    PlateWeighed,
    Recording,
    TagHeard,
    read_recording,
)
from edge.captures import is_capture, read_capture
from edge.fold import Folder, FoldSettings
from gateway.contract import Observation

_TICK_US = 100_000
_LONGEST_PAUSE_TICKS = 36_000
Arrival = tuple[int, str, int, list[Reading]]
"""Arrival in us since 1970, device, plate, readings."""


def replay(path: Path, settings: FoldSettings | None = None) -> Iterator[Observation]:
    """Fold a file's readings at their own times. Raises ``CaptureError``, ``RecordingError``."""
    if is_capture(path):
        read_point, arrivals = _capture(path)
        folded = _fold(read_point, arrivals, settings)
    else:
        folded = replay_recording(read_recording(path), settings)
    return (observation for _, observation in folded)


def replay_recording(
    recording: Recording, settings: FoldSettings | None = None
) -> Iterator[tuple[int, Observation]]:
    """Fold a recording; each observation with when the edge would have had it, in us since 1970."""
    return _fold(recording.header.read_point, _heard(recording), settings)


def _fold(
    read_point: str, arrivals: Iterator[Arrival], settings: FoldSettings | None
) -> Iterator[tuple[int, Observation]]:
    settings = settings or FoldSettings()
    folders: dict[str, Folder] = {}
    now_us = ticked_us = 0
    for at_us, device, plate, readings in arrivals:
        for tick_us in _ticks(ticked_us, at_us):
            yield from _tick(folders, tick_us)
            ticked_us = tick_us
        now_us = max(now_us, at_us)
        ticked_us = ticked_us or now_us
        if device not in folders:
            folders[device] = Folder(device, read_point, settings, plate=plate)
        yield from _at(now_us, folders[device].feed(readings, now_us))
    last_us = now_us + round(max(settings.quiet_s, settings.gpi_settle_s, 1.0) * 1e6) + _TICK_US
    for tick_us in _ticks(ticked_us, last_us):
        yield from _tick(folders, tick_us)
    for folder in folders.values():
        yield from _at(last_us, folder.flush(last_us))


def _at(at_us: int, folded: Iterable[Observation]) -> Iterator[tuple[int, Observation]]:
    return ((at_us, observation) for observation in folded)


def _ticks(ticked_us: int, until_us: int) -> range:
    """The ticks that are due, however densely readings arrive; none before the first reading."""
    if not ticked_us:
        return range(0)
    first_us = max(ticked_us, until_us - _LONGEST_PAUSE_TICKS * _TICK_US)
    return range(first_us + _TICK_US, until_us, _TICK_US)


def _tick(folders: dict[str, Folder], at_us: int) -> Iterator[tuple[int, Observation]]:
    for folder in folders.values():
        yield from _at(at_us, folder.tick(at_us))


def _capture(path: Path) -> tuple[str, Iterator[Arrival]]:
    header, chunks = read_capture(path)
    decoder = registry.load(header.driver).decoder()
    origin_us = round(header.started_at.timestamp() * 1e6)

    def arrivals() -> Iterator[Arrival]:
        at_us = origin_us
        for t, data in chunks:
            at_us = origin_us + round(t * 1e6)
            readings = decoder.feed(data)
            decoder.errors.clear()
            if readings:
                yield at_us, header.device, header.plate, readings
        readings = decoder.finish()
        if readings:
            yield at_us, header.device, header.plate, readings

    return header.read_point, arrivals()


def _heard(recording: Recording) -> Iterator[Arrival]:
    origin_us = round(recording.header.started_at.timestamp() * 1e6)
    for line in recording.heard:
        at_us = origin_us + round(line.t * 1e6)
        if isinstance(line, TagHeard):
            yield at_us, "reader", 1, [_read(line, at_us)]
        elif isinstance(line, GpiChanged):
            event = DeviceEvent(name="gpi", port=line.gpi, state=line.state, at_us=at_us)
            yield at_us, "reader", 1, [event]
        elif isinstance(line, PlateWeighed):
            spread = None if line.std_mg is None else Decimal(line.std_mg)
            weight = WeightReading(
                value=Decimal(line.gross_mg), unit="mg", stable=line.stable, spread=spread
            )
            yield at_us, f"plate-{line.plate}", line.plate, [weight]


def _read(line: TagHeard, at_us: int) -> TagRead:
    return TagRead(
        epc=line.epc.upper(),
        epc_bits=4 * len(line.epc),
        antenna=line.antenna,
        peak_rssi_dbm=line.peak_rssi_dbm,
        first_seen_us=at_us,
        last_seen_us=at_us,
        phase_rad=line.phase_rad,
        doppler_hz=line.doppler_hz,
        channel=line.channel,
    )
