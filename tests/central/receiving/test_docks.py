"""A warehouse orders, and its portals stand at docks within it: what they let in is the order's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path as Folder
from random import Random
from typing import Any

import pytest

from central.database.tide import Tide
from central.intake.ingest import Ingest
from central.judging.replay import differences
from central.receiving.watching import ReceivingWatcher
from central.reservations.following import Settler
from central.stock import projection
from drivers.emulators.portal_physics import Path, Scene, dock_antennas, pallet, simulate
from gateway.contract import DeviceHealth
from gateway.gs1 import sgtin96_hex
from tests.central.harness import Bench, bench
from tests.central.test_ingest_and_judge import judge_all, wire
from tests.fakes import portal_log

OAT, DRILL = "09521234000013", "09521234000020"
CASES = [sgtin96_hex(OAT, 7, n) for n in range(1, 6)]
PIECES = [sgtin96_hex(DRILL, 7, n) for n in (71, 72, 73)]


@pytest.fixture
async def made(tmp_path: Folder, books_url: str) -> AsyncIterator[Bench]:
    async with bench(tmp_path, books_url) as opened:
        await opened.post("/warehouses", code="wh", name="Warehouse")
        for code in ("dock", "bin", "cage"):
            await opened.post("/locations", code=code, name=code, parent="wh")
        await opened.post("/items", sku="OAT", name="Oats", gtins=[{"gtin": OAT, "quantity": 6}])
        gtins = [{"gtin": DRILL}]
        await opened.post("/items", sku="DRILL", name="Drill", tracking="serial", gtins=gtins)
        await opened.put("/read-points/dock-1", kind="portal", location="dock")
        yield opened


async def goes_through(
    made: Bench, epcs: Sequence[str], at_s: float = 0.0, way: str = "in", *, first: int = 1
) -> int:
    """A pallet crosses the dock; judged, and seen by who watches the ledger. The edge's next
    sequence number.
    """
    path = Path.through(at_s + 4.0, speed=1.0, inwards=way == "in")
    tags, antennas = pallet(list(epcs), path, Random(1)), dock_antennas()
    reads = simulate(Scene(antennas=antennas, tags=tuple(tags), seed=1), at_s, at_s + 18.0)
    beat = DeviceHealth(
        event_time=portal_log.moment(at_s + 40.0), state="running", **portal_log.WHO
    )
    seen = [portal_log.described(antennas), *portal_log.fold(reads), beat]
    batches = [wire(first + n, seen[n : n + 700]) for n in range(0, len(seen), 700)]
    await Ingest(made.database, Tide()).receive(batches)
    await judge_all(made.database)
    settler = Settler(made.database, Tide(), watchers=[ReceivingWatcher()])
    while await settler.step():
        pass
    return first + len(seen)


async def begin(made: Bench, *lines: dict[str, object]) -> None:
    order = {"id": "po-00001", "supplier": "Mill", "reference": "PO-1", "location": "wh"}
    await made.post("/api/orders/inbound", **order, lines=list(lines))
    await made.post("/api/receiving", id="session-1", order="po-00001", aside="cage")


async def lines(made: Bench) -> dict[str, tuple[int, int, int]]:
    found: Any = await made.get("/api/orders/inbound/po-00001")
    return {one["sku"]: (one["sensed"], one["confirmed"], one["posted"]) for one in found["lines"]}


async def take(made: Bench, number: int, **body: object) -> Any:
    return await made.post("/api/receiving/session-1/receipts", id=f"receipt-{number}", **body)


async def reviews(made: Bench) -> list[str]:
    found: Any = await made.get("/reviews")
    return [one["reason"] for one in found["rows"]]


async def sound(made: Bench) -> bool:
    wrong = [await made.database.read(one) for one in (projection.check_balances, differences)]
    return not any(wrong)


async def test_what_a_docks_portal_let_in_is_ticked_off_and_confirmed_by_hand(made: Bench) -> None:
    await begin(made, {"sku": "OAT", "quantity": 30}, {"sku": "DRILL", "quantity": 3})
    await goes_through(made, [*CASES, *PIECES])
    assert await lines(made) == {"OAT": (30, 0, 0), "DRILL": (3, 0, 0)}
    assert await reviews(made) == []
    told = await take(made, 1, code=PIECES[0])
    assert (told["verdict"], told["movements"]) == ("expected", [])
    assert (await take(made, 2, sku="OAT", quantity=30))["movements"] == []
    assert await lines(made) == {"OAT": (30, 30, 0), "DRILL": (3, 1, 0)}
    held: Any = await made.get("/stock/OAT")
    assert held["by_location"] == {"dock": 30}
    assert await sound(made)


async def test_a_piece_that_lies_in_a_bin_is_not_what_comes(made: Bench) -> None:
    await begin(made, {"sku": "DRILL", "quantity": 3})
    names = ["71", "72"]
    await made.post("/stock/receive", sku="DRILL", quantity=2, location="bin", serials=names)
    assert (await take(made, 1, code=PIECES[0]))["verdict"] == "in_stock"


async def test_what_nobody_ordered_is_asked_of_who_receives_in_the_warehouse(made: Bench) -> None:
    await begin(made, {"sku": "DRILL", "quantity": 3})
    await goes_through(made, CASES)
    (reason,) = await reviews(made)
    assert "30 of OAT came to dock while PO-1 is taken in" in reason
    assert await sound(made)


async def test_what_comes_back_through_a_dock_is_held_back(made: Bench) -> None:
    """A return is to the warehouse; what the portal lets in of it waits for its inspection."""
    first = await goes_through(made, CASES)
    first = await goes_through(made, CASES, 120.0, "out", first=first)
    assert (await made.get("/stock/OAT"))["by_location"] == {}
    line = {"line": "o", "sku": "OAT", "quantity": 30, "reason": "not_wanted"}
    body = {"order": "", "customer": "Jo", "reason": "no receipt", "location": "wh"}
    await made.post("/api/returns", id="rma-00001", lines=[line], **body)
    await made.post("/api/returns/rma-00001/authorise", 200)
    await goes_through(made, CASES, 300.0, first=first)
    rows: Any = await made.get("/api/inventory?sku=OAT")
    held = {(one["location"], one["status"]): one["on_hand"] for one in rows["rows"]}
    assert held == {("dock", "quarantined"): 30}
    assert await sound(made)
