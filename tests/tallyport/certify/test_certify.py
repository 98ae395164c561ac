"""A portal's certificate: from a walk list and its captures, on hand-made walks and emulated."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from typer.testing import CliRunner

from drivers.emulators.portal_traffic import Heap, Layout
from drivers.recording import (
    AntennaPlace,
    PassTruth,
    PortalHeader,
    Recording,
    TagHeard,
    read_recording,
    write_recording,
)
from tallyport.certify import html, pdf
from tallyport.certify.advice import advice
from tallyport.certify.certificate import Certificate, certify
from tallyport.certify.cli import app
from tallyport.certify.emulated import capture
from tallyport.certify.plan import SCRIPT, WALKS, PlanError, lacking, read_plan, template
from tallyport.certify.survey import Survey
from tests.tallyport.test_evaluate import carried

BEGAN = datetime(2026, 1, 31, 8, tzinfo=UTC)
PLACES = [
    AntennaPlace(antenna=1, side="outside", x_m=-0.45, y_m=1.2, yaw_deg=-25),
    AntennaPlace(antenna=2, side="inside", x_m=0.45, y_m=-1.2, yaw_deg=25),
]
TAGS = 8
STRAY = "AA00"


def epcs() -> list[str]:
    return [f"E280{serial:020X}" for serial in range(TAGS)]


def captured(path: Path, number: int, heard: list[TagHeard]) -> None:
    header = PortalHeader(
        read_point="dock-1", started_at=BEGAN + timedelta(minutes=3 * number), antennas=PLACES
    )
    write_recording(path, Recording(header=header, heard=tuple(heard), truths=()))


def standing(seconds: int) -> list[TagHeard]:
    """A tag that stands there, heard twice a second by the outside antenna."""
    return [
        TagHeard(t=n / 2, epc=STRAY, antenna=1, peak_rssi_dbm=-66.0 + n % 2)
        for n in range(2 * seconds + 1)
    ]


def site(folder: Path, *, swapped: bool = False) -> Path:
    """A technician's folder: the plan as written, filled in, with every capture."""
    plan = folder / "dock-1.toml"
    told = template("dock-1").replace("epcs = []", f"epcs = {json.dumps(epcs())}")
    plan.write_text(told.replace('site = ""', 'site = "Hall <7>"'), encoding="utf-8")
    captured(folder / "idle.jsonl.gz", 0, standing(120))
    for number, (direction, _) in enumerate(SCRIPT, 1):
        inwards = (direction == "in") != swapped
        tags = [one for serial in range(TAGS) for one in carried(serial, 10.0, inwards=inwards)]
        if direction == "by":
            tags = [one for one in tags if one.antenna == 1]
        captured(folder / f"walk-{number:02d}.jsonl.gz", number, [*standing(20), *tags])
    return plan


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    folder = tmp_path_factory.mktemp("site")
    return certify(read_plan(site(folder)), folder)


def test_ten_good_walks_are_certified(made: Certificate) -> None:
    assert len(made.walks) == WALKS
    assert (made.recall.hits, made.recall.cases) == (64, 64)
    assert (made.direction.value, made.heard.value, made.strays_per_hour) == (1.0, 1.0, 0.0)
    assert all(walk.is_right for walk in made.walks), made.walks
    assert (made.idle_s, len(made.sources)) == (120.0, 11)
    outside, inside = made.survey.antennas
    assert (outside.side_seen, inside.side_seen) == ("outside", "inside")
    assert outside.idle_per_s == pytest.approx(241 / 120)
    assert made.survey.strays == 1


def test_walks_the_other_way_are_told_and_sides_are_put_right(tmp_path: Path) -> None:
    wrong = certify(read_plan(site(tmp_path, swapped=True)), tmp_path)
    assert wrong.direction.hits == 0
    assert {walk.verdict for walk in wrong.walks if walk.direction != "by"} == {"8 the wrong way"}
    sides = {one.setting: one.value for one in wrong.advice if one.setting.startswith("antenna")}
    assert sides == {"antenna 1: side": "inside", "antenna 2: side": "outside"}


def test_page_and_paper_tell_it_and_ask_nobody(made: Certificate) -> None:
    page = html.page(made)
    assert page.count("<svg") == 3
    assert not re.search(r"<(?:script|link|img|iframe)|https?:|url\(", page)
    assert "Hall &lt;7&gt;" in page
    paper = pdf.document(made)
    assert paper == pdf.document(made)
    document = pypdfium2.PdfDocument(paper)
    text = "".join(document[n].get_textpage().get_text_bounded() for n in range(len(document)))
    document.close()
    for said in ("64 of 64", "Hall <7>", "walk-10.jsonl.gz", "Recommended settings", "Technician"):
        assert said in text, said


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda f: (f / "walk-04.jsonl.gz").unlink(), "walk-04.jsonl.gz is not here: .*capture"),
        (lambda f: edit(f, r"seconds = 120\n", ""), "Only 60 s of quiet were captured: 120 s"),
        (lambda f: edit(f, r'direction = "by"', 'direction = "in"'), 'at least 2 walks are "by"'),
        (lambda f: edit(f, r"epcs = \[.*\]", "epcs = []"), r"Walk 10 .* names no tags"),
        (lambda f: edit(f, r"\[\[idle\]\]\nfile = .*\nseconds = 120\n", ""), "No quiet was"),
        (lambda f: edit(f, r"(?s)# Walk 10:.*", ""), "9 of 10 walks are listed: walk 1 more"),
        (lambda f: edit(f, r'read_point = "dock-1"', 'read_point = "dock-2"'), "at dock-1, but"),
        (lambda f: edit(f, r"direction", "directoin"), "directoin"),
        (lambda f: (f / "walk-01.jsonl.gz").write_bytes(b"{}"), "walk-01.jsonl.gz"),
    ],
)  # fmt: skip
def test_what_is_missing_is_told_with_what_to_do(tmp_path: Path, change: Any, says: str) -> None:
    plan = site(tmp_path)
    captured(tmp_path / "idle.jsonl.gz", 0, standing(60))
    change(tmp_path)
    ended = CliRunner().invoke(app, ["--plan", str(plan), "--out", str(tmp_path / "out")])
    assert ended.exit_code == 2
    assert "This cannot be certified yet" in ended.stderr
    assert re.search(says, ended.stderr), ended.stderr
    assert not (tmp_path / "out.html").exists()


