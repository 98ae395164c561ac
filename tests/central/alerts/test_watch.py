"""What moves is looked at again, and by the clock what time alone brings: on both engines."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, insert

from central import schema
from central.alerts import notices, rules
from central.alerts import watch as watching
from central.alerts.watch import Watch
from central.catalogue import changes
from central.database.store import Database
from central.database.tide import Tide
from central.documents import books
from central.lots import store as lots
from central.reconcile.expected import Document
from tests.central.alerts.stage import NOON_US, Stage
from tests.fakes.books import sqlite_books

DAY_S = 86_400


@pytest.fixture
def stage(database: Database) -> Stage:
    """On each engine in turn."""
    return Stage(database)


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Stage]:
    """On SQLite, for what asks the tables nothing that the other tests do not."""
    with contextlib.closing(Database(sqlite_books(tmp_path / "central.sqlite"))) as database:
        yield Stage(database)


async def test_it_is_raised_as_it_moves_and_said_once(stage: Stage) -> None:
    stage.rule("few", "low", 10, margin=5, sku="NUT", location="shop")
    stage.move("supplier", "shelf", 12)
    await stage.look()
    assert not stage.open()
    for units in (2, 1, 1):
        stage.move("shelf", "customer", units)
        await stage.look()
    assert list(stage.open()) == ["8 of NUT in shop, minimum 10"]
    stage.watch = stage.new_watch()
    await stage.look()
    stage.move("supplier", "bin", 6)
    await stage.look()
    assert list(stage.open()) == ["14 of NUT in shop, minimum 10"]
    stage.move("supplier", "bin", 1)
    await stage.look()
    assert stage.happened() == ["raised", "cleared"]


async def test_only_what_moved_is_looked_at(alone: Stage) -> None:
    alone.rule("few", "low", 10, location="shop", category="steel")
    await alone.look()
    looked = alone.watch.counters["looked"]
    alone.move("supplier", "shelf", 1)
    await alone.look()
    await alone.look()
    assert alone.watch.counters["looked"] == looked + 1
    assert list(alone.open()) == ["1 of NUT in shop, minimum 10"]


async def test_a_rule_that_changes_or_goes_has_everything_looked_at_again(alone: Stage) -> None:
    alone.move("supplier", "shelf", 7)
    alone.rule("few", "low", 10, sku="NUT", location="shop")
    await alone.look()
    alone.change("few", limit=5)
    await alone.look()
    alone.rule("many", "over", 6, each=True)
    await alone.look()
    assert list(alone.open()) == ["7 of NUT at shelf, maximum 6"]
    alone.rule("not here", "over", None, each=True, location="hall")
    await alone.look()
    alone.write(lambda c: rules.remove(c, "not here", alone.told()))
    await alone.look()
    alone.change("many", enabled=False)
    await alone.look()
    assert alone.happened() == ["raised", "cleared", "raised", "cleared", "raised", "cleared"]


async def test_a_place_that_is_moved_takes_its_stock_along(alone: Stage) -> None:
    alone.move("supplier", "shelf", 12)
    alone.rule("few", "low", 10, sku="NUT", location="shop")
    await alone.look()
    assert not alone.open()
    alone.put("hall", parent="yard")
    await alone.look()
    assert list(alone.open()) == ["0 of NUT in shop, minimum 10"]
    alone.put("hall", parent="shop")
    await alone.look()
    assert not alone.open()


async def test_a_retired_item_is_not_short(alone: Stage) -> None:
    alone.rule("few", "low", 10, sku="NUT")
    await alone.look()
    assert list(alone.open()) == ["0 of NUT, minimum 10"]
    alone.write(lambda c: changes.retire(c, "NUT", alone.told()))
    await alone.look()
    assert not alone.open()


async def test_time_alone_raises_escalates_and_finds_what_lies_still(stage: Stage) -> None:
    stage.write(
        lambda c: c.execute(
            insert(schema.alert_channel).values(
                code="boss", body='{"code":"boss","kind":"email","only_named":true}'
            )
        )
    )
    stage.rule("few", "low", 10, sku="NUT", for_s=600, escalate_to=("boss",), escalate_after_s=300)
    stage.rule("dust", "still", 30, location="shop")
    await stage.look()
    stage.move("supplier", "shelf", 3, sku="BOLT")
    await stage.after(599)
    assert [one.state for one in stage.open().values()] == ["waiting"]
    await stage.after(1)
    await stage.after(300)
    assert stage.happened() == ["raised", "escalated"]
    await stage.after(31 * DAY_S)
    assert "3 of BOLT in shop, of which nothing moved for 31 days" in stage.open()
    stage.move("shelf", "bin", 1, sku="BOLT")
    await stage.look()
    assert list(stage.open()) == ["0 of NUT, minimum 10"]


async def test_what_went_nobody_knows_where_is_told(stage: Stage) -> None:
    stage.rule("lost", "unexplained", 5, margin=2)
    stage.rule("shrinks", "shrinkage", 8, window_days=7)
    stage.move("supplier", "shelf", 50)
    stage.move("shelf", "unknown", 6)
    await stage.look()
    assert list(stage.open()) == ["6 of NUT went nobody knows where"]
    stage.move("shelf", "adjustment", 3)
    stage.move("shelf", "scrap", 20)
    await stage.look()
    assert "9 of NUT were lost in 7 days" in stage.open(), "to scrap something is no such loss"
    stage.move("unknown", "shelf", 4)
    await stage.look()
    assert not stage.open()
    await stage.after(DAY_S)
    stage.move("shelf", "adjustment", 3)
    await stage.look()
    assert list(stage.open()) == ["8 of NUT were lost in 7 days"]
    await stage.after(6 * DAY_S + 1)
    assert not stage.open(), "a week later what was lost first is no part of it any more"


async def test_the_lot_that_expires_first_is_told_in_time(stage: Stage) -> None:
    stage.rule("old", "expiry", 7, location="shop")
    for lot, day in (("L1", date(2026, 3, 15)), ("L2", date(2026, 3, 20))):
        stage.write(
            lambda c, lot=lot, day=day: lots.keep(c, "NUT", lot, stage.told(), expires_on=day)
        )
        stage.move("supplier", "shelf", 4, lot=lot)
    await stage.look()
    assert not stage.open()
    await stage.after(7 * DAY_S)
    assert list(stage.open()) == ["4 of NUT in shop of lot L1 expire on 2026-03-15"]
    stage.move("shelf", "customer", 4, lot="L1")
    await stage.look()
    assert not stage.open()


async def test_a_place_where_nothing_moves_and_what_devices_say(stage: Stage) -> None:
    stage.move("supplier", "shelf", 5)
    stage.rule("asleep", "idle", 12, location="shop", each=True)
    stage.rule("here", "device", 0)

    def devices(conn: Connection) -> None:
        edges = [("e1", "online", ""), ("e2", "offline", ""), ("e3", "online", "journal full")]
        for edge, state, reason in edges:
            row = {"edge": edge, "state": state, "since_us": 1, "reason": reason}
            conn.execute(insert(schema.edge_presence).values(row))
            for name, how in (("reader", "retrying"), ("scale", "running")):
                device = {"edge": edge, "device": name, "read_point": "door", "state": how}
                conn.execute(insert(schema.device).values(device))
        conn.execute(
            schema.device.update()
            .where(schema.device.c.edge == "e1", schema.device.c.device == "scale")
            .values(cause="its lid is open", hint="close it")
        )

    stage.write(devices)
    await stage.after(12 * 3_600)
    assert sorted(stage.open()) == [
        "device reader of edge e1 is retrying",
        "device scale of edge e1 is running: its lid is open: close it",
        "edge e2: it is offline",
        "edge e3: journal full",
        "nothing moved at shelf for 12 hours",
    ]
    stage.write(lambda c: c.execute(schema.device.update().values(state="running", cause="")))
    stage.write(
        lambda c: c.execute(schema.edge_presence.update().values(state="online", reason=""))
    )
    stage.move("shelf", "customer", 1)
    await stage.after(30)
    assert not stage.open()


async def test_late_goods_and_questions_that_wait(stage: Stage) -> None:
    stage.rule("late", "late", 30, location="shop")
    stage.rule("ask", "review", 60)
    expected = Document(
        id="asn-1", kind="asn", source="supplier", destination="shelf", until_us=NOON_US
    )
    stage.write(lambda c: books.add_document(c, expected, at_us=NOON_US))
    for number in range(2):
        row = {
            "id": f"review-{number}", "opened_us": NOON_US + number, "event_us": 1, "reason": "x",
            "read_point": "door", "causes": "[]", "evidence": "{}",
        }  # fmt: skip
        stage.write(lambda c, row=row: c.execute(insert(schema.review).values(row)))
    await stage.after(29 * 60)
    assert not stage.open()
    await stage.after(31 * 60)
    assert sorted(stage.open()) == [
        "2 reviews of door wait, the oldest for 60 minutes",
        "asn asn-1 is late by 60 minutes",
    ]
    stage.write(lambda c: books.close_document(c, "asn-1", at_us=NOON_US))
    stage.write(lambda c: c.execute(schema.review.update().values(status="resolved")))
    await stage.after(60)
    assert not stage.open()


@pytest.mark.parametrize("dies", ["before the commit", "after the commit"])
async def test_a_crash_says_nothing_twice_and_forgets_nothing(
    stage: Stage, dies: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.rule("few", "low", 10, sku="NUT")
    stage.move("supplier", "shelf", 3)
    with monkeypatch.context() as broken:
        if dies == "before the commit":
            broken.setattr(notices, "spread", _die)
        else:
            write = stage.database.write

            async def and_die(work: Any) -> Any:
                await write(work)
                raise _Died

            broken.setattr(stage.database, "write", and_die)
        with pytest.raises(_Died):
            await stage.look()
    stage.watch = stage.new_watch()
    await stage.look()
    await stage.look()
    assert stage.happened() == ["raised"]


class _Died(Exception):
    pass


def _die(*_: object) -> int:
    raise _Died


async def test_behind_by_far_it_looks_at_everything_instead(
    alone: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "_FAR", 3)
    monkeypatch.setattr(watching, "_CHUNK", 2)
    alone.rule("few", "low", 5, category="steel", each=True)
    await alone.look()
    for _ in range(9):
        alone.move("supplier", "shelf", 1, sku="BOLT")
    alone.move("supplier", "bin", 1)
    await alone.look()
    assert list(alone.open()) == ["1 of NUT at bin, minimum 5"]


async def test_a_whole_warehouse_costs_what_a_shelf_costs(alone: Stage) -> None:
    for place in ("shelf", "bin"):
        alone.move("supplier", place, 5)
    asked: list[str] = []

    @event.listens_for(alone.database._reading, "before_cursor_execute")
    def _count(*args: Any) -> None:
        asked.append(args[2])

    counts = []
    for location in ("shelf", "shop"):
        alone.rule(f"few at {location}", "low", 1, sku="NUT", location=location)
        await alone.look()
        asked.clear()
        alone.move("supplier", "shelf", 1)
        await alone.look()
        counts.append(len(asked))
    assert counts[0] == counts[1]


async def test_it_goes_on_when_the_tide_rises(alone: Stage) -> None:
    tide = Tide()
    watch = Watch(alone.database, tide, clock=alone.clock, look_every_s=3_600)
    running = asyncio.create_task(watch.run())
    try:
        alone.rule("few", "low", 5, sku="NUT")
        alone.move("supplier", "shelf", 1)
        while not alone.open():
            tide.rise()
            await asyncio.sleep(0.02)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
