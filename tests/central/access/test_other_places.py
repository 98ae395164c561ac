"""The second dimension of the matrix: every route that is about places, asked about the things of a
warehouse by an administrator of another one.

A route that divides by place (``x-places: own``) and is not in the tables of ``two_places`` fails
here until somebody says what of it could tell of another place.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, insert

from central import schema
from central.access.model import OPEN, Role
from central.api.access.routes import asked_of
from central.insight.points import Point
from tests.central.access.test_gate import Somebody
from tests.central.access.two_places import EAST_FILE, EPCIS, READ, WRITTEN, fill
from tests.central.harness import Bench, bench


@pytest.fixture
def door() -> Somebody:
    return Somebody()


@pytest.fixture
async def made(tmp_path: Path, books_url: str, door: Somebody) -> AsyncIterator[Bench]:
    async with bench(tmp_path, books_url, door) as opened:
        yield opened


def divided(made: Bench) -> set[str]:
    """Every route that shows and touches only places of the grant, as ``METHOD /path``."""
    routes = map(asked_of, made.app.router.routes)
    return {
        f"{method} {one.path}"
        for one in routes
        for method in one.methods - {"HEAD"}
        if one.places == "own"
    }


def test_every_divided_route_is_in_the_tables(tmp_path: Path) -> None:
    made = Bench(tmp_path, f"sqlite:///{tmp_path / 'unused.sqlite'}")
    known = {f"GET {path}" for path in READ} | WRITTEN.keys()
    assert divided(made) == known


def tells_of_east(asked: str, text: str) -> bool:
    """Whether an answer says more of it than was asked."""
    for word in sorted(re.findall(r"[\w-]*EAST[\w-]*", asked), key=len, reverse=True):
        text = text.replace(word, "")
    return "EAST" in text


async def test_nothing_is_told_of_another_place(made: Bench, door: Somebody) -> None:
    known = await fill(made)
    asked = [(path, one.format_map(known)) for path, every in READ.items() for one in every]
    silent = []
    for path, one in asked:
        answer = await made.http.get(one)
        assert answer.status_code == 200 or path in SILENT, (one, answer.text)
        if "EAST" not in answer.text and answer.content != EAST_FILE:
            silent.append(path)
    assert set(silent) <= SILENT, "what should be hidden is not there to be seen"
    door.is_(Role.ADMIN, "WEST")
    wrong = []
    for _path, one in asked:
        answer = await made.http.get(one)
        there = answer.text + str(answer.headers.get("etag", "")) * (answer.status_code != 200)
        allowed = {200, 403, 404, 422} if "/reports/" in one else {200, 403, 404}
        if answer.status_code not in allowed or tells_of_east(one, there):
            wrong.append(f"{one}: {answer.status_code} {answer.text[:200]}")
    assert not wrong, "\n".join(wrong)


async def test_no_query_tells_of_another_place(made: Bench, door: Somebody) -> None:
    await fill(made)
    place = "location { code parent { code } children { code stock { sku } } stock { sku } }"
    for what in (
        "locations { nodes { code parent { code } children { code } } }",
        f"stock {{ nodes {{ lot {place} }} }}",
        "movements { nodes { id source { code } destination { code } } }",
        f"alerts {{ nodes {{ rule says {place} }} }}",
        "reviews { nodes { id read_point: readPoint } }",
        "documents { nodes { id source { code } destination { code } } }",
        "items { nodes { stock { lot } movements { id } alerts { rule location { code } } } }",
        'location(code: "EAST-B") { code stock { lot } }',
    ):
        asked = {"query": f"{{ {what} }}"}
        door.actor = OPEN
        seen = await made.http.post("/graphql", json=asked)
        assert "EAST" in seen.text, what
        assert "errors" not in seen.json(), seen.text
        door.is_(Role.ADMIN, "WEST")
        hidden = await made.http.post("/graphql", json=asked)
        assert "EAST" not in hidden.text, what
        assert "errors" not in hidden.json(), hidden.text


SILENT = {
    "/api/reports/days-of-stock", "/api/reports/expiry", "/api/reports/fast-movers",
    "/api/reports/run-out", "/api/reports/sensor-accuracy", "/api/reports/shrinkage",
    "/api/reports/slow-movers", "/api/reports/turnover", "/api/reports/ageing",
    "/api/reports/stock-levels", "/api/putaway/proposals",
    "/read-points/{code}/plates/{plate}/history", "/read-points/{code}/layout",
    "/api/counts/{count_id}/lines",
    "/stock/{sku}/serials/{serial}", "/api/reports/fulfilment", "/api/reports/picking-times",
    "/api/reports/picking-tasks", "/labels/printers",
    "/api/orders/outbound/{order_id}/cartons/{sscc}/label", "/screen/items",
    "/screen/items/{sku}/history", "/screen/shelves/{code}/{plate}/trace",
    "/screen/shelves/{code}/{plate}/setup/items",
    "/devices/{edge}/ask/{ask_id}", "/devices/{edge}/ask/{ask_id}/live", "/devices/{edge}/asked",
    "/series", "/series/export", "/feeds",
    "/screen/passes/{pass_id}/signal", "/screen/passes/{pass_id}/tags",
    "/epcis/eventTypes", "/epcis/bizSteps", "/epcis/dispositions",
    *(f"/epcis/{name}/{{value:path}}" for name in EPCIS),
}  # fmt: skip
"""Those whose rows do not name a place, or that have nothing to say of so young a warehouse."""


async def test_nothing_of_another_place_is_changed(made: Bench, door: Somebody) -> None:
    known = await fill(made)
    before = await everything(made, known)
    door.is_(Role.ADMIN, "WEST")
    wrong = []
    for route, every in WRITTEN.items():
        method = route.partition(" ")[0]
        for path, body in every:
            more = {"content": body} if isinstance(body, bytes) else {"json": body}
            one = path.format_map(known)
            answer = await made.http.request(method, one, **more)  # type: ignore[arg-type]
            if answer.status_code not in {403, 404} or tells_of_east(f"{one} {body}", answer.text):
                wrong.append(f"{method} {one}: {answer.status_code} {answer.text[:250]}")
    assert not wrong, "\n".join(wrong)
    door.actor = OPEN
    assert await everything(made, known) == before


_OF_NOW = ("/reports/", "{sha256}", "/history", "/trace", "/epcis/events", "}/events")
"""What is told with the time at which it is asked."""


async def everything(made: Bench, known: dict[str, str]) -> dict[str, Any]:
    """All that can be read of both places."""
    paths = [one.format_map(known) for path, every in READ.items() for one in every
             if not any(part in path for part in _OF_NOW)]  # fmt: skip
    return {one: (await made.http.get(one)).text for one in paths}


async def test_of_many_at_once_each_is_looked_at(made: Bench, door: Somebody) -> None:
    await fill(made)
    door.is_(Role.ADMIN, "WEST")
    order = {"customer": "Jo", "ship_to": {}, "lines": [{"sku": "NUT", "quantity": 1}]}
    orders = [order | {"id": f"bulk-{code}", "warehouse": code} for code in ("EAST", "WEST")]
    told = (await made.http.post("/api/orders/outbound/bulk", json={"orders": orders})).json()
    assert not tells_of_east(str(orders), str(told))
    assert [one["state"] for one in told["rows"]] == ["refused", "allocated"]
    lines = [
        {"do": "receive", "sku": "NUT", "quantity": 1, "location": f"{code}-B"}
        for code in ("WEST", "EAST")
    ]
    await made.post("/stock/lines", 403, lines=lines)
    for kind, rows in (
        ("inbound-orders", "reference,supplier,location,sku,quantity\nPO-9,Acme,EAST,NUT,1\n"),
        ("orders", "id,customer,warehouse,sku,quantity,ship_to.city\nimported-1,Jo,EAST,NUT,1,X\n"),
    ):
        answer = await made.http.post(f"/api/imports/{kind}", content=rows.encode())
        assert (answer.status_code, answer.json()["refused"]) == (422, 1), answer.text
    rows = "sku,location,quantity\nNUT,WEST-B,3\nNUT,{code},{units}\n"
    outside = "this lies outside the places that you were granted it for"
    door.actor = OPEN
    east = rows.format(code="EAST-B", units=7).replace("NUT,WEST-B,3\n", "")
    await made.http.post("/api/imports/stock", content=east.encode())
    door.is_(Role.ADMIN, "WEST")
    for units in (7, 8):  # told before or not: the same answer
        content = rows.format(code="EAST-B", units=units).encode()
        answer = await made.http.post("/api/imports/stock", content=content)
        (fault,) = answer.json()["faults"]
        assert (answer.status_code, fault["row"], fault["what"]) == (422, 3, outside)
    places = "code,name,parent,type\n"
    for row, refused in (
        ("WEST-C,New,WEST,bin", 0), ("EAST-C,New,EAST,bin", 1), ("EAST-B,Mine,WEST,bin", 1),
        ("WEST-C,New,EAST,bin", 1), ("SOUTH,South,,warehouse", 1), ("LOOSE,Loose,,", 1),
    ):  # fmt: skip
        answer = await made.http.post("/api/imports/locations", content=(places + row).encode())
        assert answer.json()["refused"] == refused, (row, answer.text)
        assert not tells_of_east(row, answer.text)
    await made.post("/stock/move", **{"from": "WEST-B", "to": "WEST-C"}, sku="NUT", quantity=1)
    door.actor = OPEN
    by_location = (await made.get("/stock/NUT"))["by_location"]
    assert by_location == {"EAST-B": 27, "WEST-B": 19, "WEST-C": 1}


async def test_what_can_be_promised_is_told_of_the_places_that_were_granted(
    made: Bench, door: Somebody
) -> None:
    await fill(made)
    for name, more in (("WEST-wish", {"location": "WEST"}), ("anywhere", {})):
        await made.post("/reservations", id=name, sku="NUT", quantity=500, **more, backorder=True)
    figures = ("on_hand", "backordered")
    whole = await made.get("/stock/NUT/available")
    assert [whole[name] for name in figures] == [40, whole["backordered"]]
    door.is_(Role.ADMIN, "WEST")
    west: Any = await made.get("/stock/NUT/available")
    assert {one["location"] for one in west["places"]} == {"WEST-B"}
    assert (west["on_hand"], west["available"]) == (20, 20 - west["reserved"])
    assert 0 < west["backordered"] < int(str(whole["backordered"]))


async def test_feeds_are_found_and_shown_of_the_places_that_were_granted(
    made: Bench, door: Somebody
) -> None:
    await fill(made)
    await made.series.write([
        Point(measurement="device", tags={"edge": f"{code}-edge", "device": f"{code}-reader"},
              fields={"up": 1.0}, time_us=1_770_000_000_000_000)
        for code in ("WEST", "EAST")
    ])  # fmt: skip
    await made.put("/read-points/WEST-dock", kind="portal", location="WEST-B")
    await made.database.write(lambda c: _device(c, "WEST-edge", "WEST-reader", "WEST-dock"))
    every: Any = (await made.get("/series/feeds?limit=10"))["feeds"]
    assert {one["location"] or one["device"] for one in every} == {
        "WEST-B", "EAST-B", "WEST-reader", "EAST-reader",
    }  # fmt: skip
    door.is_(Role.ADMIN, "WEST")
    # What lies elsewhere is not counted either.
    some: Any = await made.get("/series/feeds?limit=2")
    assert [one["location"] or one["device"] for one in some["feeds"]] == ["WEST-B", "WEST-reader"]
    assert not some["more"]
    for one in every:
        here = "WEST" in one["key"]
        for path in ("/series", "/series/export", "/series/happenings"):
            answer = await made.http.get(path, params={"feed": one["key"]})
            assert answer.status_code == (200 if here else 403), answer.text


async def test_an_edge_is_for_who_was_granted_all_of_its_devices(
    made: Bench, door: Somebody
) -> None:
    await fill(made)
    await made.put("/read-points/WEST-dock", kind="portal", location="WEST-B")
    await made.database.write(lambda c: _device(c, "WEST-edge", "WEST-reader", "WEST-dock"))
    made.services.consoles.heard_of("site", "WEST-edge")
    page = {"accept": "text/html"}
    door.is_(Role.TECHNICIAN, "WEST")
    assert "WEST-reader" in (await made.http.get("/devices/WEST-edge/device/WEST-reader")).text
    assert (await made.http.get("/devices/WEST-edge/settings")).status_code == 200
    listed = (await made.http.get("/devices", headers=page)).text
    assert "WEST-edge" in listed
    assert "EAST" not in listed
    # With one device elsewhere its settings and its asks concern that one, too.
    await made.database.write(lambda c: _device(c, "WEST-edge", "other", "EAST-dock"))
    for path in ("", "/settings", "/health", "/ask/1"):
        assert (await made.http.get(f"/devices/WEST-edge{path}")).status_code == 403
    assert (await made.http.post("/devices/WEST-edge/do/restart", json={})).status_code == 403
    assert "WEST-edge" not in (await made.http.get("/devices", headers=page)).text
    door.is_(Role.TECHNICIAN, "WEST", "EAST")
    assert (await made.http.get("/devices/WEST-edge/settings")).status_code == 200


async def test_why_is_told_of_what_moved_to_or_from_a_place_that_was_granted(
    made: Bench, door: Somebody
) -> None:
    await fill(made)
    await made.post("/stock/move", id="over-0001", sku="NUT", quantity=1, source="EAST-B",
                    destination="WEST-B")  # fmt: skip
    door.is_(Role.ADMIN, "WEST")
    for path in ("/why", "/screen/movements"):
        assert (await made.http.get(f"{path}/over-0001")).status_code == 200
        assert (await made.http.get(f"{path}/EAST-first")).status_code == 404
    for unknown in ("EAST-pass", "EAST-review", "nothing-12345"):
        answer = await made.http.get(f"/why/{unknown}")
        assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (
            404, "nothing-known",
        )  # fmt: skip


def _device(conn: Connection, edge: str, device: str, read_point: str) -> None:
    conn.execute(insert(schema.device).values(edge=edge, device=device, read_point=read_point))