def edit(folder: Path, pattern: str, by: str) -> None:
    plan = folder / "dock-1.toml"
    plan.write_text(re.sub(pattern, by, plan.read_text(encoding="utf-8")), encoding="utf-8")


def test_all_that_is_missing_is_told_at_once(tmp_path: Path) -> None:
    plan = tmp_path / "empty.toml"
    plan.write_text('read_point = "dock-1"\n', encoding="utf-8")
    assert len(lacking(read_plan(plan), tmp_path)) == 5
    with pytest.raises(PlanError, match="0 of 10 walks"):
        certify(read_plan(plan), tmp_path)


def test_the_command_writes_a_plan_once_and_both_papers(tmp_path: Path) -> None:
    run = CliRunner().invoke
    fresh = tmp_path / "plan.toml"
    assert run(app, ["plan", str(fresh), "--read-point", "dock-1"]).exit_code == 0
    assert len(read_plan(fresh).walks) == WALKS
    assert run(app, ["plan", str(fresh)]).exit_code == 2
    done = run(app, ["--plan", str(site(tmp_path)), "--out", str(tmp_path / "dock"), "--json"])
    assert done.exit_code == 0, done.stderr
    figures = json.loads(done.stdout)
    assert (figures["recall"]["value"], figures["false_movements_per_hour"]) == (1.0, 0.0)
    assert figures["walks"][0]["verdict"] == "right"
    assert (tmp_path / "dock.html").exists()
    assert (tmp_path / "dock.pdf").read_bytes().startswith(b"%PDF")
    for words in ([], ["--plan", str(fresh), "--emulated", "hard"], ["--emulated", "easy"]):
        assert run(app, words).exit_code == 2


def test_an_emulated_dock_s_captures_are_those_of_the_plan(tmp_path: Path) -> None:
    few = Layout(heaps=(Heap(x_m=-3.0, y_m=2.5, tags=3),))
    plan = capture("standard", 7, tmp_path, place=few, cases=4)
    assert lacking(plan, tmp_path) == []
    quiet = read_recording(tmp_path / "idle.jsonl.gz")
    assert quiet.duration_s > 118.0
    stays = {line.epc for line in quiet.heard if isinstance(line, TagHeard)}
    assert not stays & set(plan.epcs)
    for walk in plan.walks:
        truths = read_recording(tmp_path / walk.file).truths
        ways = {truth.direction for truth in truths if isinstance(truth, PassTruth)}
        assert ways == (set() if walk.direction == "by" else {walk.direction})


def seen(**changes: Any) -> Survey:
    usual = Survey(
        antennas=(), movers_dbm=(-50.0,) * 40, strays_dbm=(-70.0,) * 40, floor_dbm=-80.0, strays=4,
        unheard=0, pauses_s=(0.1,) * 40, passes_s=(12.0, 30.0), idle_gaps_s=(4.0,) * 40,
        partings=(0.2,) * 8,
    )  # fmt: skip
    return usual._replace(**changes)


def test_settings_follow_from_figures_by_their_rules() -> None:
    told = {one.setting: one.value for one in advice(seen())}
    assert told == {
        "tx_power_dbm": "Lower by 6 dB",  # 24 can be spared, 10 part them; 6 in one go
        "RSSI filter of the reader": "-60 dBm",
        "yaw of the antennas": "Leave it",
        "fold.quiet_s": "0.5",
        "fold.limit_s": "45",
        "fold.resident_gap_s": "6",
    }
    loud = {one.setting: one.value for one in advice(seen(strays_dbm=(-45.0,) * 40))}
    assert (loud["RSSI filter of the reader"], loud["tx_power_dbm"]) == ("None", "Lower by 6 dB")
    weak = {one.setting: one for one in advice(seen(movers_dbm=(-77.0,) * 40))}
    assert weak["tx_power_dbm"].value.startswith("Leave")
    flat = {one.setting: one for one in advice(seen(partings=(0.2, 0.2, -0.01)))}
    assert flat["yaw of the antennas"].value.startswith("25 degrees")
    assert advice(seen(movers_dbm=(), pauses_s=(), passes_s=(), idle_gaps_s=(), partings=())) == []
