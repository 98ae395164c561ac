"""Warehouses, the tree of places, and what lies on plates from when until when, over REST."""
# ruff: noqa: E501 (a table of requests)

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.central.harness import Bench, bench


@pytest.fixture
async def made(tmp_path: Path, books_url: str) -> AsyncIterator[Bench]:
    async with bench(tmp_path, books_url) as opened:
        yield opened


async def _warehouse(made: Bench) -> None:
    """WH-01 > R1 > B1, B2, and R2 beside R1; ten pieces of NUT in B1."""
    hamburg = {"code": "WH-01", "name": "Hamburg", "time_zone": "Europe/Berlin"}
    await made.post("/warehouses", address="Kaistrasse 1", **hamburg)
    for code, parent, kind in (
        ("R1", "WH-01", "rack"), ("R2", "WH-01", "rack"), ("B1", "R1", "bin"), ("B2", "R1", "bin"),
    ):  # fmt: skip
        await made.post("/locations", code=code, name=code, parent=parent, type=kind)
    await made.post("/items", sku="NUT", name="Nut", category="steel", unit_mg=2_000)
    await made.post("/stock/receive", sku="NUT", quantity=10, location="B1")


async def _patch(
    made: Bench, path: str, code: int = 200, tag: str | None = None, **body: object
) -> dict[str, Any]:
    headers = {} if tag is None else {"If-Match": tag}
    answer = await made.http.patch(path, json=body, headers=headers)
    assert answer.status_code == code, answer.text
    return dict(answer.json())


async def _tree(made: Bench, under: str) -> list[tuple[str, int]]:
    rows: Any = (await made.get(f"/locations?under={under}"))["rows"]
    return [(row["code"], row["depth"]) for row in rows]


async def test_a_subtree_moves_with_all_that_lies_in_it(made: Bench) -> None:
    await _warehouse(made)
    assert await _tree(made, "R1") == [("B1", 1), ("B2", 1), ("R1", 0)]
    await _patch(made, "/locations/R1", parent="R2")
    assert await _tree(made, "R2") == [("B1", 2), ("B2", 2), ("R1", 1), ("R2", 0)]
    assert (await made.get("/locations/B1"))["path"] == ["WH-01", "R2", "R1", "B1"]
    held: Any = await made.get("/locations/R2/inventory?subtree=true")
    assert [(row["location"], row["on_hand"]) for row in held["rows"]] == [("B1", 10)]
    assert (await made.get("/api/locations/R2/inventory"))["rows"] == []
    circle = await _patch(made, "/locations/R2", 422, parent="B1")
    assert "cannot be below itself" in circle["detail"]
    assert (await _patch(made, "/locations/R2", parent=None))["parent"] is None
    (change, *_) = (await made.get("/audit?action=change%20location"))["rows"]  # type: ignore[misc]
    assert (change["subject"], change["before"]["parent"]) == ("location R2", "WH-01")


async def test_a_listing_is_paged(made: Bench) -> None:
    await _warehouse(made)
    first = await made.get("/locations?under=WH-01&limit=3")
    second = await made.get(f"/locations?under=WH-01&limit=3&after={first['next']}")
    rows: Any = [*first["rows"], *second["rows"]]  # type: ignore[misc]
    assert [row["code"] for row in rows] == ["B1", "B2", "R1", "R2", "WH-01"]
    assert second["next"] is None


async def test_a_change_for_an_old_version_is_refused(made: Bench) -> None:
    await _warehouse(made)
    for path, change in (
        ("/locations/B1", {"name": "Bin 1"}),
        ("/warehouses/WH-01", {"address": "Kaistrasse 2"}),
    ):
        tag = (await made.http.get(path)).headers["etag"]
        assert (await _patch(made, path, tag=tag, **change))["version"] == 2
        stale = await _patch(made, path, 412, tag=tag, **change)
        assert "somebody changed it" in stale["detail"]
        await _patch(made, path, 412, tag='"nonsense"', **change)
        await _patch(made, path, tag="*", **change)
        assert (await made.get(path))["version"] == 3


