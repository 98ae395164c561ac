"""Alert rules and alerts, over REST."""
# ruff: noqa: E501 (a table of requests)

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from central.alerts.watch import Watch
from tests.central.harness import Bench, bench

FEW = {"id": "few", "kind": "low", "sku": "OAT-500", "location": "shop", "limit": 40, "margin": 10}


@pytest.fixture
async def made(tmp_path: Path, books_url: str) -> AsyncIterator[Bench]:
    async with bench(tmp_path, books_url) as opened:
        yield opened


async def _shop(made: Bench) -> None:
    """12 packs of oats on a shelf of the shop."""
    await made.post("/warehouses", code="shop", name="Shop")
    await made.post("/locations", code="shelf", name="Shelf", parent="shop")
    await made.post("/items", sku="OAT-500", name="Oats", category="food")
    await made.post("/stock/receive", sku="OAT-500", quantity=12, location="shelf")


async def _look(made: Bench) -> None:
    watch = Watch(made.database, made.tide)
    while await watch.step():
        pass


async def test_an_alert_is_seen_to_and_its_story_is_told(made: Bench) -> None:
    await _shop(made)
    await made.post("/alerts/rules", **FEW)
    await made.post("/alerts/rules", status=200, **FEW)
    await _look(made)
    (alert,) = (await made.get("/alerts?kind=low&severity=warning&location=shop&sku=OAT-500"))[
        "rows"
    ]  # type: ignore[misc]
    assert (alert["says"], alert["rule"], alert["state"]) == ("12 of OAT-500 in shop, minimum 40", "few", "raised")  # fmt: skip
    path = f"/alerts/{alert['no']}"
    seen = await made.post(f"{path}/acknowledge", status=200, note="two pallets come at noon")
    assert (seen["state"], seen["acknowledged_by"]) == ("acknowledged", "api")
    assert await made.post(f"{path}/acknowledge", status=200) == seen
    until = "2026-01-31T08:00:00Z"
    past = await made.post(f"{path}/snooze", status=422, until=until)
    assert "to come" in str(past["detail"])
    both = await made.post(f"{path}/snooze", status=422, until=until, minutes=1)
    assert "either minutes or until" in str(both["detail"])
    asleep = await made.post(f"{path}/snooze", status=200, until=_in_a_week(), note="delivery")
    assert asleep["snoozed_until_us"]
    await made.post("/stock/receive", sku="OAT-500", quantity=38, location="shelf")
    await _look(made)
    assert (await made.get("/alerts"))["rows"] == []
    over: Any = await made.get(path)
    assert [(one["what"], one["by"], one["note"]) for one in over["history"]] == [
        ("raised", "", ""),
        ("acknowledged", "api", "two pallets come at noon"),
        ("snoozed", "api", "delivery"),
        ("cleared", "", ""),
    ]
    refused = await made.post(f"{path}/acknowledge", status=409)
    assert (refused["type"], "is over" in str(refused["detail"])) == ("urn:tallyport:problem:is-over", True)  # fmt: skip
    listed: Any = (await made.get("/alerts?state=cleared&limit=1"))["rows"]
    assert [one["no"] for one in listed] == [alert["no"]]


def _in_a_week() -> str:
    return (datetime.now(UTC) + timedelta(days=7)).isoformat()


async def test_rules_are_changed_by_who_has_seen_them_and_the_audit_keeps_it(made: Bench) -> None:
    await _shop(made)
    await made.post("/alerts/rules", **FEW)
    path = "/alerts/rules/few"
    tag = (await made.http.get(path)).headers["etag"]
    state = {name: value for name, value in FEW.items() if name != "id"} | {"limit": 60}
    assert (await made.http.put(path, json=state)).status_code == 428
    changed = await made.http.put(path, json=state, headers={"If-Match": tag})
    assert (changed.status_code, changed.json()["version"]) == (200, 2)
    assert (await made.http.put(path, json=state, headers={"If-Match": tag})).status_code == 412
    again = await made.http.put(path, json=state, headers={"If-Match": changed.headers["etag"]})
    assert again.headers["etag"] == changed.headers["etag"], "nothing changed"
    rows: Any = (await made.get("/alerts/rules?kind=low&sku=OAT-500&location=shop"))["rows"]
    assert [one["limit"] for one in rows] == [60]
    assert (await made.http.delete(path)).status_code == 200
    await made.get(path, 404)
    entries: Any = (await made.get("/audit?subject=alert%20rule%20few"))["rows"]
    assert [(one["action"], (one["before"] or {}).get("limit")) for one in entries] == [
        ("remove alert rule", 60),
        ("change alert rule", 40),
        ("add alert rule", None),
    ]


async def test_it_is_told_which_rule_holds_and_instead_of_which(made: Bench) -> None:
    await _shop(made)
    await made.post("/alerts/rules", **FEW)
    everything = {"kind": "low", "location": "shop", "limit": 5}
    await made.post("/alerts/rules", id="food", category="food", **everything)
    await made.post("/alerts/rules", id="any", **everything)
    (row,) = (await made.get("/items/OAT-500/alert-rules"))["rows"]  # type: ignore[misc]
    assert row == {
        "rule": "few", "kind": "low", "location": "shop", "each": False, "limit": 40, "margin": 10,
        "value": 12, "met": True, "instead_of": ["food", "any"],
    }  # fmt: skip
    await made.get("/items/NO/alert-rules", 404)


@pytest.mark.parametrize(
    ("changes", "status", "said"),
    [
        ({"sku": "NO"}, 404, "NO"),
        ({"location": "nowhere"}, 404, "nowhere"),
        ({"location": "supplier"}, 422, "end of the books"),
        ({"category": "food"}, 422, "not for both"),
        ({"kind": "device"}, 422, "names no item"),
        ({"kind": "unexplained"}, 422, "names no place"),
        ({"kind": "idle", "sku": None, "location": None}, 422, "names the location"),
        ({"kind": "over", "margin": 41}, 422, "never be cleared"),
        ({"tell": ["nobody"]}, 404, "no alert channel nobody"),
        ({"muted": [{"start": "24:00", "end": "06:00"}]}, 422, "start"),
        ({"limit": -1}, 422, "limit"),
        ({"id": "two words"}, 422, "id"),
        ({"limit": 41}, 409, "few exists already"),
    ],
)
async def test_a_rule_that_makes_no_sense_is_refused(
    tmp_path: Path, changes: dict[str, object], status: int, said: str
) -> None:
    async with bench(tmp_path) as made:
        await _shop(made)
        if status == 409:
            await made.post("/alerts/rules", **FEW)
        problem = await made.post("/alerts/rules", status=status, **FEW | changes)
        assert said in str(problem["detail"])


async def test_the_examples_of_the_description_work(tmp_path: Path) -> None:
    async with bench(tmp_path) as made:
        await _shop(made)
        schemas = (await made.http.get("/openapi.json")).json()["components"]["schemas"]
        for example in schemas["RuleBody"]["examples"]:
            await made.post("/alerts/rules", **example)
        (state,) = schemas["RuleState"]["examples"]
        put = await made.http.put("/alerts/rules/oats-in-the-shop", json=state, headers={"If-Match": "*"})  # fmt: skip
        assert put.status_code == 200
        await _look(made)
        (alert,) = (await made.get("/alerts"))["rows"]  # type: ignore[misc]
        for name, command in (("AcknowledgeBody", "acknowledge"), ("SnoozeBody", "snooze")):
            (example,) = schemas[name]["examples"]
            await made.post(f"/alerts/{alert['no']}/{command}", status=200, **example)
