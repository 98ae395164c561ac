"""Reads through the edge's fold and the judging that runs in production, as one zone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from benchmarks.accuracy.presence_rules import Read, Told
from central.database.moments import from_us, to_us
from central.reconcile.reconciler import Reconciler
from central.reconcile.verdict import Context, Logged, PresenceEvent, ReadPoint
from drivers.readings import TagRead
from edge.fold import Folder, FoldSettings
from gateway.contract import Antenna, DeviceDescribed, DeviceHealth, Observation

BEGAN = datetime(2026, 1, 5, 8, tzinfo=UTC)
SETTINGS = FoldSettings(gate="off", resident_after_s=3.0, resident_every_s=1.0)
"""As in ``firmware_configs/llrp/zone.toml``."""
POINT = ReadPoint(code="zone", kind="zone", location="here")
_TICK_US = 50_000
_PENDING_S = 5.0
_GOES_ON_S = 65.0
"""After the end the edge has told all within the first, and a zone of every tag in the second."""
_BEAT_US = 20_000
"""After the recording other tags of the zone go on being read, 50 a second (Nedap's scans have
100 to 200): so often does the log's time pass."""


def judged(
    antennas: Mapping[int, str], reads: Mapping[str, Sequence[Read]]
) -> dict[str, list[Told]]:
    """What is told of each tag. Known is when the log's time was so far: what the edge needs to
    fold reads (0.1 s, and up to a summary's second after a recording's last read), the network
    and central come on top, for every rule alike.
    """
    reconciler = Reconciler()
    context = Context(read_points={POINT.code: POINT})
    told: dict[str, list[Told]] = {}
    origin_us = to_us(BEGAN)
    for number, observation in enumerate(_log(antennas, reads, origin_us), 1):
        verdict = reconciler.judge([Logged(number, "edge", "bench", number, observation)], context)
        for event in verdict.presence:
            told.setdefault(event.epc, []).append(_told(event, origin_us))
    return told


def _told(event: PresenceEvent, origin_us: int) -> Told:
    true_us, known_us = to_us(event.event_time), to_us(event.decided_at)
    return Told((true_us - origin_us) / 1e6, (known_us - origin_us) / 1e6, event.kind, event.place)


def _log(
    antennas: Mapping[int, str], reads: Mapping[str, Sequence[Read]], origin_us: int
) -> Iterator[Observation]:
    """What an edge would send."""
    who: dict[str, Any] = {"device": "reader", "read_point": POINT.code}
    yield DeviceDescribed(
        event_time=BEGAN,
        driver="llrp",
        antennas=[Antenna(antenna=no, alias=place) for no, place in antennas.items()],
        **who,
    )
    folder = Folder("reader", POINT.code, SETTINGS)
    ordered = sorted((one, epc) for epc, its in reads.items() for one in its)
    now_us = origin_us
    for one, epc in ordered:
        at_us = origin_us + round(one.t * 1e6)
        while now_us + _TICK_US <= at_us:
            now_us += _TICK_US
            yield from folder.tick(now_us)
        read = TagRead(
            epc=epc, epc_bits=4 * len(epc), antenna=one.antenna, peak_rssi_dbm=one.dbm,
            first_seen_us=at_us, last_seen_us=at_us,
        )  # fmt: skip
        yield from folder.feed([read], at_us)
    told_us, ends_us = now_us + round(1e6 * _PENDING_S), now_us + round(1e6 * _GOES_ON_S)
    while now_us < ends_us:
        now_us += _BEAT_US
        if now_us <= told_us:
            yield from folder.tick(now_us)
        yield DeviceHealth(event_time=from_us(now_us), state="running", **who)
