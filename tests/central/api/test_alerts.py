"""Alert rules and alerts, over REST."""
# ruff: noqa: E501 (a table of requests)

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from central.alerts.telling.delivery import Delivery
from central.alerts.telling.fan_out import FanOut
from central.alerts.telling.mail import Mail
from central.alerts.watch import Watch
from tests.central.alerts.servers import MailServer
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
        for example in schemas["ChannelBody"]["examples"]:
            await made.post("/alerts/channels", **example)
        (state,) = schemas["ChannelState"]["examples"]
        put = await made.http.put("/alerts/channels/night-shift", json=state, headers={"If-Match": "*"})  # fmt: skip
        assert put.status_code == 200
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


ANNA = {"code": "anna", "kind": "email", "to": ["anna@shop.example"], "least": "warning"}


async def test_a_channel_is_kept_tried_and_taken_away(made: Bench, tmp_path: Path) -> None:
    await _shop(made)
    server = MailServer(tmp_path)
    async with server.running():
        made.services.ways = {"email": Mail(server.settings, "")}
        shown = await made.post("/alerts/channels", **ANNA)
        assert shown["has_secret"] is False
        await made.post("/alerts/channels", status=409, **ANNA)
        path = "/alerts/channels/anna"
        assert await made.post(f"{path}/test", status=200) == {"works": True, "why": ""}
        assert "a trial of channel anna" in str(server.mail[0]["Subject"])
        tag = (await made.http.get(path)).headers["etag"]
        state = {name: value for name, value in ANNA.items() if name != "code"}
        state |= {"to": ["gone@shop.example"]}
        server.unknown = {"gone@shop.example"}
        changed = await made.http.put(path, json=state, headers={"If-Match": tag})
        assert (changed.status_code, changed.json()["version"]) == (200, 2)
        assert (await made.http.put(path, json=state, headers={"If-Match": tag})).status_code == 412
        tried = await made.post(f"{path}/test", status=200)
        assert tried["works"] is False
        assert "nobody of that name" in str(tried["why"])
    await made.post("/alerts/rules", **FEW, tell=["anna"])
    refused = await made.http.delete(path)
    assert (refused.status_code, "few names channel anna" in refused.text) == (409, True)
    await made.http.delete("/alerts/rules/few")
    assert (await made.http.delete(path)).status_code == 204
    assert (await made.get("/alerts/channels"))["rows"] == []
    await made.post(f"{path}/test", status=404)


async def test_what_was_told_is_listed_and_the_dead_are_sent_again(
    made: Bench, tmp_path: Path
) -> None:
    await _shop(made)
    await made.post("/alerts/channels", **ANNA)
    await made.post("/alerts/rules", **FEW)
    await _look(made)
    server = MailServer(tmp_path)
    async with server.running():
        delivery = Delivery(made.database, made.tide, {"email": Mail(server.settings, "")})
        server.unknown = {"anna@shop.example"}
        await delivery.step()
        (dead,) = (await made.get("/alerts/messages?state=dead&channel=anna"))["rows"]  # type: ignore[misc]
        assert dead["message"]["told"][0]["says"] == "12 of OAT-500 in shop, minimum 40"
        server.unknown.clear()
        path = f"/alerts/messages/{dead['message']['id']}/resend"
        assert (await made.post(path, status=200))["state"] == "due"
        await delivery.step()
        await made.post(path, status=409)
    (sent,) = (await made.get("/alerts/messages?limit=1"))["rows"]  # type: ignore[misc]
    assert (sent["state"], len(server.mail)) == ("sent", 1)
    await made.post("/alerts/messages/none/resend", status=404)


async def test_nothing_shows_a_secret(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with bench(tmp_path) as made:
        made.services.ways = {"apprise": FanOut("")}
        secret = "ntfy://hidden-user:hidden-password@127.0.0.1:1/hidden-topic"
        body = {"code": "push", "kind": "apprise", "secret": secret}
        answers = [await made.http.post("/alerts/channels", json=body)]
        assert answers[0].status_code == 201
        assert answers[0].json()["has_secret"]
        state = {"kind": "apprise", "name": "Push"}
        tag = {"If-Match": "*"}
        answers += [await made.http.put("/alerts/channels/push", json=state, headers=tag)]
        assert answers[1].json()["has_secret"], "a null one stays what it is"
        answers += [await made.http.post("/alerts/channels/push/test")]
        assert answers[2].json()["works"] is False
        for wrong in ({"to": ["x"]}, {"secret": f"{secret}{'x' * 2_000}"}, {"time_zone": "x"}):
            answers += [
                await made.http.post("/alerts/channels", json={**body, "code": "b", **wrong})
            ]
            assert answers[-1].status_code == 422
        for path in ("/alerts/channels", "/alerts/channels/push", "/audit", "/alerts/messages"):
            answers += [await made.http.get(path)]
        assert [one.status_code for one in answers[-4:]] == [200] * 4
    told = "".join(one.text for one in answers) + caplog.text
    assert "hidden" not in told


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"to": []}, "names in `to`"),
        ({"to": ["anna"]}, "no address of mail"),
        ({"to": ["a@b.c\r\nBcc: x@y.z"]}, "no address of mail"),
        ({"secret": "x"}, "stands in [mail]"),
        ({"kind": "apprise", "to": []}, "no URL of a service"),
        ({"kind": "apprise", "to": [], "secret": "syslog://"}, "only the machine"),
        ({"kind": "mqtt"}, "tp/v1/events/alerts/anna"),
        ({"kind": "webhook"}, "one URL"),
        ({"kind": "webhook", "to": ["ftp://x"]}, "one URL"),
        ({"kind": "webhook", "to": ["https://x"], "secret": "whsec_c2hvcnQ="}, "openssl"),
        ({"time_zone": "Europe"}, "IANA"),
        ({"quiet": [{"start": "22:00"}]}, "end"),
    ],
)
async def test_a_channel_that_leads_nowhere_is_refused(
    tmp_path: Path, changes: dict[str, object], said: str
) -> None:
    async with bench(tmp_path) as made:
        problem = await made.post("/alerts/channels", status=422, **ANNA | changes)
        assert said in str(problem["detail"])
