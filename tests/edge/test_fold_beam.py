"""When a photo-eye was dark, told by itself."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.readings import DeviceEvent, TagRead
from edge.fold import Folder, FoldSettings
from edge.fold.moments import moment
from gateway.contract import GateWindow, Observation

S = 1_000_000
NOW = 1_790_000_000 * S


def folder(**overrides: object) -> Folder:
    return Folder("portal", "dock-1", FoldSettings.model_validate(overrides))


def eye(*, dark: bool) -> list[DeviceEvent]:
    return [DeviceEvent(name="gpi", port=1, state=dark)]


def darks(told: list[Observation]) -> list[tuple[float, float]]:
    """Seconds from the start: since when and until when, as told."""
    return [
        (
            (one.event_time - moment(NOW)).total_seconds(),
            (one.closed_at - moment(NOW)).total_seconds(),
        )
        for one in told
        if isinstance(one, GateWindow) and one.closed_by == "beam"
    ]


def test_a_darkness_is_told_when_it_begins_and_soon_after_its_end_among_strays() -> None:
    fold = folder()
    told: list[Observation] = []
    for tick in range(100):  # a stray that never rests is read all the time
        at = NOW + tick * 100_000
        level = -60.0 + 12 * (tick % 2)
        told += fold.tick(at)
        told += fold.feed([TagRead(epc="5A", epc_bits=96, antenna=1, peak_rssi_dbm=level)], at)
        if tick == 20:
            told += fold.feed(eye(dark=True), at)
            assert darks(told) == [(2.0, 2.0)]
        if tick == 31:
            told += fold.feed(eye(dark=False), at)
        if tick == 34:
            assert darks(told) == [(2.0, 2.0), (2.0, 3.1)]
    assert not any(isinstance(one, GateWindow) and one.closed_by == "gpi" for one in told)
    assert fold.counters()["beams_dark"] == 2


def test_a_pallets_feet_do_not_part_it_and_a_second_pallet_does() -> None:
    fold = folder()
    told: list[Observation] = []
    for t, dark in (
        (1.0, True),
        (1.4, False),
        (1.5, True),
        (2.0, False),
        (2.9, True),
        (3.5, False),
    ):
        told += fold.tick(NOW + round(t * S))
        told += fold.feed(eye(dark=dark), NOW + round(t * S))
    told += fold.flush(NOW + 4 * S)
    assert darks(told) == [(1.0, 1.0), (1.0, 2.0), (2.9, 2.9), (2.9, 3.5)]


def test_what_stands_in_the_beam_is_told_in_pieces_and_to_its_end() -> None:
    fold = folder(limit_s=5)
    told = fold.feed(eye(dark=True), NOW)
    for tick in range(1, 120):
        told += fold.tick(NOW + tick * 100_000)
    told += fold.flush(NOW + 12 * S)
    assert darks(told) == [(0, 0), (0, 5), (5, 5), (5, 10), (10, 10), (10, 12)]
    assert fold.flush(NOW + 13 * S) == []


def test_a_backlog_of_edges_is_told_at_their_own_times() -> None:
    fold = folder()
    edges = [
        DeviceEvent(name="gpi", port=1, state=dark, at_us=NOW + round(t * S))
        for t, dark in ((0.0, True), (1.0, False), (5.0, True), (6.5, False))
    ]
    late = NOW + 60 * S
    connected = DeviceEvent(name="connected", at_us=late)
    told = fold.feed([connected, *edges], late) + fold.tick(late + S)
    spans = [until - since for since, until in darks(told) if until > since]
    assert spans == [1.0, 1.5]
    starts = [since for since, until in darks(told) if until > since]
    assert starts[1] - starts[0] == 5.0


def test_no_eye_is_told_where_none_is_used() -> None:
    for gate in ("quiet", "off"):
        fold = folder(gate=gate)
        told = fold.feed(eye(dark=True), NOW) + fold.feed(eye(dark=False), NOW + S)
        assert told + fold.flush(NOW + 2 * S) == []


@given(st.lists(st.integers(10_000, 3 * S), min_size=2, max_size=30))
@settings(max_examples=60, deadline=None)
def test_darknesses_are_apart_and_cover_what_was_dark(steps: list[int]) -> None:
    fold = folder()
    at, dark, told = NOW, False, []
    spans: list[tuple[int, int]] = []
    for step in steps:
        told += fold.tick(at)
        at, dark = at + step, not dark
        told += fold.feed(eye(dark=dark), at)
        if not dark:
            spans.append((at - step, at))
    told += fold.flush(at + S)
    whole = [pair for pair in darks(told) if pair[1] > pair[0]]
    for (_, before), (after, _) in pairwise(whole):
        assert after - before >= 0.2
    for since, until in spans:
        seconds = ((since - NOW) / S, (until - NOW) / S)
        assert any(a <= seconds[0] + 1e-6 and seconds[1] <= b + 1e-6 for a, b in whole)
