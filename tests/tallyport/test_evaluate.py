"""Recordings with a truth, graded by the judging that runs in production."""

from __future__ import annotations

import itertools
import json
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from drivers.recording import (
    AntennaPlace,
    ChangeTruth,
    PassTruth,
    PlateSetup,
    PlateWeighed,
    PortalHeader,
    Recording,
    ShelfHeader,
    TagHeard,
    read_recording,
    write_recording,
)
from tallyport.evaluate.cli import app
from tallyport.evaluate.events import Event, happenings
from tallyport.evaluate.measures import Share, f1, quantile
from tallyport.evaluate.portal import Production

BEGAN = datetime(2026, 1, 31, 8, tzinfo=UTC)
UNIT_MG = 100_000


def graded(*paths: Path) -> dict[str, Any]:
    ended = CliRunner().invoke(app, [*map(str, paths), "--json"])
    assert ended.exit_code == 0, ended.output
    figures: dict[str, Any] = json.loads(ended.stdout)
    return figures


def carried(serial: int, middle_s: float, *, inwards: bool) -> list[TagHeard]:
    """One tag past an antenna that looks outside and one that looks inside, half a second apart."""
    reads = []
    for antenna in (1, 2):
        first = (antenna == 1) == inwards
        nearest_s = middle_s + (-0.5 if first else 0.5) + 0.01 * serial
        for step in range(-60, 61):
            t = nearest_s + step / 20
            level = -72.0 + 34.0 * math.exp(-((t - nearest_s) ** 2))
            if level > -68.0:
                heard = TagHeard(
                    t=round(t, 4), epc=f"E280{serial:020X}", antenna=antenna, peak_rssi_dbm=level
                )
                reads.append(heard)
    return reads


def dock(path: Path, *, lie: bool = False) -> Path:
    """A pallet of twelve in, then another out; with ``lie`` the truth says that both came in."""
    heard = [
        read
        for serial in range(24)
        for read in carried(serial, 10.0 if serial < 12 else 30.0, inwards=serial < 12)
    ]
    truths = tuple(
        PassTruth(
            t=10.0 if serial < 12 else 30.0,
            epc=f"E280{serial:020X}",
            direction="in" if lie or serial < 12 else "out",
        )
        for serial in range(24)
    )
    sides = [AntennaPlace(antenna=1, side="outside"), AntennaPlace(antenna=2, side="inside")]
    header = PortalHeader(read_point="dock-1", started_at=BEGAN, antennas=sides)
    write_recording(path, Recording(header=header, heard=tuple(heard), truths=truths))
    return path


def shelf(path: Path) -> Path:
    """Two pieces taken, one put back; the truth claims a third change that never was."""
    levels = [(0.0, 20), (20.0, 18), (40.0, 19)]
    heard = []
    for step in range(600):
        t = step / 10
        pieces = [count for since, count in levels if t >= since][-1]
        shaken = any(0 <= t - since < 0.8 for since, _ in levels[1:])
        gross = pieces * UNIT_MG + (7 * UNIT_MG * (step % 2) if shaken else step % 3)
        heard.append(PlateWeighed(t=t, plate=1, gross_mg=gross, stable=not shaken))
    plates = [PlateSetup(plate=1, item="SKU-1", unit_mg=UNIT_MG)]
    truths = tuple(ChangeTruth(t=t, plate=1, quantity=q) for t, q in ((20, -2), (40, 1), (55, 1)))
    header = ShelfHeader(read_point="shelf-1", started_at=BEGAN, plates=plates)
    write_recording(path, Recording(header=header, heard=tuple(heard), truths=truths))
    return path


def test_a_portal_is_graded(tmp_path: Path) -> None:
    figures = graded(dock(tmp_path / "dock.jsonl.gz"))
    portal = figures["portal"]
    assert (figures["files"], figures["shelf"]) == (1, None)
    assert (portal["recall"]["hits"], portal["recall"]["cases"], portal["f1"]) == (24, 24, 1.0)
    assert portal["direction_accuracy"]["value"] == 1.0
    assert (portal["posted_wrong"]["cases"], portal["posted_wrong"]["hits"]) == (24, 0)
    assert 0.0 < portal["latency_s"]["p50"] <= portal["latency_s"]["p95"] < 10.0
    assert portal["errors"] == []


