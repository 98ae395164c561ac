"""Matrix row 9: a refused edge keeps what it cannot send, says why, and delivers it later."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from central.commands import broker as broker_cli
from central.database.store import Database
from central.database.tide import Tide
from central.intake.ingest import Ingest
from central.schema import observation
from edge import agent
from edge.config import check
from gateway.certificates import common_name
from tests.deploy.conftest import SecureBroker
from tests.deploy.test_mosquitto import connected
from tests.edge.waiting import until

pytestmark = pytest.mark.mosquitto


class Road(NamedTuple):
    """An edge that says every second how it is, the shipped broker, and central."""

    ingest: Ingest
    database: Database

    async def arrived(self, more: int) -> None:
        """Until central has committed ``more`` than now."""
        goal = self.ingest.counters["observations"] + more
        await until(lambda: self.ingest.counters["observations"] >= goal, "observations")

    def rows(self) -> list[tuple[int, str]]:
        """Number and body of everything that central has, in the order of the numbers."""
        wanted = select(observation.c.seq, observation.c.body).order_by(observation.c.seq)
        return [tuple(row) for row in self.database.read_now(lambda c: c.execute(wanted).all())]


@asynccontextmanager
async def road(broker: SecureBroker, folder: Path) -> AsyncIterator[Road]:
    database = Database(f"sqlite:///{folder / 'central.sqlite'}")
    await asyncio.to_thread(database.migrate)
    ingest = Ingest(database, Tide())
    tls = broker.device("edge-1").model_dump(mode="json", exclude={"client_id"}, exclude_none=True)
    section = {"name": "edge-1", "site": "shop", "data_dir": str(folder / "edge")}
    config = check({"edge": {**section, "health_every_s": 1, "drain_s": 0}, "mqtt": tls})
    stop = asyncio.Event()
    async with connected(broker.central()) as client:
        receiving = asyncio.create_task(ingest.run(client))
        running = asyncio.create_task(agent.run(config, stop=stop))
        try:
            yield Road(ingest, database)
        finally:
            stop.set()
            await asyncio.wait_for(running, 60)
            receiving.cancel()
            await asyncio.gather(receiving, return_exceptions=True)
            await asyncio.to_thread(database.close)


async def test_a_denied_edge_says_so_and_delivers_everything_once_it_may(
    secure_broker: SecureBroker, tmp_path: Path
) -> None:
    """The access list changes in mid-stream: 0x87 for each batch."""
    name, denied = common_name("shop", "edge-1"), "tp/v1/shop/edge-1/up/#"
    acl = {"rolename": name, "acltype": "publishClientSend", "topic": denied}

    async def change(command: str, **more: object) -> None:
        commands = [{"command": command, **acl, **more}]
        await broker_cli.send(secure_broker.folder, commands, secure_broker.live)

    async with road(secure_broker, tmp_path) as here:
        await here.arrived(2)
        with capture_logs() as told:
            await change("removeRoleACL")
            await until(lambda: any(one["event"] == "uplink_trouble" for one in told), "trouble")
        trouble = next(one for one in told if one["event"] == "uplink_trouble")
        assert "0x87" in trouble["cause"]
        assert "tp/v1/shop/edge-1/up/observations in the broker's access list" in trouble["hint"]
        await change("addRoleACL", allow=True)
        await here.arrived(2)
        rows = here.rows()
    assert [seq for seq, _ in rows] == list(range(1, len(rows) + 1))
    assert any("the broker refuses what this edge publishes" in body for _, body in rows)


async def test_a_revoked_edge_delivers_everything_once_it_is_admitted_again(
    secure_broker: SecureBroker, tmp_path: Path
) -> None:
    """The new files are taken at the next connection: the edge runs on all the time."""
    arguments = (str(secure_broker.folder), "shop", "edge-1", "--live", secure_broker.live)
    async with road(secure_broker, tmp_path) as here:
        await here.arrived(2)
        with capture_logs() as told:
            await asyncio.to_thread(secure_broker.command, "revoke", *arguments)
            await until(
                lambda: any("is revoked" in str(one.get("why")) for one in told), "the refusal"
            )
        journal = tmp_path / "edge" / "journal"
        await until(
            lambda: any(b"is revoked" in one.read_bytes() for one in journal.iterdir()),
            "the journal to keep the reason",
        )
        await asyncio.to_thread(secure_broker.command, "admit", *arguments)
        await here.arrived(3)
        rows = here.rows()
    assert [seq for seq, _ in rows] == list(range(1, len(rows) + 1))
    assert any("our certificate is revoked" in body for _, body in rows)
