"""A warehouse with something to put labels on, and printers that are emulated."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from central.config import CentralSettings
from central.labels.desk import LabelDesk
from central.labels.spooler import Spooler
from drivers.emulators.label_printer import EmulatedPrinter
from gateway.settings_errors import check_settings
from tests.central.harness import Bench, bench

GTIN = "04012345000016"
GLN = "4012345000009"
NOWHERE = 9
"""A port of the loopback at which nobody listens."""


@pytest.fixture
async def printer() -> AsyncIterator[EmulatedPrinter]:
    made = EmulatedPrinter()
    yield made
    await made.stop()


@pytest.fixture
async def port(printer: EmulatedPrinter) -> int:
    """Where it listens."""
    return await printer.start()


def settings(port: int) -> CentralSettings:
    """Three printers: one that writes tags, one that is away, one that takes PDF."""
    at = {"host": "127.0.0.1", "port": port}
    return check_settings(
        {
            "orders": {"company_prefix": "4012345"},
            "epcis": {"locations": {"WH-01-DOCK": f"https://id.gs1.org/414/{GLN}"}},
            "printers": [
                {"name": "dock-1", "rfid": True, "place": "WH-01", **at},
                {"name": "away", "host": "127.0.0.1", "port": NOWHERE, "place": "WH-01"},
                {"name": "office", "speaks": "pdf", **at},
            ],
        },
        CentralSettings,
    )


@asynccontextmanager
async def furnished(folder: Path, url: str | None, port: int) -> AsyncIterator[Bench]:
    """The bench with a mouse, a lot of it, and the places of a warehouse."""
    async with bench(folder, url) as opened:
        chosen = settings(port)
        opened.services.labels = LabelDesk(chosen)
        opened.services.orders = chosen.orders
        await opened.post("/warehouses", code="WH-01", name="Leeds", address="1 Park Row, Leeds")
        for code, kind in (("WH-01-A", "aisle"), ("WH-01-DOCK", "dock")):
            await opened.post("/locations", code=code, name=code, parent="WH-01", type=kind)
        for number in (1, 2, 3):
            code = f"WH-01-A{number}"
            await opened.post(
                "/locations", code=code, name=f"Bin {number}", parent="WH-01-A", type="bin"
            )
        gtins = [{"gtin": GTIN}, {"gtin": "14012345000013", "quantity": 10}]
        await opened.post("/items", sku="ABC-12345", name="Wireless mouse", gtins=gtins)
        await opened.post("/items", sku="PLAIN-1", name="Cable")
        await opened.post(
            "/stock/receive", sku="ABC-12345", quantity=200, location="WH-01-A1", lot="L-1",
            expires_on="2030-01-31",
        )  # fmt: skip
        yield opened


@pytest.fixture
async def made(tmp_path: Path, books_url: str, port: int) -> AsyncIterator[Bench]:
    """On each engine in turn."""
    async with furnished(tmp_path, books_url, port) as opened:
        yield opened


@pytest.fixture
async def shop(tmp_path: Path, port: int) -> AsyncIterator[Bench]:
    """On SQLite alone, for what no engine changes."""
    async with furnished(tmp_path, None, port) as opened:
        yield opened


class Round:
    """All printers' queues, a step at a time."""

    def __init__(self, opened: Bench) -> None:
        printers = opened.services.labels.printers.values()
        self._queues = Spooler(opened.database, opened.tide, printers).queues

    async def step(self) -> float:
        """A step of each; the least that they answer."""
        return min(await asyncio.gather(*(one.step() for one in self._queues)))


def spooler_of(opened: Bench) -> Round:
    """What prints."""
    return Round(opened)