def test_recordings_of_one_place_are_one_log(tmp_path: Path) -> None:
    """The later one first by name, and begun before the other's minute of silence was over."""
    first, second = dock(tmp_path / "b.jsonl"), tmp_path / "a.jsonl"
    header, *lines = first.read_text(encoding="utf-8").splitlines(keepends=True)
    later = header.replace("08:00:00", "08:00:40")
    assert later != header
    second.write_text(later + "".join(lines), encoding="utf-8")
    figures = graded(tmp_path)["portal"]
    assert (figures["recall"]["hits"], figures["recall"]["cases"]) == (48, 48)
    assert figures["errors"] == []

    production = Production()
    heard = [production(read_recording(path)) for path in (first, second, first)]
    alone, after, again = (list(events) for events in heard)
    assert [event for _, event in after] == [event for _, event in alone]  # times are its own
    assert again == alone  # from before the last: another world of the same name


def test_what_was_judged_wrongly_is_told_with_its_time(tmp_path: Path) -> None:
    portal = graded(dock(tmp_path / "dock.jsonl", lie=True))["portal"]
    assert portal["direction_accuracy"]["value"] == 0.5
    assert (portal["posted_wrong"]["hits"], portal["precision"]["hits"]) == (12, 12)
    (first, *_) = portal["errors"]
    assert len(portal["errors"]) == 12
    assert (first["file"], first["t"], first["want"], first["got"]) == ("dock.jsonl", 30.0, 1, -1)
    assert first["epc"] == f"E280{12:020X}"


def test_a_shelf_is_graded(tmp_path: Path) -> None:
    shelves = graded(shelf(tmp_path / "shelf.jsonl"))["shelf"]
    assert (shelves["quantity_exact"]["hits"], shelves["quantity_exact"]["cases"]) == (2, 3)
    assert (shelves["spurious"], shelves["precision"]["value"]) == (0, 1.0)
    (missed,) = shelves["errors"]
    assert (missed["plate"], missed["t"], missed["want"], missed["got"]) == (1, 55.0, 1, 0)


def test_people_read_a_table_with_the_errors(tmp_path: Path) -> None:
    dock(tmp_path / "dock.jsonl", lie=True)
    shelf(tmp_path / "shelf.jsonl")
    ended = CliRunner().invoke(app, [str(tmp_path)])
    assert ended.exit_code == 0
    assert "direction accuracy" in ended.stdout
    assert "12/24" in ended.stdout
    assert "plate 1 was +1, judged +0" in ended.stdout.replace("\n", " ")


@pytest.mark.parametrize(
    ("content", "why"),
    [(None, "no recordings"), ("{}\n", "line 1"), ('{"tallyport_recording": 2}\n', "version 2")],
)
def test_what_is_no_recording_is_told(tmp_path: Path, content: str | None, why: str) -> None:
    if content is not None:
        (tmp_path / "x.jsonl").write_text(content)
    ended = CliRunner().invoke(app, [str(tmp_path), "--json"])
    assert ended.exit_code == 2
    assert why in ended.stderr
    assert ended.stdout == ""


def test_wilsons_interval_is_as_in_the_books() -> None:
    """Newcombe (Statistics in Medicine 17, 1998), table I: 81/263, 15/148, 0/20, 1/29."""
    for hits, cases, low, high in (
        (81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611), (1, 29, 0.0061, 0.1718),
    ):  # fmt: skip
        interval = Share(hits, cases).interval
        assert interval is not None
        assert [round(end, 4) for end in interval] == [low, high]
    assert Share(0, 0).interval is None


def test_quantiles_and_f1() -> None:
    assert quantile([], 0.5) is None
    assert [quantile([4, 1, 3, 2], share) for share in (0.25, 0.5, 0.95)] == [1, 2, 4]
    assert f1(0, 0, 0) is None
    assert f1(8, 10, 8) == round(16 / 18, 6)


events = st.builds(Event, t=st.floats(0, 1e4), quantity=st.integers(-3, 3), judged=st.booleans())


@given(st.lists(events, max_size=30), st.floats(0.1, 100))
def test_happenings_keep_every_event_and_stand_apart(all_: list[Event], gap_s: float) -> None:
    found = happenings(all_, gap_s)
    assert sum(one.want for one in found) == sum(e.quantity for e in all_ if not e.judged)
    assert sum(one.got for one in found) == sum(e.quantity for e in all_ if e.judged)
    assert sum(len(one.events) for one in found) == len(all_)
    for before, after in itertools.pairwise(found):
        assert after.events[0].t - before.events[-1].t > gap_s


def test_who_turns_back_has_not_moved() -> None:
    truth = [Event(1.0, 1, False), Event(6.0, -1, False)]
    (net,) = happenings(truth, 15.0)
    assert (net.want, net.got) == (0, 0)
    assert [one.want for one in happenings([*truth, Event(60.0, -1, False)], 15.0)] == [0, -1]
