"""Work for people who try the demo on a phone: goods to receive, to pick and to count.

It lies in a room of its own, beside what the emulated world plays in: what people do there
does not disturb the comparison at the end.
"""

from __future__ import annotations

from typing import Any

from tallyport.demo.client import Api

__all__ = ["ROOM", "is_of_people", "open_tasks"]

ROOM = "room"
_BINS = ("room-1", "room-2", "room-3")
_NUT, _BOLT, _MILK = "09521234000013", "09521234000020", "09521234000037"


def is_of_people(row: dict[str, Any]) -> bool:
    """Whether a row of the inventory lies where people work."""
    return str(row["location"]).startswith(ROOM)


async def open_tasks(api: Api) -> None:
    """A room with bins, items with barcodes, and one task of each kind."""
    await api.send("POST", "/warehouses", {"code": ROOM, "name": "Stock room"})
    for code, name in (("room-dock", "Room dock"), ("room-out", "Room exit")):
        await _place(api, code, name, "dock")
    for code in _BINS:
        await _place(api, code, f"Bin {code[-1]}", "bin")
    for sku, name, gtin in (("NUT-M4", "Nut M4", _NUT), ("BOLT-M4", "Bolt M4", _BOLT)):
        await api.send("POST", "/items", {"sku": sku, "name": name, "gtins": [{"gtin": gtin}]})
    milk: dict[str, object] = {"sku": "MILK-1L", "name": "Milk, 1 l", "tracking": "lot"}
    await api.send("POST", "/items", milk | {"gtins": [{"gtin": _MILK}]})
    for sku, quantity, place in (("NUT-M4", 30, "room-3"), ("BOLT-M4", 8, "room-2")):
        received: dict[str, object] = {"id": f"room-{sku}", "sku": sku}
        await api.send(
            "POST", "/stock/receive", received | {"quantity": quantity, "location": place}
        )
    await _orders(api)


async def _place(api: Api, code: str, name: str, kind: str) -> None:
    body: dict[str, object] = {"code": code, "name": name, "parent": ROOM, "type": kind}
    await api.send("POST", "/locations", body)


async def _orders(api: Api) -> None:
    await api.send(
        "POST",
        "/api/orders/inbound",
        {
            "id": "demo-po-1", "supplier": "Acme", "reference": "PO-1", "location": "room-dock",
            "lines": [{"line": "1", "sku": "NUT-M4", "quantity": 10},
                      {"line": "2", "sku": "MILK-1L", "quantity": 6}],
        },
    )  # fmt: skip
    await api.send(
        "POST",
        "/api/orders/outbound",
        {
            "id": "demo-so-1", "customer": "Jo", "warehouse": ROOM, "ship_from": "room-out",
            "ship_to": {"city": "Leeds"},
            "lines": [{"line": "1", "sku": "NUT-M4", "quantity": 5},
                      {"line": "2", "sku": "BOLT-M4", "quantity": 2}],
        },
    )  # fmt: skip
    await api.send("POST", "/api/picking/tasks", {"id": "demo-walk-1", "orders": ["demo-so-1"]})
    await api.send("POST", "/api/counts", {"id": "demo-count-1", "location": "room-2"})