async def test_a_command_that_breaks_a_rule_is_a_problem_that_says_which(made: Bench) -> None:
    await _warehouse(made)
    await _patch(made, "/locations/B2", rules={"max_units": 4, "categories": ["steel"]})
    move = {"sku": "NUT", "quantity": 5, "source": "B1", "destination": "B2"}
    problem = await made.post("/stock/move", status=409, **move)
    assert problem["type"] == "urn:tallyport:problem:rule-broken"
    full = "B2 takes 4 units and holds 0: no room for 5 more: 4 would fit; for the rest choose"
    assert full in str(problem["detail"])
    exceeded = {"place": "B2", "rule": "max_units", "most": 4, "held": 0, "more": 5}
    assert (problem["fits"], problem["full"]) == (4, [exceeded])
    await made.post("/stock/move", **move | {"quantity": 4})
    await made.post("/items", sku="OAT", name="Oats", category="food")
    order = {"sku": "OAT", "quantity": 1, "location": "B2"}
    problem = await made.post("/stock/receive", status=409, **order)
    assert (problem["fits"], problem["full"]) == (0, [exceeded | {"held": 4, "more": 1}])
    assert "takes only steel, and OAT is not among these" in str(problem["detail"])
    assert (await made.get("/locations/B2"))["rules"] == {"max_units": 4, "categories": ["steel"]}


async def test_a_place_has_so_much_room_for_goods_of_known_dimensions(made: Bench) -> None:
    await _warehouse(made)
    sizes = {"dimensions_mm": {"length": 300, "width": 200, "height": 100}, "unit_mg": 500_000}
    await made.post("/items", sku="BOX", name="Box", **sizes)
    await made.post("/stock/receive", sku="BOX", quantity=10, location="B1")
    rules = {"max_volume_mm3": 24_000_000, "max_mass_mg": 9_000_000}
    await _patch(made, "/locations/B2", rules=rules)
    move = {"sku": "BOX", "source": "B1", "destination": "B2"}
    await made.post("/stock/move", **move | {"quantity": 1})
    problem = await made.post("/stock/move", status=409, **move | {"quantity": 4})
    assert problem["detail"] == (
        "B2 has 24000000 mm3 and 6000000 mm3 are taken: no room for 24000000 mm3 more: 3 would "
        "fit; for the rest choose another place, or change its rules"
    )
    exceeded = {"place": "B2", "rule": "max_volume_mm3", "most": 24_000_000, "held": 6_000_000}
    assert (problem["full"], problem["fits"]) == ([exceeded | {"more": 24_000_000}], 3)
    await made.post("/stock/move", **move | {"quantity": 3})
    await made.post("/stock/move", sku="NUT", quantity=10, source="B1", destination="B2")
    flat = {"length": 300, "width": 200, "height": 50}
    await _patch(made, "/items/BOX", tag="*", dimensions_mm=flat)
    await made.post("/stock/move", **move | {"quantity": 4})
    await made.post("/stock/move", status=409, **move | {"quantity": 1})


