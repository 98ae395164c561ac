"""Central's pages and a whole edge with emulated devices, over a real broker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from central.intake.ingest import Ingest
from gateway.mqtt import MqttClient, MqttSettings
from tests.central.harness import Bench, bench
from tests.edge.console.bench import Site, site
from tests.edge.waiting import until
from tests.fakes.brokers import Broker


@dataclass
class Both:
    """Central and one edge that it has heard of."""

    central: Bench
    edge: Site
    client: MqttClient


@asynccontextmanager
async def both(tmp_path: Path, broker: Broker, **more: Any) -> AsyncIterator[Both]:
    async with AsyncExitStack() as stack:
        central = await stack.enter_async_context(bench(tmp_path))
        settings = MqttSettings(port=broker.port, client_id="central", retry_limit_s=0.2)
        client = MqttClient(settings)
        consoles = central.services.consoles
        consoles._publish = client.publish  # type: ignore[assignment]
        stack.push_async_callback(consoles.close)
        ingest = Ingest(central.database, central.tide, consoles=consoles)
        tasks = [asyncio.create_task(client.run()), asyncio.create_task(ingest.run(client))]
        stack.push_async_callback(_ended, tasks)
        (tmp_path / "edge").mkdir()
        edge = await stack.enter_async_context(
            site(tmp_path / "edge", mqtt_port=broker.port, **more)
        )
        await until(lambda: edge.config.edge.name in consoles._sites, "central heard of the edge")
        yield Both(central, edge, client)


async def _ended(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
