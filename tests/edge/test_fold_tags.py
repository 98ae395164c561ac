"""Tag reads to sightings, residents and gate windows."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.readings import DeviceEvent, TagRead
from edge.fold import Folder, FoldSettings
from edge.fold.moments import moment
from gateway.contract import GateWindow, Observation, TagResident, TagSighting

S = 1_000_000
NOW = 1_790_000_000 * S


def read(epc: str, antenna: int, rssi: float | None, at_us: int | None, count: int = 1) -> TagRead:
    return TagRead(
        epc=epc,
        epc_bits=96,
        antenna=antenna,
        peak_rssi_dbm=rssi,
        first_seen_us=at_us,
        last_seen_us=at_us,
        count=count,
    )


def folder(**overrides: object) -> Folder:
    return Folder("portal", "dock-1", FoldSettings.model_validate(overrides))


def play(fold: Folder, reads: list[tuple[int, TagRead]], *, until_us: int) -> list[Observation]:
    """Feed each read at its time, ticking every 100 ms between."""
    out: list[Observation] = []
    now = reads[0][0] if reads else until_us
    for at, one in reads:
        while now < at:
            out += fold.tick(now)
            now += 100_000
        out += fold.feed([one], at)
    while now <= until_us:
        out += fold.tick(now)
        now += 100_000
    return out


def counted(observations: list[Observation]) -> int:
    return sum(o.count for o in observations if isinstance(o, TagSighting | TagResident))


def test_a_sighting_adds_up_a_tenth_of_a_second() -> None:
    fold = folder()
    out: list[Observation] = []
    for index, rssi in enumerate((-60.0, -52.0, -56.0)):
        one = TagRead(
            epc="30AA", epc_bits=96, antenna=2, peak_rssi_dbm=rssi, doppler_hz=float(index),
            phase_rad=0.5 + index, channel=index, count=2,
            first_seen_us=NOW + index * 20_000, last_seen_us=NOW + index * 20_000,
        )  # fmt: skip
        out += fold.feed([one], NOW + index * 20_000 + 1_000)
    assert out == []
    (sighting,) = fold.tick(NOW + 200_000)
    assert sighting == TagSighting(
        device="portal",
        read_point="dock-1",
        event_time=moment(NOW + 1_000),
        epc="30AA",
        antenna=2,
        count=6,
        peak_rssi_dbm=-52.0,
        mean_rssi_dbm=-56.0,
        phase_rad=2.5,
        doppler_hz=1.0,
        channel=2,
    )


def test_a_staged_tag_becomes_a_resident_and_the_gate_closes_although_it_goes_on() -> None:
    fold = folder()
    rng = random.Random(4)
    reads = [
        (NOW + i * 120_000, read("5A", 1, rng.gauss(-62, 2), NOW + i * 120_000))
        for i in range(1_000)  # two minutes
    ]
    out = play(fold, reads, until_us=NOW + 121 * S)
    out += fold.flush(NOW + 122 * S)
    windows = [o for o in out if isinstance(o, GateWindow)]
    residents = [o for o in out if isinstance(o, TagResident)]
    assert len(windows) == 1
    assert windows[0].closed_by == "quiet"
    assert 10 <= len(residents) <= 13
    assert counted(out) == 1_000
    fresh = [o for o in out if isinstance(o, TagSighting)]
    assert max(o.event_time for o in fresh) < moment(NOW + 16 * S)


def test_a_residence_is_told_with_its_first_read() -> None:
    """Else ten seconds of silence would look as if the tag had gone."""
    fold = folder()
    reads = [(NOW + i * 200_000, read("5A", 1, -62.0, NOW + i * 200_000)) for i in range(100)]
    out = play(fold, reads, until_us=NOW + 20 * S)
    last_fresh = max(o.event_time for o in out if isinstance(o, TagSighting))
    (first, *_) = [o for o in out if isinstance(o, TagResident)]
    assert (first.until - last_fresh).total_seconds() <= 0.4


def test_a_resident_that_moves_is_fresh_within_three_reads_and_opens_the_gate() -> None:
    fold = folder()
    reads = [(NOW + i * 100_000, read("5A", 1, -62.0, None)) for i in range(150)]
    moved_us = NOW + 15 * S
    reads += [(moved_us + i * 100_000, read("5A", 1, -53.0, None)) for i in range(20)]
    out = play(fold, reads, until_us=moved_us + 10 * S)
    windows = [o for o in out if isinstance(o, GateWindow)]
    assert len(windows) == 2
    assert moment(moved_us) <= windows[1].event_time <= moment(moved_us + 200_000)
    # what was pending of the resident stands before the first sighting of its move
    index = next(i for i, o in enumerate(out) if o.event_time >= windows[1].event_time)
    assert any(isinstance(o, TagResident) for o in out[:index])
    assert counted(out) == 170


def test_a_new_antenna_ends_a_residence_at_once() -> None:
    fold = folder()
    reads = [(NOW + i * 100_000, read("5A", 1, -62.0, None)) for i in range(150)]
    reads.append((NOW + 15 * S, read("5A", 3, -70.0, None)))
    out = play(fold, reads, until_us=NOW + 15 * S + 300_000)
    assert isinstance(out[-1], TagSighting)
    assert out[-1].antenna == 3
    assert isinstance(out[-2], TagResident)


def test_windows_stand_after_their_sightings_and_split_a_backlog_by_event_time() -> None:
    fold = folder()
    fold.feed([read("00", 1, -60.0, NOW)], NOW + 1_000)
    out: list[Observation] = []
    out += fold.tick(NOW + 10 * S)
    # three passes, a minute apart each, delivered at once ten minutes later
    late = NOW + 600 * S
    backlog = [
        read(f"{p:02X}", 1, -60.0 + i % 3, NOW + (60 + 60 * p) * S + i * 50_000)
        for p in range(1, 4)
        for i in range(40)
    ]
    out += fold.feed(backlog, late)
    out += fold.tick(late + 5 * S)
    windows = [(i, o) for i, o in enumerate(out) if isinstance(o, GateWindow)]
    assert len(windows) == 4
    before = 0
    for index, window in windows:
        mine = [o for o in out[before:index] if isinstance(o, TagSighting)]
        assert sum(o.count for o in mine) == window.reads
        assert all(window.event_time <= o.event_time <= window.closed_at for o in mine)
        before = index + 1
    assert windows[1][1].event_time == moment(NOW + 120 * S + 1_000)


def test_a_photo_eye_without_tags_tells_an_empty_window() -> None:
    fold = folder(gate="gpi")
    fold.feed([DeviceEvent(name="gpi", port=1, state=True)], NOW)
    assert fold.tick(NOW + 5 * S) == []
    fold.feed([DeviceEvent(name="gpi", port=1, state=False)], NOW + 6 * S)
    dark, window = fold.tick(NOW + 7 * S)
    assert isinstance(dark, GateWindow)
    assert isinstance(window, GateWindow)
    assert dark.closed_by == "beam"
    assert (window.closed_by, window.reads, window.tags) == ("gpi", 0, 0)
    assert window.event_time == moment(NOW)
    assert window.closed_at == moment(NOW + 6 * S)


def test_the_photo_eye_holds_a_window_open_and_the_limit_ends_it() -> None:
    fold = folder(limit_s=5)
    fold.feed([DeviceEvent(name="gpi", port=1, state=True)], NOW)
    out = fold.feed([read("5A", 1, -60.0, None)], NOW + S)
    out += fold.tick(NOW + 4 * S)
    assert not any(isinstance(o, GateWindow) for o in out)
    out += fold.tick(NOW + 6 * S)
    told = [o.closed_by for o in out if isinstance(o, GateWindow)]
    assert [by for by in told if by != "beam"] == ["limit"]


def test_memory_is_bounded_and_forgetting_is_counted() -> None:
    fold = folder(max_tags=100)
    reads = [read(f"{i:04X}", 1, -60.0, None) for i in range(1_000)]
    out = fold.feed(reads, NOW) + fold.flush(NOW + S)
    assert fold.counters()["tags_evicted"] == 900
    assert counted(out) == 1_000


@st.composite
def _streams(draw: st.DrawFn) -> list[tuple[int, list[TagRead]]]:
    """Lots of reads with pauses, repeats, jumps of level, new antennas and old stamps."""
    at = NOW
    stream: list[tuple[int, list[TagRead]]] = []
    level = dict.fromkeys(("01", "02", "03"), -60.0)
    for _ in range(draw(st.integers(1, 60))):
        at += draw(st.sampled_from([1_000, 40_000, 300_000, 1_200_000, 4_000_000, 12_000_000]))
        lot = []
        for _ in range(draw(st.integers(1, 4))):
            tag = draw(st.sampled_from(sorted(level)))
            if draw(st.integers(0, 9)) == 0:
                level[tag] = draw(st.sampled_from([-70.0, -60.0, -50.0]))
            age = draw(st.sampled_from([None, 0, 5_000, 700_000]))
            lot.append(
                read(
                    tag,
                    draw(st.sampled_from([1, 1, 1, 2])),
                    draw(st.sampled_from([None, level[tag], level[tag] + 1.0])),
                    None if age is None else at - age - 77 * S,
                    draw(st.integers(1, 5)),
                )
            )
        stream.append((at, lot))
    return stream


@given(_streams(), st.sampled_from([1.0, 3.0]))
@settings(max_examples=120, deadline=None)
def test_no_read_is_lost_or_counted_twice(
    stream: list[tuple[int, list[TagRead]]], after_s: float
) -> None:
    fold = folder(resident_after_s=after_s, resident_every_s=2, max_tags=100)
    out: list[Observation] = []
    now = NOW
    for at, lot in stream:
        while now < at:
            out += fold.tick(now)
            now += 500_000
        out += fold.feed(lot, at)
        assert all(o.event_time <= moment(at) for o in out)
    end = stream[-1][0] + S
    out += fold.flush(end)
    assert counted(out) == sum(r.count for _, lot in stream for r in lot)
    fresh = sum(o.count for o in out if isinstance(o, TagSighting))
    assert sum(o.reads for o in out if isinstance(o, GateWindow)) == fresh
    running = 0
    for one in out:
        if isinstance(one, TagSighting):
            running += one.count
        elif isinstance(one, GateWindow):
            assert one.reads == running, "every sighting of a window stands before it"
            running = 0
