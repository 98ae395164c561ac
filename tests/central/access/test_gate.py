"""Nobody gets through who was not granted it, and no further than the places of the grant."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.requests import HTTPConnection
from starlette.responses import Response

from central.access.model import OPEN, PERMISSIONS, PUBLIC, SIGNED_IN, Actor, Grant, Role
from central.api import problems
from central.api.access.gate import Gate, guard
from central.api.access.routes import Asked, asked_of
from central.api.permits import needs
from tests.central.harness import Bench, bench


class Somebody:
    """A door that takes everybody for ``actor``."""

    def __init__(self) -> None:
        self.actor: Actor | None = OPEN

    async def who(self, request: HTTPConnection, asked: Asked) -> Actor | None:
        return self.actor

    def stranger(self, request: HTTPConnection) -> Response:
        return problems.answer(401, "say who you are")

    def is_(self, role: Role, *places: str) -> None:
        grants = tuple(Grant(role=role, location=place) for place in places or (None,))
        self.actor = Actor(name="anna", grants=grants)


@pytest.fixture
def door() -> Somebody:
    return Somebody()


@pytest.fixture
async def made(tmp_path: Path, books_url: str, door: Somebody) -> AsyncIterator[Bench]:
    """WH-1 > R1 > B1 and WH-2 > B2, with ten nuts in each bin."""
    async with bench(tmp_path, books_url, door) as opened:
        for code in ("WH-1", "WH-2"):
            await opened.post("/warehouses", code=code, name=code)
        for code, parent in (("R1", "WH-1"), ("B1", "R1"), ("B2", "WH-2")):
            await opened.post("/locations", code=code, name=code, parent=parent)
        await opened.post("/items", sku="NUT", name="Nut")
        for code in ("B1", "B2"):
            await opened.post(
                "/stock/receive", id=f"first-{code}", sku="NUT", quantity=10, location=code
            )
        yield opened


async def test_every_route_says_what_it_needs_and_has_a_gate(made: Bench) -> None:
    known = {*PERMISSIONS, PUBLIC, SIGNED_IN}
    routes: Any = made.app.router.routes
    silent = [
        f"{' '.join(sorted(asked.methods))} {asked.path}: {asked.permission}"
        for asked in map(asked_of, routes)
        if asked.permission not in known
    ]
    assert not silent, "needs(...) of a permission that central/access/model.py knows is missing"
    open_ = [route.path for route in routes if not isinstance(route.app, Gate)]
    assert not open_, "these routes were added behind guard(...) in central/api/application.py"


async def test_a_route_that_does_not_say_what_it_needs_is_for_nobody(door: Somebody) -> None:
    app = FastAPI()

    async def answer() -> str:
        return "in"

    app.add_api_route("/silent", answer)
    app.add_api_route("/unheard-of", answer, openapi_extra=needs("read:secrets"))
    app.add_api_route("/said", answer, openapi_extra=needs("read:stock"))
    guard(app.router.routes, door)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://central") as http:
        silent, unheard_of = await http.get("/silent"), await http.get("/unheard-of")
        assert (silent.status_code, unheard_of.status_code) == (403, 403)
        assert "does not say who may use it" in silent.json()["detail"]
        assert unheard_of.json()["needed"] == "read:secrets"
        assert (await http.get("/said")).status_code == 200
        assert (await http.get("/docs")).status_code == 403  # FastAPI's own says nothing


async def test_strangers_are_asked_who_they_are_but_for_health(made: Bench, door: Somebody) -> None:
    door.actor = None
    assert (await made.http.get("/healthz")).status_code == 200
    assert (await made.http.get("/static/app.css")).status_code == 200
    for path in ("/", "/live", "/metrics", "/stock/NUT", "/openapi.json", "/docs"):
        assert (await made.http.get(path)).status_code == 401, path
    unread = await made.http.post("/items", content=b"{", headers={"content-type": "text/xml"})
    assert unread.status_code == 401


async def test_a_role_may_what_it_may_and_nothing_else(made: Bench, door: Somebody) -> None:
    door.is_(Role.AUDITOR)
    await made.get("/audit")
    refused = await made.post("/stock/receive", 403, sku="NUT", quantity=1, location="B1")
    assert refused["needed"] == "write:stock"
    door.is_(Role.OPERATOR)
    await made.post("/stock/receive", sku="NUT", quantity=1, location="B1")
    await made.get("/audit", 403)
    assert door.actor is not None
    door.actor = Actor(name="key", grants=door.actor.grants, scopes=frozenset({"read:stock"}))
    await made.get("/stock/NUT")
    await made.post("/stock/receive", 403, sku="NUT", quantity=1, location="B1")


async def test_who_was_granted_some_places_sees_those_alone(made: Bench, door: Somebody) -> None:
    door.is_(Role.MANAGER, "WH-1")
    assert (await made.get("/stock/NUT"))["by_location"] == {"B1": 10}
    rows: Any = (await made.get("/api/inventory"))["rows"]
    assert [row["location"] for row in rows] == ["B1"]
    rows = (await made.get("/movements"))["rows"]
    assert [row["id"] for row in rows] == ["first-B1"]
    await made.get("/movements/first-B1")
    await made.get("/movements/first-B2", 404)
    rows = (await made.get("/locations"))["rows"]
    assert [row["code"] for row in rows] == ["B1", "R1", "WH-1"]
    rows = (await made.get("/warehouses"))["rows"]
    assert [row["code"] for row in rows] == ["WH-1"]
    await made.get("/items/NUT")
    for path in ("/locations/B2", "/locations/B2/inventory", "/warehouses/WH-2"):
        told = await made.get(path, 403)
        assert "outside the places" in str(told["detail"])
    for path in ("/", "/audit", "/metrics", "/kpis"):
        assert "for some places only" in str((await made.get(path, 403))["detail"])
    door.is_(Role.OPERATOR, "R1", "WH-2")
    assert (await made.get("/stock/NUT"))["on_hand"] == 20


async def test_who_was_granted_some_places_moves_within_those_alone(
    made: Bench, door: Somebody
) -> None:
    door.is_(Role.MANAGER, "R1")
    nuts: dict[str, Any] = {"sku": "NUT", "quantity": 1}
    await made.post("/stock/receive", **nuts, location="B1")
    await made.post("/stock/move", **nuts, source="B1", destination="R1")
    await made.post("/stock/move", **nuts, source="B1", destination="customer")
    for source, destination, outside in (
        ("B1", "B2", "B2"), ("B2", "B1", "B2"), ("B1", "WH-1", "WH-1"),
        ("supplier", "B2", "B2"), ("supplier", "customer", "supplier and customer"),
    ):  # fmt: skip
        ends = {"source": source, "destination": destination}
        told = await made.post("/stock/move", 403, **nuts, **ends)
        assert told["detail"] == f"you were not granted to move goods at {outside}"
        assert told["type"] == "urn:tallyport:problem:out-of-reach"
    await made.post("/locations", code="B1a", name="x", parent="B1")
    await made.post("/locations", 403, code="B2a", name="x", parent="B2")
    await made.post("/locations", 403, code="ROOT", name="x")
    await made.post("/warehouses", 403, code="WH-3", name="x")
    for change in ({"parent": None}, {"parent": "B2"}):
        assert (await made.http.patch("/locations/B1a", json=change)).status_code == 403
    assert (await made.http.patch("/locations/B2", json={"name": "mine"})).status_code == 403
    await made.post("/items", 403, sku="BOLT", name="Bolt")
    door.actor = OPEN
    assert (await made.get("/stock/NUT"))["by_location"] == {"B1": 9, "B2": 10, "R1": 1}


async def test_the_audit_names_who_it_was(made: Bench, door: Somebody) -> None:
    door.is_(Role.MANAGER)
    await made.post("/locations", code="DOCK", name="x", parent="WH-1")
    rows: Any = (await made.get("/audit?action=add%20location"))["rows"]
    assert rows[0]["actor"].startswith("anna")


async def test_commands_that_are_grouped_reach_no_further_than_each_client(
    made: Bench, door: Somebody
) -> None:
    nuts: dict[str, Any] = {"sku": "NUT", "quantity": 1, "location": "B2"}

    async def receive(places: tuple[str, ...]) -> int:
        door.is_(Role.OPERATOR, *places)
        return (await made.http.post("/stock/receive", json=nuts)).status_code

    asked = [("WH-1",), (), ("WH-2",), ("R1",), ()] * 3
    told = await asyncio.gather(*(receive(places) for places in asked))
    assert told == [403, 201, 201, 403, 201] * 3
    assert made.services.posting.counters["groups"] < len(asked)


async def test_openapi_says_how_each_route_is_let_into(made: Bench) -> None:
    described: Any = made.app.openapi()
    schemes = described["components"]["securitySchemes"]
    assert {name: one["type"] for name, one in schemes.items()} == {
        "key": "http", "token": "oauth2", "session": "apiKey", "csrf": "apiKey",
    }  # fmt: skip
    scopes = schemes["token"]["flows"]["clientCredentials"]["scopes"]
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            needed, security = operation["x-permission"], operation["security"]
            if needed == PUBLIC:
                assert security == [], path
                continue
            asked = [] if needed == SIGNED_IN else [needed]
            session = (
                {"session": []} if method in {"get", "options"} else {"session": [], "csrf": []}
            )
            assert security == [{"key": []}, {"token": asked}, session], path
            assert set(asked) <= scopes.keys()
