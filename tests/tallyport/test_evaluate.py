"""Recordings with a truth, graded by the judging that runs in production."""

from __future__ import annotations

import itertools
import json
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
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
from tallyport.evaluate.events import Event, Happening, happenings
from tallyport.evaluate.measures import (
    Counts,
    Share,
    Sure,
    calibration_error,
    coverage,
    covered_at,
    f1,
    f1_interval,
    quantile,
)
from tallyport.evaluate.passes import passes
from tallyport.evaluate.portal import Production

BEGAN = datetime(2026, 1, 31, 8, tzinfo=UTC)
UNIT_MG = 100_000


def graded(*paths: Path) -> dict[str, Any]:
    ended = CliRunner().invoke(app, [*map(str, paths), "--json"])
    assert ended.exit_code == 0, ended.output
    figures: dict[str, Any] = json.loads(ended.stdout)
    return figures


def of(part: dict[str, Any], share: str) -> tuple[int, int]:
    """What a share counts."""
    told = part["intervals"][share]
    assert part[share] == pytest.approx(told["hits"] / told["cases"], abs=1e-6)
    return told["hits"], told["cases"]


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
    assert of(portal, "recall") == (24, 24)
    assert (portal["precision"], portal["recall"], portal["f1"]) == (1.0, 1.0, 1.0)
    assert (portal["direction_accuracy"], portal["reviewed"]) == (1.0, 0.0)
    assert of(portal, "posted_wrong") == (0, 24)
    assert of(portal, "passes_exact") == (2, 2)
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
    assert of(figures, "recall") == (48, 48)
    assert figures["errors"] == []

    production = Production()
    heard = [production(read_recording(path)) for path in (first, second, first)]
    alone, after, again = (list(events) for events in heard)
    assert [event for _, event in after] == [event for _, event in alone]  # times are its own
    assert again == alone  # from before the last: another world of the same name


def test_what_was_posted_is_on_the_ledger_until_the_recording_ends(tmp_path: Path) -> None:
    """The same twelve tags seem to come in twice: the second time they were inside already. In
    another recording they may have been carried out in between.
    """
    path = dock(tmp_path / "twice.jsonl")
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    again = [
        read
        for serial in range(12)
        for read in carried(serial, 50.0, inwards=True)
    ]  # fmt: skip
    more = "".join(msgspec.json.encode(one).decode() + "\n" for one in again)
    path.write_text("".join(lines) + more, encoding="utf-8")
    portal = graded(path)["portal"]
    assert (of(portal, "precision"), of(portal, "recall")) == ((24, 24), (24, 24))
    header = lines[0].replace("08:00:00", "09:00:00")
    (tmp_path / "later.jsonl").write_text(header + "".join(lines[1:]), encoding="utf-8")
    assert of(graded(tmp_path)["portal"], "recall") == (48, 48)


def test_what_was_judged_wrongly_is_told_with_its_time(tmp_path: Path) -> None:
    portal = graded(dock(tmp_path / "dock.jsonl", lie=True))["portal"]
    assert portal["direction_accuracy"] == 0.5
    assert (of(portal, "posted_wrong"), of(portal, "precision")) == ((12, 24), (12, 24))
    (first, *_) = portal["errors"]
    assert [error["kind"] for error in portal["errors"]] == ["wrong direction"] * 12
    assert (first["file"], first["t"], first["want"], first["got"]) == ("dock.jsonl", 30.0, 1, -1)
    assert first["epc"] == f"E280{12:020X}"


def test_a_shelf_is_graded(tmp_path: Path) -> None:
    shelves = graded(shelf(tmp_path / "shelf.jsonl"))["shelf"]
    assert of(shelves, "quantity_exact") == (2, 3)
    assert (shelves["spurious"], shelves["precision"]) == (0, 1.0)
    (missed,) = shelves["errors"]
    assert (missed["plate"], missed["t"], missed["want"], missed["got"]) == (1, 55.0, 1, 0)
    assert [(one["plate"], one["most"] > 50) for one in shelves["countable"]] == [(1, True)]


def test_people_read_a_table_with_the_errors(tmp_path: Path) -> None:
    dock(tmp_path / "dock.jsonl", lie=True)
    shelf(tmp_path / "shelf.jsonl")
    ended = CliRunner().invoke(app, [str(tmp_path)])
    assert ended.exit_code == 0
    assert "direction accuracy" in ended.stdout
    assert "12/24" in ended.stdout
    assert "plate 1 missed, was +1, judged +0" in ended.stdout.replace("\n", " ")


