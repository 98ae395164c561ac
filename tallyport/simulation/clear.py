"""Whether judging decides a pallet's pass by itself: in the simulation doubts shall come from
machines, and not from radio waves.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import msgspec

from central.reconcile.reconciler import Reconciler
from central.reconcile.verdict import Context, Logged, Pack, ReadPoint
from drivers.emulators.portal_scene import dock_antennas
from edge.fold.moments import moment
from gateway.contract import (
    Antenna,
    DeviceDescribed,
    DeviceHealth,
    Observation,
    TagResident,
    TagSighting,
)
from gateway.gs1 import sgtin96_hex

_GTIN = "09521234000013"
_DOCK, _HALL = "dock", "hall"
_DEVICES = ("dock-inner", "dock-outer")
_AFTERWARDS = timedelta(minutes=5)


def is_clear(cases: int, seen: Sequence[tuple[int, int, Observation]], *, inwards: bool) -> bool:
    """Whether all cases, numbered in ``seen`` instead of tagged, are posted and none is asked
    about, by a portal that knows nothing yet; ``seen`` says when, and by which of its readers.
    """
    epcs = [sgtin96_hex(_GTIN, 7, number + 1, filter=2) for number in range(cases)]
    context = Context(
        read_points={_DOCK: ReadPoint(code=_DOCK, kind="portal", location=_HALL)},
        packs={_GTIN: Pack(gtin=_GTIN, sku="CASE")},
        placed={} if inwards else dict.fromkeys(epcs, _HALL),
    )
    readers = sorted({reader for _, reader, _ in seen})
    log = [_described(reader) for reader in readers]
    log += [_tagged(_DEVICES[reader], one, epcs) for _, reader, one in seen]
    last = max(one.event_time for one in log)
    log.append(
        DeviceHealth(
            device=_DEVICES[0], read_point=_DOCK, event_time=last + _AFTERWARDS, state="running"
        )
    )
    verdict = Reconciler().judge(
        [Logged(no, "edge", "simulated", no, one) for no, one in enumerate(log, 1)], context
    )
    posted = sum(one.quantity for one in verdict.movements)
    return posted == cases and not verdict.reviews


def _described(reader: int) -> Observation:
    antennas = [Antenna(antenna=one.antenna, side=one.side) for one in dock_antennas()]
    return DeviceDescribed(
        device=_DEVICES[reader],
        read_point=_DOCK,
        event_time=moment(0),
        driver="llrp",
        antennas=antennas,
    )


def _tagged(device: str, seen: Observation, epcs: Sequence[str]) -> Observation:
    if isinstance(seen, TagSighting | TagResident):
        return msgspec.structs.replace(seen, device=device, epc=epcs[int(seen.epc, 16)])
    return msgspec.structs.replace(seen, device=device)
