"""Physics to log: a deliberately simple fold of reads into what an edge would send."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from central.reconcile.verdict import Logged
from drivers.readings import TagRead
from gateway.contract import Antenna, DeviceDescribed, GateWindow, Observation, TagSighting

EPOCH = datetime(2026, 1, 31, 8, tzinfo=UTC)
WHO: dict[str, Any] = {"device": "reader-1", "read_point": "dock-1"}


def moment(t: float) -> datetime:
    return EPOCH + timedelta(microseconds=round(t * 1e6))


def described(antennas: Iterable[Any]) -> DeviceDescribed:
    return DeviceDescribed(
        event_time=EPOCH,
        driver="llrp",
        antennas=[Antenna(antenna=a.antenna, side=a.side) for a in antennas],
        **WHO,
    )


def sighted(t: float, reads: list[TagRead]) -> TagSighting:
    levels = [read.peak_rssi_dbm or -80.0 for read in reads]
    last = reads[-1]
    return TagSighting(
        event_time=moment(t),
        epc=last.epc,
        antenna=last.antenna or 0,
        count=len(reads),
        peak_rssi_dbm=max(levels),
        mean_rssi_dbm=sum(levels) / len(levels),
        phase_rad=last.phase_rad,
        channel=last.channel,
        **WHO,
    )


def fold(
    reads: Iterable[tuple[float, TagRead]], *, quiet_s: float = 1.5, limit_s: float = 30.0
) -> Iterator[Observation]:
    """100 ms sightings, and a window that opens on a tag not heard for 5 s and closes once
    ``quiet_s`` went by without another such tag, or after ``limit_s``."""
    cell: dict[tuple[str, int], tuple[float, list[TagRead]]] = {}
    heard: dict[str, float] = {}
    opened = fresh = None
    count = 0

    def flush(before: float) -> Iterator[Observation]:
        for key in [key for key, (t, _) in cell.items() if t <= before]:
            yield sighted(*cell.pop(key))

    for t, read in reads:
        yield from flush(t - 0.1)
        if opened is not None and fresh is not None:
            by = "quiet" if t - fresh > quiet_s else "limit" if t - opened > limit_s else ""
            if by:
                yield from flush(t)
                yield GateWindow(
                    event_time=moment(opened),
                    closed_at=moment(t),
                    closed_by=by,
                    reads=count,
                    **WHO,
                )
                opened = None
        if t - heard.get(read.epc, -1e9) > 5.0:
            fresh = t
        heard[read.epc] = t
        if opened is None and fresh == t:
            opened, count = t, 0
        count += 1
        cell.setdefault((read.epc, read.antenna or 0), (t, []))[1].append(read)
    yield from flush(1e18)
    if opened is not None:
        end = max(heard.values()) + quiet_s
        yield GateWindow(
            event_time=moment(opened),
            closed_at=moment(end),
            closed_by="quiet",
            reads=count,
            **WHO,
        )


def logged(observations: Iterable[Observation]) -> list[Logged]:
    return [
        Logged(n, "edge-1", "epoch0001", n, observation)
        for n, observation in enumerate(observations, start=1)
    ]