def written(path: Path, *lines: str, kind: str = "portal", more: str = "") -> Path:
    """A recording as somebody would type it."""
    header = (
        f'{{"tallyport_recording": 1, "kind": "{kind}", "read_point": "p-1", '
        f'"started_at": "2026-01-31T08:00:00Z"{more}}}'
    )
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path


def test_a_recording_without_any_tag_or_geometry_is_graded(tmp_path: Path) -> None:
    truth = '{"t": 4, "truth": "pass", "epc": "AB", "direction": "in"}'
    figures = graded(
        written(tmp_path / "empty.jsonl"),
        written(tmp_path / "eye.jsonl", '{"t": 1.0, "gpi": 1, "state": true}'),
        written(tmp_path / "unheard.jsonl", truth),
        written(tmp_path / "empty-shelf.jsonl", kind="shelf"),
    )  # fmt: skip
    portal = figures["portal"]
    assert (figures["files"], portal["tags"], portal["never_heard"]) == (4, 0, 1)
    assert (portal["recall"], portal["recall_heard"], portal["precision"]) == (0.0, None, None)
    assert (portal["f1"], portal["latency_s"]) == (0.0, {"p50": None, "p95": None})
    (missed,) = portal["errors"]
    assert (missed["kind"], missed["heard"], missed["epc"]) == ("missed", False, "AB")
    assert (portal["idle_recordings"], portal["spurious_per_idle_recording"]) == (2, 0.0)
    assert figures["shelf"]["errors"] == []


def test_bare_reads_of_which_nothing_but_the_antenna_is_known(tmp_path: Path) -> None:
    reads = [f'{{"t": {t / 10}, "epc": "30ab", "antenna": 1}}' for t in range(20)]
    nulls = '{"t": 2.1, "epc": "30AB", "antenna": 2, "peak_rssi_dbm": null, "phase_rad": null}'
    sides = ', "antennas": [{"antenna": 1, "side": "unknown"}]'
    portal = graded(written(tmp_path / "bare.jsonl", *reads, nulls, more=sides))["portal"]
    assert (portal["tags"], portal["recall"]) == (1, None)


@pytest.mark.parametrize(
    "line",
    [
        "{",
        '{"t": 1}',
        '{"t": -1, "epc": "AB", "antenna": 1}',
        '{"t": 1, "epc": "XY", "antenna": 1}',
        '{"t": 1, "plate": 1, "gross_mg": 5}',
        '{"t": 1, "truth": "pass", "epc": "AB", "direction": "up"}',
        "[1]",
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, line: str) -> None:
    good = '{"t": 0, "epc": "AB", "antenna": 1}'
    path = written(tmp_path / "broken.jsonl", good, line)
    ended = CliRunner().invoke(app, [str(path), "--json"])
    assert ended.exit_code == 2
    assert f"{path}, line 3: " in ended.stderr


def test_a_truth_noted_afterwards_still_belongs_to_its_answer(tmp_path: Path) -> None:
    """Whoever scans a box for half a minute notes what is in it when it is over."""
    path = dock(tmp_path / "dock.jsonl")
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text.replace('"t":30.0,"truth"', '"t":52.0,"truth"').replace(
            '"truth":"pass","t":30.0', '"truth":"pass","t":52.0'
        ),
        encoding="utf-8",
    )
    portal = graded(path)["portal"]
    assert (portal["f1"], of(portal, "recall")) == (1.0, (24, 24))


def test_intervals_stand_beside_what_they_are_of(tmp_path: Path) -> None:
    folder = tmp_path / "two"
    folder.mkdir()
    dock(folder / "a.jsonl")
    dock(folder / "b.jsonl", lie=True)
    portal = graded(folder)["portal"]
    for name, told in portal["intervals"].items():
        assert told["low"] <= portal[name] <= told["high"], name
    assert portal["intervals"]["f1"]["low"] < portal["f1"] < portal["intervals"]["f1"]["high"]


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


def test_every_mistake_has_its_word() -> None:
    said = {(1, 1): None, (0, -1): "spurious", (1, 0): "missed", (1, -1): "wrong direction",
            (1, 2): "doubled", (-3, -1): "too few"}  # fmt: skip
    for (want, got), word in said.items():
        events = [Event(1.0, want, False), Event(2.0, got, True)]
        (seen,) = happenings(events, 15.0)
        assert seen.mistake == word


