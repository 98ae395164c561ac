"""Presence on the whole of central's road: judged, kept, told, and judged again."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from central.catalogue import places
from central.catalogue.errors import NotValid
from central.database.store import Database
from central.database.tide import Tide
from central.intake.ingest import Ingest
from central.judging import replay, whereabouts
from central.reconcile.verdict import ReadPoint
from gateway.contract import Antenna, DeviceDescribed, DeviceHealth, Observation, TagSighting
from tests.central.harness import bench
from tests.central.test_ingest_and_judge import judge_all, wire
from tests.fakes.portal_log import EPOCH, moment

A, B = "3034257BF7194E4000001A85", "3034257BF7194E4000001A86"
WHO = {"device": "reader-1", "read_point": "aisle"}


def read(t: float, epc: str, antenna: int = 1) -> TagSighting:
    return TagSighting(
        event_time=moment(t), epc=epc, antenna=antenna, count=2, mean_rssi_dbm=-50.0, **WHO
    )


def day() -> list[Observation]:
    """Two tags come; one goes to the right and stays, the other goes away."""
    antennas = [Antenna(antenna=1, alias="left"), Antenna(antenna=2, alias="right")]
    described = DeviceDescribed(event_time=EPOCH, driver="llrp", antennas=antennas, **WHO)
    first = [read(t / 5, epc) for t in range(50) for epc in (A, B)]
    second = [read(10 + t / 5, A, antenna=2) for t in range(100)]
    beat = DeviceHealth(event_time=moment(30), state="running", **WHO)
    return [described, *first, *second, beat]


def open_zone(conn: Connection) -> None:
    places.add_location(conn, places.Location(code="hall", name="Hall"))
    places.put_read_point(conn, ReadPoint(code="aisle", kind="zone", location="hall"))


async def judged(database: Database) -> None:
    await database.write(open_zone)
    await Ingest(database, Tide()).receive([wire(1, day())])
    await judge_all(database)


async def test_where_tags_are_is_kept_and_judging_again_says_the_same(database: Database) -> None:
    await judged(database)
    there = await database.read(whereabouts.present)
    assert [(row["epc"], row["place"]) for row in there] == [(A, "right")]
    assert there[0]["arrived_us"] < there[0]["since_us"]
    told = await database.read(whereabouts.events)
    assert [(row["epc"], row["kind"], row["place"]) for row in reversed(told)] == [
        (A, "arrived", "left"),
        (B, "arrived", "left"),
        (B, "departed", "left"),
        (A, "moved", "right"),
    ]
    assert await database.read(replay.differences) == []
    moved = text("SELECT count(*) FROM movement")
    assert await database.read(lambda c: c.execute(moved).scalar_one()) == 0


async def test_a_dead_reader_departs_nobody_and_it_is_said_since_when(tmp_path: Path) -> None:
    async with bench(tmp_path) as made:
        await made.database.write(open_zone)
        health = [
            DeviceHealth(event_time=moment(t), state=state, **WHO)
            for t, state in ((10.5, "running"), (11, "retrying"), (71, "retrying"))
        ]
        told = [one for one in day() if one.event_time < moment(10.2)]
        await Ingest(made.database, Tide()).receive([wire(1, [*told, *health])])
        await judge_all(made.database)
        rows: list[dict[str, object]] = (await made.get("/presence"))["rows"]  # type: ignore[assignment]
        assert [row["epc"] for row in rows] == [A, B]
        since = {row["unknown_since_at"] for row in rows}
        assert since == {moment(11).isoformat().replace("+00:00", "Z")}
        back = DeviceHealth(event_time=moment(80), state="running", **WHO)
        number = len(told) + len(health) + 1
        await Ingest(made.database, Tide()).receive([wire(number, [back])])
        await judge_all(made.database)
        rows = (await made.get("/presence"))["rows"]  # type: ignore[assignment]
        assert [row["unknown_since_at"] for row in rows] == [None, None]


async def test_central_may_be_started_anew_at_every_observation(database: Database) -> None:
    """The memory is stored and read again after each: the same story, and the same on replay."""
    await database.write(open_zone)
    story = day()[::7] + day()[-1:]
    for number, one in enumerate([day()[0], *story], 1):
        await Ingest(database, Tide()).receive([wire(number, [one])])
        await judge_all(database)  # a judge that knows nothing but what is stored
    assert await database.read(replay.differences) == []
    kinds = [row["kind"] for row in await database.read(whereabouts.events)]
    assert kinds.count("arrived") == 2


async def test_replay_names_what_was_made_up(database: Database) -> None:
    await judged(database)
    lie = text("UPDATE presence_event SET place = 'cellar' WHERE kind = 'moved'")
    await database.write(lambda c: c.execute(lie))
    (told,) = await database.read(replay.differences)
    assert "presence event" in told
    assert "place" in told


async def test_old_history_is_let_go_of_and_replay_asks_for_no_more(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whereabouts, "KEPT", 2)
    await judged(database)
    assert len(await database.read(whereabouts.events)) == 2
    assert await database.read(replay.differences) == []


async def test_a_read_point_that_is_no_zone_any_more_tells_of_nobody(database: Database) -> None:
    await judged(database)
    portal = ReadPoint(code="aisle", kind="portal", location="hall")
    await database.write(lambda c: places.put_read_point(c, portal))
    assert await database.read(whereabouts.present) == []


async def test_how_long_a_tag_may_be_silent_has_bounds(database: Database) -> None:
    await database.write(open_zone)
    hasty = ReadPoint(code="aisle", kind="zone", location="hall", gone_after_s=0.1)
    with pytest.raises(NotValid, match="gone_after_s is 1 to 86400 seconds"):
        await database.write(lambda c: places.put_read_point(c, hasty))


async def test_people_and_programs_ask_where_a_tag_is(tmp_path: Path) -> None:
    async with bench(tmp_path) as made:
        await judged(made.database)
        answer = await made.get(f"/presence?epc={A.lower()}")
        (row,) = answer["rows"]  # type: ignore[misc]
        assert (row["read_point"], row["place"]) == ("aisle", "right")
        assert await made.get("/presence?place=left") == {"rows": [], "next": None}
        first = await made.get("/presence/events?limit=3")
        rest = await made.get(f"/presence/events?limit=3&after={first['next']}")
        kinds = [row["kind"] for page in (first, rest) for row in page["rows"]]  # type: ignore[attr-defined]
        assert sorted(kinds) == ["arrived", "arrived", "departed", "moved"]
        departed = await made.get(f"/presence/events?epc={B}&limit=1")
        assert departed["rows"][0]["heard_at"] < departed["rows"][0]["event_at"]  # type: ignore[index]
        await made.get("/presence/events?after=nowhere", status=422)
        await made.get("/presence?after=nowhere", status=422)


async def test_the_first_screen_shows_zones_where_there_are_any(tmp_path: Path) -> None:
    async with bench(tmp_path) as made:
        nothing = (await made.http.get("/")).text
        assert '<div id="zones"></div>' in nothing
        await judged(made.database)
        page = (await made.http.get("/")).text
        assert "1 at right" in re.sub("<[^>]+>", "", page)
        assert f"<code>{B}</code> left left" in page
