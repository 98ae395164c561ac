"""A recording through the folds hears the same clock as a running edge."""

from __future__ import annotations

from datetime import UTC, datetime

from drivers.recording import GpiChanged, PortalHeader, Recording, TagHeard
from edge.replaying import replay_recording
from gateway.contract import GateWindow, TagSighting

BEGAN = datetime(2026, 1, 31, 8, tzinfo=UTC)


def test_time_passes_however_densely_readings_arrive() -> None:
    """Once a tag was heard for the last time, others read every 5 ms do not hold it back."""
    heard = [TagHeard(t=0.0, epc="AA", antenna=1, peak_rssi_dbm=-50.0)]
    heard += [
        TagHeard(t=step / 200, epc=f"BB{step % 7:02X}", antenna=1, peak_rssi_dbm=-50.0)
        for step in range(1_000)
    ]
    header = PortalHeader(read_point="dock-1", started_at=BEGAN)
    folded = list(replay_recording(Recording(header=header, heard=tuple(heard), truths=())))
    late_s = [
        at_us / 1e6 - told.event_time.timestamp()
        for at_us, told in folded
        if isinstance(told, TagSighting)
    ]
    assert sum(told.count for _, told in folded if isinstance(told, TagSighting)) == 1_001
    assert max(late_s) < 0.35
    assert [at_us for at_us, _ in folded] == sorted(at_us for at_us, _ in folded)


def test_a_recordings_photo_eye_is_told_to_judging() -> None:
    heard = [GpiChanged(t=2.0, gpi=1, state=True), GpiChanged(t=3.25, gpi=1, state=False)]
    header = PortalHeader(read_point="dock-1", started_at=BEGAN)
    folded = replay_recording(Recording(header=header, heard=tuple(heard), truths=()))
    darks = [
        (at_us / 1e6 - BEGAN.timestamp(), (told.closed_at - told.event_time).total_seconds())
        for at_us, told in folded
        if isinstance(told, GateWindow) and told.closed_by == "beam"
    ]
    (begun, nothing), (over, lasted) = darks
    assert (begun, nothing, lasted) == (2.0, 0.0, 1.25)
    assert 3.25 < over < 3.6