def test_passes_are_exact_only_as_a_whole() -> None:
    def tag(t: float, want: int, got: int) -> Happening:
        events = [Event(t, want, False)] if want else []
        return happenings([*events, *([Event(t + 1, got, True)] if got else [])], 15.0)[0]

    whole = [tag(10.0, 1, 1), tag(10.5, 1, 1)]
    assert passes(whole) == (1, 1, 0)
    assert passes([*whole, tag(10.2, 1, 0)]) == (0, 1, 0)  # one was missed
    assert passes([*whole, tag(11.0, 0, 1)]) == (0, 1, 0)  # a stranger came along
    assert passes([*whole, tag(60.0, 0, 1), tag(61.0, 0, -1)]) == (1, 1, 1)  # a pass of its own
    assert passes([*whole, tag(30.0, -1, -1)]) == (2, 2, 0)


def test_calibration_and_coverage() -> None:
    answers = [Sure(0.95, True)] * 19 + [Sure(0.95, False)] + [Sure(0.65, True), Sure(0.65, False)]
    assert calibration_error(answers) == pytest.approx(2 * 0.15 / 22, abs=1e-6)
    assert coverage(answers) == [(20 / 22, 1 / 20), (1.0, 2 / 22)]
    assert covered_at(answers, 0.05) == pytest.approx(20 / 22, abs=1e-6)
    assert covered_at(answers, 0.01) == 0.0
    assert (calibration_error([]), covered_at([], 0.1)) == (None, None)


def test_the_interval_of_f1_is_the_same_every_time_and_wider_of_less() -> None:
    few, many = [Counts(8, 10, 9), Counts(3, 9, 4)], [Counts(8, 10, 9), Counts(3, 9, 4)] * 20
    low, high = f1_interval(few) or (0.0, 0.0)
    assert f1_interval(few) == (low, high)
    inner = f1_interval(many) or (0.0, 0.0)
    assert low < inner[0] < (f1(11, 19, 13) or 0) < inner[1] < high
    assert f1_interval([Counts(1, 1, 1), Counts(0, 0, 0)]) is None


events = st.builds(Event, t=st.floats(0, 1e4), quantity=st.integers(-3, 3), judged=st.booleans())


@given(st.lists(events, max_size=30), st.floats(0.1, 100))
def test_happenings_keep_every_event_and_stand_apart(all_: list[Event], gap_s: float) -> None:
    found = happenings(all_, gap_s)
    assert sum(one.want for one in found) == sum(e.quantity for e in all_ if not e.judged)
    assert sum(one.got for one in found) == sum(e.quantity for e in all_ if e.judged)
    assert sum(len(one.events) for one in found) == len(all_)
    for before, after in itertools.pairwise(found):
        assert after.events[0].t - before.events[-1].t > gap_s


@given(st.lists(events, max_size=30), st.floats(0.1, 100))
def test_only_lone_truths_and_lone_answers_meet_across_a_gap(
    all_: list[Event], gap_s: float
) -> None:
    assert all(len(one.events) > 0 for one in happenings(all_, gap_s))
    for one in happenings(all_, gap_s, alone_s=30.0):
        wide = [b.t - a.t for a, b in itertools.pairwise(one.events) if b.t - a.t > gap_s]
        assert len(wide) <= 1
        assert all(gap <= 30.0 for gap in wide)


def test_who_turns_back_has_not_moved() -> None:
    truth = [Event(1.0, 1, False), Event(6.0, -1, False)]
    (net,) = happenings(truth, 15.0)
    assert (net.want, net.got) == (0, 0)
    assert [one.want for one in happenings([*truth, Event(60.0, -1, False)], 15.0)] == [0, -1]


def test_half_of_a_way_there_and_back_was_not_posted_wrongly() -> None:
    """It came in, which was posted, and went back, which a person was asked about."""
    truth = [Event(10.0, 1, judged=False), Event(16.0, -1, judged=False)]
    asked = Event(16.0, -1, judged=True, asked="low confidence")
    (both,) = happenings([*truth, Event(10.0, 1, judged=True), asked], 15.0)
    assert (both.want, both.got, both.posted, both.mistake) == (0, 0, 1, None)
    assert (both.true_so(both.posted), both.true_so(-1)) == (1, 1)
    (turned,) = happenings([Event(10.0, 1, judged=True)], 15.0)
    assert turned.true_so(turned.posted) == 0
