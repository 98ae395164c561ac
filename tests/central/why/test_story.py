"""Why did this post? The trace is what was decided by, for portals, shelves, scans and people."""

from __future__ import annotations

import math
from typing import Any

import pytest
from sqlalchemy import Connection, text

from central.catalogue import places
from central.database.store import Database
from central.database.tide import Tide
from central.intake.ingest import Ingest
from central.reconcile.verdict import PlatePlan, ReadPoint
from central.reviews import store
from central.reviews.model import Choice
from central.stock import queries
from central.stock.model import Movement, Posted
from central.why import shown
from central.why.story import NothingKnown, Story, why
from gateway.contract import WeightSettled
from tests.central.shop import moving
from tests.central.test_ingest_and_judge import judge_all, road, scan, set_up, whole, wire
from tests.fakes import portal_scenes
from tests.fakes.portal_log import moment


def stage(story: Story, name: str) -> dict[str, Any]:
    (found,) = [one.facts for one in story.stages if one.name == name]
    return found


def all_posted(conn: Connection) -> list[Posted]:
    return queries.movements(conn, limit=1000)


async def told(database: Database, wanted: str) -> Story:
    return await database.read(lambda c: why(c, wanted))


async def driven(database: Database) -> list[Posted]:
    await database.write(set_up)
    seen = road()
    batches = [wire(n + 1, seen[n : n + 900]) for n in range(0, len(seen), 900)]
    await Ingest(database, Tide()).receive(batches)
    await judge_all(database)
    return await database.read(all_posted)


def tags_of(facts: dict[str, Any]) -> list[dict[str, Any]]:
    return [dict(zip(facts["columns"], row, strict=True)) for row in facts["rows"]]


async def test_a_portals_trace_decides_what_was_posted(database: Database) -> None:
    """Of every tag: its parts and its company add up to the odds it was decided by, and the
    trace's decision names exactly the tags that the ledger moved.
    """
    posted = [one for one in await driven(database) if one.movement.origin == "portal"]
    assert len(posted) >= 3
    moved: dict[str, set[str]] = {}
    heeded: list[Movement] = []
    for one in posted:
        movement = one.movement
        story = await told(database, movement.id)
        names = [stage.name for stage in story.stages]
        assert [one for one in names if one != "ledger"] == ["heard", "tags", "decision", "posted"]
        if "ledger" in names:  # it says nothing where as many lie there without tags
            heeded.append(movement)
            assert {row[0] for row in stage(story, "ledger")["rows"]} == {*movement.epcs}
        tags = tags_of(stage(story, "tags"))
        assert {tag["epc"] for tag in tags} == {*movement.epcs}
        for tag in tags:
            own = sum(value for name, value in tag.items() if name.startswith("+"))
            odds = math.log(tag["crossed"] / (1 - tag["crossed"]))
            assert own + tag["company"] == pytest.approx(odds, abs=0.01 + 1e-5 * math.exp(odds))
            assert tag["reads outside"] + tag["reads inside"] > 0
        sure = min(t["crossed"] * max(t["inwards"], 1 - t["inwards"]) for t in tags)
        assert sure == pytest.approx(movement.confidence, abs=2e-4)
        moved.setdefault(str(movement.evidence["pass"]), set()).update(movement.epcs)
        (heard,) = story.observations
        assert heard.kinds["tag_sighting"] > 0
        assert heard.last_log is not None
        assert heard.last_log <= story.log_id
        assert story.versions is not None
        assert story.versions.model
        assert stage(story, "posted")["number"] == one.seq
    assert heeded
    decisions: list[str] = []
    for name, epcs in moved.items():
        decision = stage(await told(database, name), "decision")
        crossed = {epc for epc, (way, _why) in decision["tags"].items() if way != "none"}
        assert crossed == epcs
        decisions.append(decision["decision"])
        assert decision["thresholds"]["CROSSED_AT"] == 0.5
    # Of what left last some had been scanned without a serial, and the rest was never met.
    assert decisions == ["review", "moved"]


