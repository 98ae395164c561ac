"""A shop of some items and places in a central that runs, by its own API."""

from __future__ import annotations

import asyncio
import itertools
import json
import urllib.request
from typing import Any

_ITEMS, _PLACES = 40, 6


class Shop:
    """``open`` makes it, ``move`` posts one movement in it."""

    def __init__(self, port: int) -> None:
        self._base = f"http://127.0.0.1:{port}"
        self._numbers = itertools.count()

    async def open(self) -> None:
        """Items, places and opening stock."""
        for place in range(_PLACES):
            await self._post("/locations", code=f"place-{place}", name=f"Place {place}")
        for item in range(_ITEMS):
            await self._post("/items", sku=f"ITEM-{item:02}", name=f"Item {item}")
            for place in range(_PLACES):
                await self._post(
                    "/stock/receive", id=f"opening-{item}-{place}", sku=f"ITEM-{item:02}",
                    quantity=10_000, location=f"place-{place}",
                )  # fmt: skip

    async def move(self) -> int:
        """Move one piece; the movement's place on the ledger."""
        number = next(self._numbers)
        here = number % _PLACES
        told = await self._post(
            "/stock/move", id=f"bench-move-{number:06}", sku=f"ITEM-{number % _ITEMS:02}",
            quantity=1, source=f"place-{here}", destination=f"place-{(here + 1) % _PLACES}",
        )  # fmt: skip
        seq: int = told["seq"]
        return seq

    async def get(self, path: str) -> bytes:
        """A page as it is."""
        return await asyncio.to_thread(self._ask, urllib.request.Request(self._base + path))

    async def _post(self, path: str, **body: object) -> dict[str, Any]:
        request = urllib.request.Request(
            self._base + path, json.dumps(body).encode(), {"content-type": "application/json"}
        )
        told: dict[str, Any] = json.loads(await asyncio.to_thread(self._ask, request))
        return told

    @staticmethod
    def _ask(request: urllib.request.Request) -> bytes:
        with urllib.request.urlopen(request, timeout=30) as answer:
            found: bytes = answer.read()
            return found
