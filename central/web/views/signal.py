"""What the antennas heard of a pass, as a chart takes it: columns, small, and bounded.

Levels are tenths of a dBm, times milliseconds since the pass's first sighting, phases hundredths
of a radian and Doppler shifts tenths of a hertz: whole numbers are short on the wire.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec
from sqlalchemy import Connection

from central.database.moments import to_us
from central.passes.model import Standing
from central.web.views.sightings import Seen, ears_of, sightings

__all__ = ["Signal", "Trace", "signal"]

MOST_POINTS = 12_000
"""Over this many sightings every second one (third, ...) of a trace is left out."""


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """One tag at one antenna."""

    epc: str
    ear: int
    ms: list[int]
    rssi: list[int | None]
    phase: list[int | None] | None = None
    doppler: list[int | None] | None = None


class Signal(msgspec.Struct, frozen=True, kw_only=True):
    """All of a pass: ``ears`` are the antennas' names and sides, ``dark`` when the photo-eye was
    dark (milliseconds). ``sightings`` is how many there are, also of what is left out.
    """

    from_us: int
    ears: list[tuple[str, str]]
    traces: list[Trace]
    sightings: int
    dark: list[tuple[int, int]]


def signal(
    conn: Connection,
    found: Standing,
    dark: Sequence[tuple[int, int]],
    wanted: Collection[str] | None = None,
) -> Signal:
    """The traces of a pass's tags, or of those that are ``wanted``; ``dark`` in microseconds since
    1970. Times, antennas and the count are of the whole pass either way, so that traces which are
    asked for one after another lie in one chart.
    """
    told = found.told
    epcs = {tag.epc for tag in found.tags}
    seen = sightings(conn, told.causes, told.read_point, epcs) if epcs else []
    start = seen[0].at_us if seen else to_us(told.opened_at)
    sides = ears_of(conn, told.read_point)
    names = sorted({one.ear for one in seen})
    groups: dict[tuple[str, str], list[Seen]] = {}
    drawn = [one for one in seen if wanted is None or one.epc in wanted]
    for one in drawn:
        groups.setdefault((one.epc, one.ear), []).append(one)
    step = 1 + len(drawn) // MOST_POINTS
    return Signal(
        from_us=start,
        ears=[(name, sides[name].side if name in sides else "unknown") for name in names],
        traces=[
            _trace(epc, names.index(ear), each[::step], start)
            for (epc, ear), each in sorted(groups.items())
        ],
        sightings=len(seen),
        dark=[((since - start) // 1000, (until - start) // 1000) for since, until in dark],
    )


def _trace(epc: str, ear: int, seen: Sequence[Seen], start: int) -> Trace:
    return Trace(
        epc=epc,
        ear=ear,
        ms=[(one.at_us - start) // 1000 for one in seen],
        rssi=[_scaled(one.rssi_dbm, 10) for one in seen],
        phase=_column([_scaled(one.phase_rad, 100) for one in seen]),
        doppler=_column([_scaled(one.doppler_hz, 10) for one in seen]),
    )


def _scaled(value: float | None, by: int) -> int | None:
    return None if value is None else round(value * by)


def _column(values: list[int | None]) -> list[int | None] | None:
    return values if any(one is not None for one in values) else None
