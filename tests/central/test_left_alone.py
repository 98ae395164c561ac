"""Why was it not posted? What moved nothing is kept for a while, and told by its id or a tag."""

from __future__ import annotations

from pathlib import Path
from random import Random

import msgspec
import pytest
from sqlalchemy import Connection, text
from typer.testing import CliRunner

from central.cli import app
from central.database.store import Database
from central.database.tide import Tide
from central.intake.ingest import Ingest
from central.judging import left_alone
from central.reconcile.verdict import LeftAlone, Pass, Stage, TagVerdict, Trace
from central.why.shown import lines
from central.why.story import NothingKnown, why
from drivers.emulators.portal_physics import Path as Way
from drivers.emulators.portal_physics import Scene, dock_antennas, pallet, simulate
from gateway.contract import Observation
from tests.central import test_ingest_and_judge as ingesting
from tests.central.dying import settings_for
from tests.central.test_one_event import CLOSED, whole, wires
from tests.fakes.portal_log import described, fold, moment
from tests.fakes.portal_scenes import epcs_of

TURNED = epcs_of(1, 12)


def turning_back() -> list[Observation]:
    """A pallet that comes up to the door and goes back."""
    path = Way.approach(1.0, speed=1.2, outside=True, nearest=1.6)
    tags = pallet(list(TURNED), path, Random(4))
    scene = Scene(antennas=dock_antennas(), tags=tuple(tags), seed=4)
    return [described(dock_antennas()), *fold(simulate(scene, 0.0, 20.0)), CLOSED]


def a_pass(number: int) -> LeftAlone:
    told = Pass(
        id=f"pass-{number}", read_point="dock-1", opened_at=moment(number), direction="none",
        closed_at=moment(number + 1), decision="nothing",
        tags=(TagVerdict(epc=TURNED[number % 12], direction="none", confidence=0.9, reads=3),),
    )  # fmt: skip
    return LeftAlone(told=told, why=Trace(of=(told.id,), stages=(Stage(name="x", facts={}),)))


async def test_a_pallet_that_turned_back_tells_why_it_was_not_posted(database: Database) -> None:
    await database.write(ingesting.set_up)
    await Ingest(database, Tide()).receive(wires(1, turning_back()))
    await ingesting.judge_all(database)
    count = text("SELECT (SELECT count(*) FROM movement) + (SELECT count(*) FROM review)")
    assert await database.read(lambda c: c.execute(count).scalar_one()) == 0
    told = await database.read(lambda c: why(c, TURNED[3].lower()))
    assert (told.kind, told.posted) == ("left alone", ())
    assert [stage.name for stage in told.stages] == ["heard", "tags", "decision"]
    (tag,) = told.stages[1].facts["rows"]  # type: ignore[misc]
    assert tag[0] == TURNED[3]
    assert told.versions is not None
    assert told.observations[0].kinds
    assert any(TURNED[3] in line for line in lines(told))
    assert (await database.read(lambda c: why(c, told.id))).id == told.id
    assert await database.read(whole) == []


async def test_only_the_newest_are_kept_and_once(database: Database) -> None:
    def fill(conn: Connection) -> int:
        for number in range(left_alone.MOST + 30):
            for _ in range(2):
                left_alone.keep(conn, [a_pass(number)], number, 0)
        return conn.execute(text("SELECT count(*) FROM left_alone")).scalar_one()

    assert await database.write(fill) == left_alone.MOST
    newest = await database.read(lambda c: why(c, TURNED[0]))
    assert newest.id == f"pass-{12 * ((left_alone.MOST + 29) // 12)}"
    with pytest.raises(NothingKnown, match="newest 200"):
        await database.read(lambda c: why(c, "pass-3"))
    with pytest.raises(NothingKnown):
        await database.read(lambda c: why(c, TURNED[0][:-1]))


def test_the_command_line_tells_it(database: Database, books_url: str, tmp_path: Path) -> None:
    database.write_now(lambda c: left_alone.keep(c, [a_pass(1)], 1, 0))
    file = settings_for(books_url, tmp_path)
    done = CliRunner().invoke(app, ["why", TURNED[1], "--config", str(file), "--json"])
    assert done.exit_code == 0
    assert msgspec.json.decode(done.output)["kind"] == "left alone"