async def test_a_place_is_retired_when_it_is_empty_and_nobody_needs_it(made: Bench) -> None:
    await _warehouse(made)
    await made.put("/read-points/door", kind="portal", location="B2")
    for code, why in (("B1", "holds 10"), ("R1", "B1 lies in"), ("B2", "point door posts")):
        refused = await _patch(made, f"/locations/{code}", 409, status="retired")
        assert why in refused["detail"]
    await made.post("/stock/move", sku="NUT", quantity=10, source="B1", destination="R2")
    assert (await _patch(made, "/locations/B1", status="retired"))["status"] == "retired"
    order = {"sku": "NUT", "quantity": 1, "location": "B1"}
    refused = await made.post("/stock/receive", status=409, **order)
    assert "B1 is retired" in str(refused["detail"])
    await _patch(made, "/locations/B1", status="active")
    await made.post("/stock/receive", **order)


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "said"),
    [
        ("POST", "/warehouses", {"code": "W", "name": "W", "time_zone": "Europe"}, 422, "IANA"),
        ("POST", "/warehouses", {"code": "R1", "name": "W"}, 409, "exists already"),
        ("PATCH", "/warehouses/WH-01", {"time_zone": "Mars/Base"}, 422, "Mars/Base"),
        ("PATCH", "/warehouses/R1", {"name": "x"}, 404, "no warehouse R1"),
        ("GET", "/warehouses/R1", None, 404, "no warehouse R1"),
        ("PATCH", "/locations/WH-01", {"parent": "R1"}, 422, "within no other"),
        ("PATCH", "/locations/WH-01", {"type": "rack"}, 422, "stays one"),
        ("PATCH", "/locations/supplier", {"name": "x"}, 422, "stays as it is"),
        ("PATCH", "/locations/nowhere", {"name": "x"}, 404, "nowhere"),
        ("POST", "/locations", {"code": "B1", "name": "x"}, 409, "exists already"),
        ("POST", "/locations", {"code": "N", "name": "x", "type": "warehouse"}, 422, "type"),
        ("POST", "/locations", {"code": "N", "name": "x", "parent": "scrap"}, 422, "not a place"),
        ("POST", "/locations", {"code": "N\0", "name": "x"}, 422, "code"),
        ("GET", "/locations?under=nowhere", None, 404, "nowhere"),
        ("PUT", "/read-points/s/plates/1", {"sku": "NUT", "unit_mg": 1, "valid_from": "1960-01-01T00:00:00Z"}, 422, "1970"),
    ],
)  # fmt: skip
async def test_what_makes_no_sense_is_refused(  # noqa: PLR0917 (a table)
    made: Bench, method: str, path: str, body: object, status: int, said: str
) -> None:
    await _warehouse(made)
    answer = await made.http.request(method, path, json=body)
    assert answer.status_code == status, answer.text
    assert said in answer.json()["detail"]


async def test_warehouses_are_listed_with_their_zone(made: Bench) -> None:
    await _warehouse(made)
    (found,) = (await made.get("/warehouses"))["rows"]  # type: ignore[misc]
    assert (found["code"], found["address"]) == ("WH-01", "Kaistrasse 1")
    assert found["time_zone"] == "Europe/Berlin"
    assert (await made.get("/locations/WH-01"))["type"] == "warehouse"


async def test_a_plan_for_later_stands_in_the_history_and_not_on_the_plate(made: Bench) -> None:
    await _warehouse(made)
    await made.post("/items", sku="BOLT", name="Bolt")
    await made.put("/read-points/shelf", kind="shelf", location="B1")
    plate = "/read-points/shelf/plates/1"
    await made.put(plate, sku="NUT", unit_mg=2_000)
    await made.put(plate, sku="BOLT", unit_mg=5_000, valid_from="2999-01-05T06:00:00+01:00")
    await made.put(plate, sku="NUT", unit_mg=2_100)
    (point,) = (await made.get("/read-points"))["rows"]  # type: ignore[misc]
    assert [(one["sku"], one["unit_mg"]) for one in point["plates"]] == [("NUT", 2_100)]
    rows: Any = (await made.get(f"{plate}/history"))["rows"]
    assert [(row["sku"], row["unit_mg"]) for row in rows] == [
        ("NUT", 2_000), ("BOLT", 5_000), ("NUT", 2_100),
    ]  # fmt: skip
    first, later, now = rows
    assert later["valid_from"] == now["valid_until"] == "2999-01-05T05:00:00Z"
    assert later["valid_until"] is None
    assert first["valid_until"] == now["valid_from"] == now["said_at"]
    (*_, entry) = (await made.get("/audit?subject=plate%20shelf/1"))["rows"]  # type: ignore[misc]
    assert (entry["action"], entry["before"], entry["after"]["sku"]) == ("plan plate", None, "NUT")
