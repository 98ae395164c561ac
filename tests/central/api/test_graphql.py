"""The GraphQL read API: what it answers, what it refuses, and what it asks of the database."""
# ruff: noqa: E501 (tables of queries)

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from central.access.model import Actor, Grant, Role
from central.alerts.watch import Watch
from central.api.graph import route
from central.config import GraphSection
from tests.central.harness import Bench, bench

PAGE = Path(__file__).parents[3] / "docs" / "graphql.md"


@pytest.fixture
async def made(tmp_path: Path, books_url: str) -> AsyncIterator[Bench]:
    async with bench(tmp_path, books_url) as opened:
        await _shop(opened)
        yield opened


async def _shop(made: Bench) -> None:
    """shop > shelf, with three items of which one is short, and a notice of more."""
    await made.post("/warehouses", code="shop", name="Shop")
    await made.post("/locations", code="shelf", name="Shelf", parent="shop", type="shelf")
    for sku, quantity in (("OAT-500", 12), ("RICE-1", 7), ("TEA-9", 2**40)):
        await made.post("/items", sku=sku, name=sku.title(), category="food")
        await made.post("/stock/receive", sku=sku, quantity=quantity, location="shelf")
    await made.post("/alerts/rules", id="few", kind="low", sku="OAT-500", limit=40)
    line = {"sku": "OAT-500", "quantity": 240}
    await made.post("/documents", id="asn-0001", kind="asn", destination="shelf", lines=[line])
    watch = Watch(made.database, made.tide)
    while await watch.step():
        pass


async def _ask(made: Bench, query: str, **variables: object) -> dict[str, Any]:
    answer = await made.http.post("/graphql", json={"query": query, "variables": variables})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def _data(made: Bench, query: str, **variables: object) -> Any:
    answer = await _ask(made, query, **variables)
    assert "errors" not in answer, answer["errors"]
    return answer["data"]


async def _refused(made: Bench, query: str, **variables: object) -> str:
    return str((await _ask(made, query, **variables))["errors"][0]["message"])


async def test_everything_hangs_together(made: Bench) -> None:
    data = await _data(
        made,
        """{
          alerts { nodes { says rule severity item { sku
            stock { onHand status location { code parent { code type } } }
            movements { seq quantity source { code kind } destination { code } eventTime }
            alerts { kind } parent { sku }
          } location { code } } next }
          documents { nodes { id kind lines { quantity item { name } } source { code } } }
          locations(under: "shop") { nodes { code children { code } stock { sku onHand } } }
          stock(sku: "TEA-9") { nodes { onHand item { category } } }
          reviews { nodes { id } next }
        }""",
    )
    (alert,) = data["alerts"]["nodes"]
    assert (alert["says"], alert["rule"]) == ("12 of OAT-500, minimum 40", "few")
    item = alert["item"]
    shelf = {"code": "shelf", "parent": {"code": "shop", "type": "warehouse"}}
    there = {"onHand": 12, "status": "available", "location": shelf}
    assert there in item["stock"]
    assert {"onHand": next(one["onHand"] for one in item["stock"] if one != there)} == {"onHand": -12}  # fmt: skip
    (moved,) = item["movements"]
    assert (moved["seq"], moved["quantity"], moved["source"]["kind"]) == (1, 12, "supplier")
    assert item["alerts"] == [{"kind": "low"}]
    (document,) = data["documents"]["nodes"]
    assert document["lines"] == [{"quantity": 240, "item": {"name": "Oat-500"}}]
    assert [one["code"] for one in data["locations"]["nodes"]] == ["shelf", "shop"]
    assert data["locations"]["nodes"][1]["children"] == [{"code": "shelf"}]
    assert data["stock"]["nodes"] == [{"onHand": 2**40, "item": {"category": "food"}}]
    assert data["reviews"] == {"nodes": [], "next": None}


async def test_listings_are_paged_to_the_end(made: Bench) -> None:
    for what, key in (
        ("items", "sku"),
        ("locations", "code"),
        ("stock", "sku"),
        ("movements", "id"),
    ):
        query = f"query($after: String) {{ {what}(first: 2, after: $after) {{ nodes {{ {key} }} next }} }}"  # fmt: skip
        seen: list[str] = []
        after: str | None = None
        while True:
            found = (await _data(made, query, after=after))[what]
            seen += [one[key] for one in found["nodes"]]
            after = found["next"]
            if after is None:
                break
        assert len(seen) == len(set(seen)) >= 3
    assert "begin again" in await _refused(made, '{ items(after: "x") { next } }')


