"""What antennas heard, from the observation log: for pictures and charts."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, select

from central import schema
from central.stock.model import Cause
from gateway.contract import Antenna, TagSighting

__all__ = ["Seen", "ears_of", "sightings"]

MOST = 60_000
"""So many entries of the log are looked through for one pass."""
_log = schema.observation.c


class _Body(msgspec.Struct):
    """What is drawn of a sighting; the rest of its JSON is skipped."""

    epc: str
    antenna: int
    peak_rssi_dbm: float | None = None
    mean_rssi_dbm: float | None = None
    phase_rad: float | None = None
    doppler_hz: float | None = None


class _Description(msgspec.Struct):
    antennas: list[Antenna] = []


_BODY = msgspec.json.Decoder(_Body)
_DESCRIPTION = msgspec.json.Decoder(_Description)


class Seen(NamedTuple):
    """One sighting: ``ear`` is ``device/antenna``."""

    at_us: int
    epc: str
    ear: str
    rssi_dbm: float | None
    phase_rad: float | None
    doppler_hz: float | None


def sightings(
    conn: Connection, causes: Iterable[Cause], read_point: str, epcs: Collection[str] = ()
) -> list[Seen]:
    """The sightings of these stretches of journals at a read point, in time; only of ``epcs``,
    where there are any.
    """
    kind = str(TagSighting.__struct_config__.tag)
    found: list[Seen] = []
    for cause in causes:
        query = (
            select(_log.event_us, _log.device, _log.body)
            .where(
                _log.edge == cause.edge,
                _log.epoch == cause.epoch,
                _log.seq.between(cause.first_seq, cause.last_seq),
                _log.kind == kind,
                _log.read_point == read_point,
            )
            .order_by(_log.seq)
            .limit(MOST)
        )
        for at_us, device, body in conn.execute(query):
            seen = _BODY.decode(body)
            if epcs and seen.epc not in epcs:
                continue
            level = seen.peak_rssi_dbm if seen.peak_rssi_dbm is not None else seen.mean_rssi_dbm
            ear = f"{device}/{seen.antenna}"
            found.append(Seen(at_us, seen.epc, ear, level, seen.phase_rad, seen.doppler_hz))
    return sorted(found, key=lambda one: one.at_us)


def ears_of(conn: Connection, read_point: str) -> dict[str, Antenna]:
    """A read point's antennas by ``device/antenna``, with their sides, as last described."""
    device = schema.device.c
    query = select(device.device, device.description).where(device.read_point == read_point)
    return {
        f"{name}/{one.antenna}": one
        for name, described in conn.execute(query)
        for one in _DESCRIPTION.decode(described).antennas
    }
