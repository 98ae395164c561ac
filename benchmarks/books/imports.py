"""Items imported from a file over HTTP, beside one POST for each item to the same central.

A real server on the loopback over empty books: the file is sent as a spreadsheet's CSV with a GTIN
and an attribute for each item, read, checked and written in one transaction. Beside it one client
adds items one by one over a connection that stays open, each of them durable.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from benchmarks.books.engines import books_url, wanted
from benchmarks.machine import describe
from gateway.gs1.keys import check_digit
from tallyport.demo.processes import Site

_TIMEOUT_S = 600.0


def run(*, skus: int = 100_000, posts: int = 300, engine: str = "all") -> dict[str, Any]:
    """Import ``skus`` items, and once more unchanged; then POST ``posts`` other ones. ``engine``
    is sqlite, postgresql or all.
    """
    figures: dict[str, Any] = {}
    for name in wanted(engine):
        with (
            books_url(name) as url,
            tempfile.TemporaryDirectory(prefix="tallyport-import-") as folder,
        ):
            figures |= asyncio.run(_measure(name, url, Path(folder), skus, posts))
    return {"bench": "import", "machine": describe(), "size": {"skus": skus}, "figures": figures}


async def _measure(name: str, url: str, folder: Path, skus: int, posts: int) -> dict[str, Any]:
    content = "".join(_lines(skus)).encode()
    site = Site(folder, "", database_url=url)
    try:
        await site.start_central()
        base = f"http://127.0.0.1:{site.http_port}"
        async with httpx.AsyncClient(base_url=base, timeout=_TIMEOUT_S) as client:
            first_s = await _import(client, content, {"created": skus})
            again_s = await _import(client, content, {"unchanged": skus})
            began = time.perf_counter()
            for number in range(skus, skus + posts):
                answer = await client.post("/items", json=_item(number))
                assert answer.status_code == 201, answer.text
            each = posts / (time.perf_counter() - began)
    finally:
        await site.kill()
    rate = skus / first_s
    return {
        f"{name}_import": {
            "value": round(rate),
            "unit": "items/s",
            "baseline": f"one POST per item: {round(each)}/s",
            "ratio": round(rate / each, 1),
        },
        f"{name}_took": _plain(first_s, f"s for {skus} items"),
        f"{name}_again": _plain(again_s, f"s for {skus} items that are there as they are"),
    }


async def _import(client: httpx.AsyncClient, content: bytes, expected: dict[str, int]) -> float:
    """Seconds from sending the file to the answer."""
    began = time.perf_counter()
    answer = await client.post("/api/imports/items", content=content)
    took_s = time.perf_counter() - began
    told = answer.json()
    assert answer.status_code == 200, answer.text[:1_000]
    assert expected.items() <= told.items(), answer.text[:1_000]
    return took_s


def _lines(skus: int) -> Iterator[str]:
    yield "sku;name;category;unit_price;currency;unit_mg;gtins;attribute: colour\n"
    for number in range(skus):
        one = _item(number)
        (gtin,) = one["gtins"]
        yield (
            f"{one['sku']};{one['name']};{one['category']};{number % 100},99;EUR;{one['unit_mg']};"
            f"{gtin['gtin']};{one['attributes']['colour']}\n"
        )


def _item(number: int) -> dict[str, Any]:
    body = f"04{number:011d}"
    return {
        "sku": f"SKU-{number:06d}",
        "name": f"Item {number}, blue",
        "category": f"group-{number % 50}",
        "unit_price": number % 100 + 0.99,
        "currency": "EUR",
        "unit_mg": 1_000 + number,
        "gtins": [{"gtin": body + check_digit(body)}],
        "attributes": {"colour": ("blue", "red", "green")[number % 3]},
    }


def _plain(value: float, unit: str) -> dict[str, Any]:
    return {"value": round(value, 1), "unit": unit, "baseline": None, "ratio": None}