async def test_scans_shelves_people_and_what_was_asked_have_a_story(database: Database) -> None:
    posted = await driven(database)
    (first, *_) = [one.movement for one in posted if one.movement.origin == "scan"]
    story = await told(database, first.id)
    assert [one.name for one in story.stages] == ["heard", "code", "decision", "posted"]
    assert stage(story, "code")["gtin"] == portal_scenes.GTINS[1]
    asked = text("SELECT id FROM review ORDER BY opened_us, id")
    (review, *_) = await database.read(lambda c: c.execute(asked).scalars().all())
    story = await told(database, review)
    assert (story.kind, stage(story, "asked")["status"]) == ("review", "open")
    choice = Choice(id="anna-0001", by="anna", hypothesis=0)
    await database.write(lambda c: store.resolve(c, review, choice, at_us=1))
    assert stage(await told(database, review), "resolved")["by"] == "anna"
    assert await database.read(whole) == []  # judging again knows what a person decided
    with pytest.raises(NothingKnown, match="has the id nowhere"):
        await told(database, "nowhere")


async def test_what_a_person_decided_is_told_with_what_the_sensors_said(
    database: Database,
) -> None:
    await database.write(set_up)
    await database.write(lambda c: _retire(c, "retired"))
    await Ingest(database, Tide()).receive([wire(1, [scan(f"01{portal_scenes.GTINS[1]}")])])
    await judge_all(database)
    await database.write(lambda c: _retire(c, "active"))
    (review,) = await database.read(store.page)
    choice = Choice(id="anna-0001", by="anna", hypothesis=0)
    done, _ = await database.write(lambda c: store.resolve(c, review.id, choice, at_us=1))
    story = await told(database, done.movements[0])
    names = [one.name for one in story.stages]
    assert names == ["heard", "code", "decision", "asked", "resolved", "posted"]
    assert (story.kind, story.review) == ("movement", review.id)
    lines = "\n".join(shown.lines(story))
    assert "by anna at 1970-01-01" in lines
    assert "item SKU-2 is retired" in lines
    assert "versions  tallyport" in lines


def _retire(conn: Connection, status: str) -> None:
    conn.execute(text("UPDATE item SET status = :to WHERE sku = 'SKU-2'"), {"to": status})


async def test_a_plates_story_has_its_masses_and_thresholds(database: Database) -> None:
    def shelf(conn: Connection) -> None:
        set_up(conn)
        places.put_read_point(conn, ReadPoint(code="shelf-1", kind="shelf", location="hall"))
        plan = PlatePlan(read_point="shelf-1", plate=1, sku="SKU-1", unit_mg=20_000)
        places.put_plate(conn, plan)

    levels = [(0, 400_000), (9, 460_200), (90, 460_200)]
    seen = [
        WeightSettled(
            device="scale-1", read_point="shelf-1", event_time=moment(t), plate=1, gross_mg=gross,
            std_mg=300, disturbed_at=moment(t - 1) if t else None,
        )
        for t, gross in levels
    ]  # fmt: skip
    await database.write(shelf)
    await Ingest(database, Tide()).receive([wire(1, seen)])
    await judge_all(database)
    (posted,) = await database.read(all_posted)
    story = await told(database, posted.movement.id)
    assert [one.name for one in story.stages] == ["heard", "weight", "decision", "posted"]
    assert stage(story, "weight")["plate"] == 1
    assert stage(story, "decision")["thresholds"]
    assert story.observations[0].kinds == {"weight_settled": 1}


async def test_what_was_posted_by_hand_says_so(database: Database) -> None:
    from central.stock import ledger

    await database.write(set_up)
    move = moving(1, "supplier", "hall", 3, sku="SKU-1", reason="a count")
    await database.write(lambda c: ledger.post(c, [move], record_us=1))
    story = await told(database, "movement-1")
    assert [one.name for one in story.stages] == ["posted"]
    assert stage(story, "posted")["reason"] == "a count"
    assert story.versions is None
