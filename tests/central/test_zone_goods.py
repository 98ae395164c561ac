"""Zones that move stock, on central's whole road: once a visit, asked where sensors disagree."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import Connection, text

from central.catalogue import places
from central.catalogue.errors import NotValid
from central.database.store import Database
from central.database.tide import Tide
from central.intake.ingest import Ingest
from central.reconcile.verdict import ReadPoint
from central.stock import ledger
from central.stock.model import Movement
from central.why.story import why
from gateway.contract import CodeScanned, DeviceHealth, Observation, TagSighting
from tests.central import test_ingest_and_judge as ingesting
from tests.central.test_ingest_and_judge import judge_all, whole, wire
from tests.fakes.portal_log import EPOCH, moment
from tests.fakes.portal_scenes import GTINS, epcs_of

CASE, OTHER, STRANGER = epcs_of(1, 3)
"""Cases of two, three and one pieces (``PACKS``)."""
WHO: dict[str, Any] = {"device": "reader-9", "read_point": "shop-zone"}
ZONE = ReadPoint(code="shop-zone", kind="zone", location="shop", moves_stock=True)


def set_up(conn: Connection, zone: ReadPoint = ZONE) -> None:
    ingesting.set_up(conn)
    places.add_location(conn, places.Location(code="shop", name="Shop"))
    places.put_read_point(conn, zone)
    for number, (epc, sku, quantity) in enumerate(((CASE, "SKU-2", 2), (OTHER, "SKU-3", 3))):
        post(conn, f"received-{number}", epc, sku, quantity, "supplier", "hall")


def post(  # noqa: PLR0917 (a movement in one line)
    conn: Connection, name: str, epc: str, sku: str, quantity: int, source: str, to: str,
    at_s: float = -7_200.0, origin: str = "api",
) -> None:  # fmt: skip
    movement = Movement(
        id=name, sku=sku, quantity=quantity, source=source, destination=to, biz_step="storing",
        event_time=EPOCH + timedelta(seconds=at_s), epcs=(epc,), origin=origin,
    )  # fmt: skip
    ledger.post(conn, [movement], record_us=1_700_000_000_000_000)


def heard(begin: float, end: float, epc: str = CASE, every: float = 0.5) -> list[Observation]:
    return [
        TagSighting(event_time=moment(t), epc=epc, antenna=1, count=1, mean_rssi_dbm=-50.0, **WHO)
        for n in range(round((end - begin) / every))
        if (t := begin + n * every) >= 0
    ]


def beat(t: float) -> DeviceHealth:
    return DeviceHealth(event_time=moment(t), state="running", **WHO)


async def told(database: Database, seen: Sequence[Observation], first: int = 1) -> None:
    await Ingest(database, Tide()).receive([wire(first, seen)])
    await judge_all(database)


def asked(conn: Connection) -> list[str]:
    return list(conn.execute(text("SELECT reason FROM review ORDER BY event_us")).scalars())


def movements(conn: Connection) -> list[tuple[str, str, str, int]]:
    rows = conn.execute(
        text("SELECT origin, source, destination, quantity FROM movement ORDER BY seq")
    )
    return [tuple(row) for row in rows if row.source != "supplier"]


MOVED = ("zone", "hall", "shop", 2)


async def test_a_known_piece_that_settles_is_moved_once_and_its_going_moves_nothing(
    database: Database,
) -> None:
    await database.write(set_up)
    await told(database, [*heard(0, 90), beat(200), *heard(300, 390), beat(600)])
    assert await database.read(movements) == [MOVED]
    row = await database.read(
        lambda c: c.execute(
            text("SELECT id, confidence, epcs, evidence FROM movement WHERE origin = 'zone'")
        ).one()
    )
    assert msgspec.json.decode(row.epcs) == [CASE]
    assert 0.95 < row.confidence < 1
    assert msgspec.json.decode(row.evidence)["seconds_heard"] >= 19
    assert await database.read(whole) == []
    story = await database.read(lambda c: why(c, row.id))
    assert "presence" in [stage.name for stage in story.stages]


async def test_a_passer_by_and_whom_the_ledger_does_not_know_move_nothing(
    database: Database,
) -> None:
    await database.write(set_up)
    passer_by, seldom = heard(0, 20), heard(0, 60, OTHER, every=6)
    mixed = sorted([*passer_by, *seldom, *heard(0, 90, STRANGER)], key=lambda one: one.event_time)
    await told(database, [*mixed, beat(300)])
    assert await database.read(movements) == []
    assert await database.read(asked) == []


async def test_zones_move_nothing_unless_they_are_told_to(database: Database) -> None:
    plain = msgspec.structs.replace(ZONE, moves_stock=False)
    await database.write(lambda c: set_up(c, plain))
    await told(database, [*heard(0, 90), beat(200)])
    assert await database.read(movements) == []
    portal = ReadPoint(code="dock-2", kind="portal", location="hall", moves_stock=True)
    with pytest.raises(NotValid, match="moves_stock is for zones"):
        await database.write(lambda c: places.put_read_point(c, portal))


async def test_what_a_portal_brought_here_is_one_movement(database: Database) -> None:
    await database.write(set_up)
    await database.write(
        lambda c: post(c, "by-portal", CASE, "SKU-2", 2, "hall", "shop", 1.0, "portal")
    )
    await told(database, [*heard(0, 90), beat(200)])
    assert await database.read(movements) == [("portal", "hall", "shop", 2)]


async def test_what_was_scanned_without_its_serial_is_one_movement_with_a_witness(
    database: Database,
) -> None:
    await database.write(set_up)
    till = ReadPoint(code="till", kind="scan", location="shop", inbound_from="hall")
    await database.write(lambda c: places.put_read_point(c, till))
    scan = CodeScanned(
        device="gun", read_point="till", event_time=moment(0.2), data=f"01{GTINS[1]}",
        symbology="]C1",
    )  # fmt: skip
    seen = [heard(0, 0.5)[0], scan, *heard(0.5, 90), beat(200)]
    await told(database, seen)
    assert await database.read(movements) == [("scan", "hall", "shop", 2)]
    witness = text("SELECT origin, quantity FROM witness")
    assert await database.read(lambda c: [tuple(row) for row in c.execute(witness)]) == [
        ("zone", 2)
    ]
    assert await database.read(whole) == []


async def test_who_is_heard_here_after_it_was_moved_away_is_asked_about(
    database: Database,
) -> None:
    """Two zones hear one tag, or a portal erred: a person says which."""
    await database.write(set_up)
    await told(database, heard(0, 20))
    await database.write(
        lambda c: post(c, "away", CASE, "SKU-2", 2, "hall", "customer", 15.0, "portal")
    )
    await told(database, heard(20, 40), first=41)
    assert await database.read(asked) == [], "evidence counts from the movement on"
    await told(database, [*heard(40, 120), beat(200)], first=81)
    assert await database.read(movements) == [("portal", "hall", "customer", 2)]
    (reason,) = await database.read(asked)
    assert reason == "heard at shop, though the portal moved it to customer"


async def test_what_the_ledger_has_with_a_customer_is_asked_about(database: Database) -> None:
    await database.write(set_up)
    await database.write(lambda c: post(c, "sold", CASE, "SKU-2", 2, "hall", "customer"))
    await told(database, [*heard(0, 90), beat(200)])
    assert await database.read(movements) == [("api", "hall", "customer", 2)]
    (reason,) = await database.read(asked)
    assert reason == "heard at shop, though it went to customer"
