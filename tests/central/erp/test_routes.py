"""ERP connections over HTTP: signed or with a key, looked up, tried again by REST and page."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import standardwebhooks

from central.access.model import Grant, Role
from tests.central.access.people import PASSWORD, hire, visitor
from tests.central.erp.desks import Office, example, opened
from tests.central.erp.test_inbox import LINE, ORDER
from tests.central.harness import Bench

SETTINGS = example("ours.toml")
SECRET = SETTINGS.connections["main"].secrets[0].get_secret_value()
SIGNED = "/hooks/erp/main/purchase-orders"


def signed(body: bytes, key: str = "m-1", secret: str = SECRET) -> dict[str, str]:
    now = datetime.now(UTC)
    return {
        "webhook-id": key,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": standardwebhooks.Webhook(secret).sign(key, now, body.decode()),
    }


def orders(*found: dict[str, Any]) -> bytes:
    return json.dumps({"orders": found}).encode()


@pytest.fixture
async def made(tmp_path: Path, books_url: str) -> AsyncIterator[Bench]:
    async with opened(tmp_path, books_url, SETTINGS) as ready:
        yield ready


async def applied(made: Bench) -> None:
    await Office(made.database, SETTINGS, made.tide).erp.desk.step()


async def test_what_is_signed_is_kept_at_once_and_applied_after(made: Bench) -> None:
    body = orders(ORDER)
    first = await made.http.post(SIGNED, content=body, headers=signed(body))
    assert (first.status_code, first.json()) == (
        202, {"message": 1, "key": "m-1", "state": "received"},
    )  # fmt: skip
    await applied(made)
    again = await made.http.post(SIGNED, content=body, headers=signed(body))
    assert (again.status_code, again.json()["state"]) == (200, "applied")
    other = orders(ORDER | {"supplier": "Other"})
    refused = await made.http.post(SIGNED, content=other, headers=signed(other))
    assert refused.status_code == 409
    assert refused.json()["type"] == "urn:tallyport:problem:other-content"
    shown: Any = await made.get("/erp/messages/1")
    assert json.loads(shown["raw"]) == json.loads(body)
    assert json.loads(shown["mapped"])[0]["verdict"] == "created"
    raw = await made.http.get("/erp/messages/1/raw")
    assert (raw.content, raw.headers["content-type"]) == (body, "application/octet-stream")


async def test_what_is_not_signed_as_it_should_be_is_not_kept(made: Bench) -> None:
    body = orders(ORDER)
    good = signed(body)
    old = {**good, "webhook-timestamp": str(int(good["webhook-timestamp"]) - 301)}
    other = signed(body, secret="whsec_" + "QUFB" * 10)
    for headers in ({}, old, other, good | {"webhook-id": "m-2"}):
        for path in (SIGNED, "/erp/main/purchase-orders"):
            answer = await made.http.post(path, content=body, headers=headers)
            assert answer.status_code == 401, path
    unknown = await made.http.post(
        "/hooks/erp/other/purchase-orders", content=body, headers=signed(body)
    )
    assert unknown.status_code == 401
    assert (await made.get("/erp/messages"))["rows"] == []
    with_key = await made.http.post("/erp/main/purchase-orders", content=body, headers=good)
    assert with_key.status_code == 202
    assert (await made.http.post("/erp/other/purchase-orders", content=b"")).status_code == 404


async def test_a_connection_without_secrets_needs_a_key_alone(
    tmp_path: Path, books_url: str
) -> None:
    settings = example("ours.toml", secrets=[], out=None)
    async with opened(tmp_path, books_url, settings) as made:
        path = "/erp/main/purchase-orders"
        for status in (202, 200):
            answer = await made.http.post(
                path, content=orders(ORDER), headers={"idempotency-key": "po-7890-1"}
            )
            assert (answer.status_code, answer.json()["key"]) == (status, "po-7890-1")
        assert (await made.http.post(SIGNED, content=b"{}")).status_code == 401


async def test_a_message_that_is_too_large_is_refused(made: Bench) -> None:
    body = b" " * ((8 << 20) + 1)
    assert (await made.http.post(SIGNED, content=body, headers=signed(body))).status_code == 413


async def dead_ones(made: Bench) -> None:
    for number in range(3):
        sku = "NEW" if number < 2 else "OAT"
        unit = "EA" if number < 2 else "KG"
        body = orders(
            ORDER | {"number": f"PO-{number}", "lines": [LINE | {"sku": sku, "unit": unit}]}
        )
        await made.http.post(SIGNED, content=body, headers=signed(body, f"m-{number}"))
    await applied(made)


async def test_dead_messages_are_found_by_their_reasons_and_tried_again(made: Bench) -> None:
    await dead_ones(made)
    found: Any = await made.get("/erp/reasons")
    assert [(one["reason"], one["messages"]) for one in found["rows"]] == [
        ("unknown-item", 2), ("unknown-value", 1),
    ]  # fmt: skip
    first: Any = await made.get("/erp/messages?reason=unknown-item&limit=1")
    rest: Any = await made.get(f"/erp/messages?reason=unknown-item&limit=1&after={first['next']}")
    assert [one["no"] for one in (*first["rows"], *rest["rows"])] == [2, 1]
    await made.post("/items", sku="NEW", name="New")
    asked = await made.post("/erp/messages/replay", 200, connection="main", reason="unknown-item")
    assert asked == {"messages": 2}
    await applied(made)
    states: Any = await made.get("/erp/messages")
    assert [one["state"] for one in states["rows"]] == ["dead", "applied", "applied"]
    conflict: Any = await made.post("/erp/messages/1/replay", 409)
    assert "is applied: it waits for nobody" in conflict["detail"]
    assert (await made.post("/erp/messages/3/discard", 200))["state"] == "discarded"
    await made.post("/erp/messages/99/discard", 404)
    audited: Any = await made.get("/audit?limit=9")
    actions = [one["action"] for one in audited["rows"] if "ERP message" in one["action"]]
    assert actions == ["discard ERP message", "replay ERP message", "replay ERP message"]


async def test_the_page_lists_shows_and_tries_again(made: Bench) -> None:
    await dead_ones(made)
    page = (await made.http.get("/screen/erp")).text
    assert "unknown item" in page
    assert "there is no item NEW" in page
    one = (await made.http.get("/screen/erp/3")).text
    assert "orders[0].lines[0].unit" in one
    assert "accepted: CS, DZ, EA" in one
    assert (await made.http.get("/screen/erp/99")).status_code == 404
    assert "No messages here" in (await made.http.get("/screen/erp?state=applied")).text
    await made.post("/items", sku="NEW", name="New")
    fields = {"connection": "main", "direction": "in", "reason": "unknown-item"}
    moved = await made.http.post("/screen/erp/replay", data=fields)
    assert (moved.status_code, moved.headers["location"]) == (303, "/screen/erp")
    await applied(made)
    given_up = await made.http.post("/screen/erp/3/discard", data={"csrf": ""})
    assert given_up.headers["location"] == "/screen/erp/3"
    listed: Any = await made.get("/erp/messages")
    assert [row["state"] for row in listed["rows"]] == ["discarded", "applied", "applied"]
    twice = await made.http.post("/screen/erp/3/discard", data={"csrf": ""})
    assert twice.status_code == 409
    assert "it waits for nobody" in twice.text
    wrong = await made.http.post("/screen/erp/replay", data={"direction": "sideways"})
    assert wrong.status_code == 422


async def test_a_strange_page_cannot_press_the_buttons_and_an_auditor_has_none(
    tmp_path: Path, books_url: str
) -> None:
    from central.api.access.door import LoginDoor
    from tests.central.harness import bench

    async with bench(tmp_path, books_url, LoginDoor, SETTINGS) as made:
        await hire(made, "mara", Grant(role=Role.MANAGER))
        await hire(made, "otto", Grant(role=Role.AUDITOR))
        body = b"{"
        answer = await made.http.post(SIGNED, content=body, headers=signed(body))
        assert answer.status_code == 202, "the signature is enough"
        await applied(made)
        async with visitor(made) as mara, visitor(made) as otto:
            for browser, name in ((mara, "mara"), (otto, "otto")):
                await browser.post("/login", data={"name": name, "password": PASSWORD})
            page = (await mara.get("/screen/erp/1")).text
            assert (await mara.post("/screen/erp/1/replay", data={"csrf": ""})).status_code == 403
            token = re.search(r'name="csrf" value="([^"]+)"', page)
            assert token is not None
            done = await mara.post("/screen/erp/1/discard", data={"csrf": token[1]})
            assert done.status_code == 303
            seen: httpx.Response = await otto.get("/screen/erp/1")
            assert seen.status_code == 200
            assert 'method="post"' not in seen.text