async def test_many_things_are_asked_for_at_once(tmp_path: Path) -> None:
    async with bench(tmp_path) as made:
        await _shop(made)
        asked: list[str] = []

        @event.listens_for(made.database._reading, "before_cursor_execute")
        def _count(*args: Any) -> None:
            asked.append(args[2])

        query = """query($first: Int!) { items(first: $first) { nodes { sku parent { sku }
            stock { location { code parent { code } } } movements { source { code } }
            alerts { says } } } }"""
        counts = []
        for first in (1, 3):
            asked.clear()
            found = (await _data(made, query, first=first))["items"]["nodes"]
            assert len(found) == first
            counts.append(len(asked))
        assert counts[0] == counts[1] <= 7, asked


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("{ items { nodes { nonsense } } }", "Cannot query field"),
        ("{ items", "Syntax Error"),
        ("{ items(first: 101) { next } }", "`first` is 1 to 100"),
        ("{ items(first: 0) { next } }", "`first` is 1 to 100"),
        ('{ alerts(state: "x") { next } }', "`state` is one of open, cleared, all"),
        ("mutation { items { next } }", "mutation operation is not supported"),
        ('{ a: item(sku: "x") { sku } ' + " ".join(f'b{n}: item(sku: "x") {{ sku }}' for n in range(15)) + "}", "16 aliases found"),
        ('{ item(sku: "x") { ' + "parent { " * 11 + "sku" + " }" * 13, "exceeds maximum operation depth"),
        ("{ " + 'item(sku: "x") { sku } ' * 200 + "}", "token"),
        ("{ items(first: 100) { nodes { stock(first: 100) { onHand location { code } } } } }", "more than 20000"),
        ("query($n: Int!) { items(first: $n) { nodes { stock(first: $n) { onHand location { code } } } } }", "more than 20000"),
        ("{ items(first: 100) { nodes { ...a } } } fragment a on Item { stock(first: 100) { onHand lot sku } }", "more than 20000"),
        ('{ item(sku: "x") { ...a } } fragment a on Item { parent { ...a } }', "Cannot spread fragment"),
    ],
)  # fmt: skip
async def test_what_is_wrong_or_too_much_is_refused(tmp_path: Path, query: str, why: str) -> None:
    async with bench(tmp_path) as made:
        answer = await _ask(made, query, n=1)
        assert not answer["data"]
        assert any(why in one["message"] for one in answer["errors"]), answer["errors"]


async def test_introspection_and_the_whole_can_be_switched_off(tmp_path: Path) -> None:
    asked = {"query": "{ __schema { queryType { name } } }"}
    async with bench(tmp_path) as made:
        assert (await made.http.post("/graphql", json=asked)).json()["data"]
        for settings, found in (({"introspection": False}, 1), ({"enabled": False}, 0)):
            router = route.router(made.services, GraphSection.model_validate(settings))
            assert len(router.routes) == found
        schema = route.schema_of(GraphSection(introspection=False))
        refused = await schema.execute(asked["query"])
        assert refused.errors
        assert "introspection has been disabled" in str(refused.errors[0])


@pytest.mark.parametrize(
    ("grants", "seen", "why"),
    [
        ((Grant(role=Role.AUDITOR),), {"items", "stock", "alerts"}, ""),
        ((Grant(role=Role.TECHNICIAN),), {"items", "alerts"}, "it needs read:stock"),
        ((Grant(role=Role.MANAGER, location="shop"),), {"items", "stock"}, ""),
        ((), set(), "it needs read:catalogue"),
    ],
)
async def test_a_field_needs_what_its_route_needs(
    tmp_path: Path, grants: tuple[Grant, ...], seen: set[str], why: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    async with bench(tmp_path) as made:
        await _shop(made)
        actor = Actor(name="anna", grants=grants)
        monkeypatch.setattr(route, "actor_of", lambda _request: actor)
        told, refusals = set(), []
        for what in ("items", "stock", "alerts"):
            answer = await _ask(made, f"{{ {what} {{ nodes {{ __typename }} }} }}")
            if answer["data"] and answer["data"][what]["nodes"]:
                told.add(what)
            refusals += [one["message"] for one in answer.get("errors", ())]
        assert told == seen
        assert why in "".join(refusals)
        nested = await _ask(made, "{ items { nodes { stock { sku } } } }")
        assert bool(nested["data"]) == ("stock" in seen)


async def test_a_fault_within_is_not_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with bench(tmp_path) as made:

        def fails(*_: object, **__: object) -> None:
            raise RuntimeError("the password is 1234")

        monkeypatch.setattr("central.catalogue.items.list_items", fails)
        assert await _refused(made, "{ items { next } }") == "this failed within central"


async def test_the_queries_of_the_page_and_the_description_are_answered(made: Bench) -> None:
    queries = re.findall(r"```graphql\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(queries) == 3
    for query in queries:
        assert await _data(made, query)
    schemas = (await made.http.get("/openapi.json")).json()["components"]["schemas"]
    (example,) = schemas["QueryBody"]["examples"]
    answer = await made.http.post("/graphql", json=example)
    assert answer.json()["data"]["alerts"]["nodes"]
