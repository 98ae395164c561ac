"""Reservations over REST: two hundred clients at one hot item, and each route."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from central.api.reservations import FulfilBody, ReserveBody
from central.reservations.projection import check_reserved, oversold
from tests.central.harness import Bench, bench, served

CLIENTS = 200


@pytest.fixture
async def made(tmp_path: Path, books_url: str) -> AsyncIterator[Bench]:
    async with bench(tmp_path, books_url) as opened:
        yield opened


def example(body: type[ReserveBody | FulfilBody]) -> dict[str, Any]:
    extra: Any = body.model_config["json_schema_extra"]
    return dict(extra["examples"][0])


async def _stock(made: Bench, quantity: int = 150) -> None:
    await made.post("/warehouses", code="WH-01", name="Hamburg")
    await made.post("/items", sku="ABC-12345", name="Wireless mouse")
    await made.post("/stock/receive", sku="ABC-12345", quantity=quantity, location="WH-01")


async def test_two_hundred_clients_promise_nothing_twice(made: Bench) -> None:
    await _stock(made)
    told: Counter[int] = Counter()

    async def client(url: str, number: int) -> None:
        """A connection of its own, two wishes on it."""
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        for turn in range(2):
            told[await _reserved(reader, writer, f"client-{number}-{turn}")] += 1
        writer.close()
        await writer.wait_closed()

    async with served(made) as url:
        await asyncio.gather(*(client(url, number) for number in range(CLIENTS)))
    free = await made.get("/stock/ABC-12345/available")
    assert told == {201: 150, 409: 250}
    assert (free["on_hand"], free["reserved"], free["available"]) == (150, 150, 0)
    assert made.database.read_now(check_reserved) == []
    assert made.database.read_now(oversold) == []
    counted = made.services.reserving.counters
    assert (counted["commands"], counted["refused"]) == (400, 250)
    assert counted["groups"] < 400


async def _reserved(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, name: str) -> int:
    """Ask for one piece; the status of the answer."""
    body = json.dumps({"id": name, "sku": "ABC-12345", "quantity": 1})
    writer.write(
        f"POST /reservations HTTP/1.1\r\nHost: central\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
    )
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    length = head.partition("content-length: ")[2].partition("\r\n")[0]
    await reader.readexactly(int(length))
    return int(head.split()[1])


async def test_a_reservation_is_made_extended_and_leaves(made: Bench) -> None:
    await _stock(made)
    wish = example(ReserveBody)
    one = await made.post("/reservations", **wish)
    assert one["parts"] == [{"lot": "", "location": "WH-01", "units": 2}]
    assert (await made.post("/reservations", status=200, **wish))["repeated"]
    await made.post("/reservations", status=409, **wish | {"quantity": 3})
    path = f"/reservations/{wish['id']}"
    later = await made.post(f"{path}/extend", status=200, expires_at="2031-01-01T00:00:00Z")
    assert later["expires_at"] == "2031-01-01T00:00:00Z"
    leaving = example(FulfilBody)
    done = await made.post(f"{path}/fulfil", **leaving)
    assert (done["status"], done["held"], done["fulfilled"]) == ("fulfilled", 0, 2)
    assert (await made.post(f"{path}/fulfil", status=200, **leaving))["repeated"]
    refused = await made.post(f"{path}/fulfil", status=409, quantity=1)
    assert refused["type"] == "urn:tallyport:problem:reservation-settled"
    free = await made.get("/stock/ABC-12345/available")
    assert (free["on_hand"], free["reserved"]) == (148, 0)


async def test_what_is_promised_cannot_be_shipped_and_is_listed(made: Bench) -> None:
    await _stock(made, 10)
    for number, quantity in enumerate((8, 4)):
        wish: dict[str, Any] = {"id": f"basket-{number}", "sku": "ABC-12345", "backorder": True}
        await made.post("/reservations", quantity=quantity, **wish)
    move: dict[str, Any] = {
        "sku": "ABC-12345",
        "quantity": 1,
        "source": "WH-01",
        "destination": "customer",
    }
    refused = await made.post("/stock/move", status=409, **move)
    assert refused["type"] == "urn:tallyport:problem:stock-reserved"
    waits: Any = (await made.get("/reservations?backordered=true"))["rows"]
    assert [(one["id"], one["missing"]) for one in waits] == [("basket-1", 2)]
    first = await made.get("/reservations?limit=1&sku=ABC-12345")
    assert first["next"] == "basket-0"
    released = await made.post("/reservations/basket-0/release", status=200)
    assert (released["status"], released["parts"]) == ("released", [])
    assert (await made.get("/reservations/basket-1"))["held"] == 4  # what came free is its now
    assert (await made.get("/stock/ABC-12345/available"))["available"] == 6
    await made.post("/stock/move", **move)
    await made.get("/reservations/basket-7", status=404)
    await made.get("/stock/NOTHING/available", status=404)
