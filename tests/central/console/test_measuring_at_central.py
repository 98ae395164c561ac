"""What technicians measure from central: over a real broker, and without a word in the books."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from drivers.emulators.known_loss import StillTag, StillTags
from gateway.console import Ask, new_id
from tests.central.console.site import Both, both
from tests.edge.console.bench import ask
from tests.edge.waiting import until
from tests.fakes.brokers import Embedded

TAG = "3034257BF7194E4000001A85"
STRAY = "3034257BF7194E4000001A86"


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[Both]:
    broker = Embedded()
    await broker.start_again()
    try:
        async with both(tmp_path, broker) as ready:
            yield ready
    finally:
        await broker.stop()


@asynccontextmanager
async def air(made: Both) -> AsyncIterator[StillTags]:
    tags = StillTags(made.edge.reader, ())
    radio = asyncio.create_task(tags.run())
    try:
        yield tags
    finally:
        radio.cancel()
        await asyncio.gather(radio, return_exceptions=True)


async def kinds(made: Both) -> set[str]:
    """What central's log of observations has, once the edge has sent all."""
    await until(lambda: made.edge.agent.backlog == 0, "all is sent and confirmed")
    rows = await made.central.database.read(
        lambda c: c.execute(text("SELECT DISTINCT kind FROM observation")).all()
    )
    return {row.kind for row in rows}


async def test_a_test_read_leaves_log_and_ledger_as_they_were(made: Both) -> None:
    desk = made.central.services.consoles.desk("pi")
    async with air(made) as tags:
        before = await made.central.database.read(
            lambda c: c.execute(text("SELECT count(*) FROM movement")).scalar_one()
        )

        calls = made.edge.reader.connections

        async def only_while_held() -> None:
            # the technician's own connection, not the agent's, which is still ending
            await made.edge.reader.wait_until(lambda: made.edge.reader.connections > calls)
            tags.tags = (StillTag(epc=TAG, loss_db={1: 34.0}),)
            await made.edge.reader.wait_until(lambda: made.edge.reader.delivered_of[TAG] > 5)
            tags.tags = ()

        passing = asyncio.create_task(only_while_held())
        told = await ask(desk, "test_read", device="dock", seconds=2)  # type: ignore[arg-type]
        await passing
        assert told.result is not None
        assert [row["epc"] for row in told.result["tags"]] == [TAG]
        assert "was blind for" in told.result["says"][0]
        dock = made.edge.agent.fleet.supervisors["dock"]
        assert "sightings" not in dock.counters()
        assert "tag_sighting" not in await kinds(made)
        after = await made.central.database.read(
            lambda c: c.execute(text("SELECT count(*) FROM movement")).scalar_one()
        )
        assert after == before
        # the same tag, when nobody tests, is heard for the books
        tags.tags = (StillTag(epc=TAG, loss_db={1: 34.0}),)
        await until(lambda: dock.counters().get("sightings", 0) > 0)
        tags.tags = ()
        async with asyncio.timeout(30):
            while "tag_sighting" not in await kinds(made):  # noqa: ASYNC110 - central commits on its own time
                await asyncio.sleep(0.05)


async def test_a_sweep_from_central_and_its_power_in_the_edge_s_settings(made: Both) -> None:
    desk = made.central.services.consoles.desk("pi")
    async with air(made) as tags:
        tags.tags = (
            StillTag(epc=TAG, loss_db={1: 34.0, 2: 50.0}),
            StillTag(epc=STRAY, loss_db={1: 44.0, 2: 50.0}),
        )
        await ask(desk, "marks", device="dock", must=[TAG], must_not=[STRAY])  # type: ignore[arg-type]
        told = await ask(desk, "sweep", device="dock", antennas=[1], step_db=5, measure_s=1)  # type: ignore[arg-type]
        assert told.result is not None, told.error
        window = told.result["windows"]["1"]
        assert window["found"] == "window"
        assert abs(window["use_dbm"] - 19.5) <= 0.25
        told = await ask(
            desk,  # type: ignore[arg-type]
            "sweep.apply",
            device="dock",
            by="Anna Berg",
            powers={"1": window["use_dbm"], "2": 10},
            verify_s=0.5,
        )
        assert told.result is not None, told.error
        assert told.result["verified"], told.result
        assert f"tx_power_dbm = {window['use_dbm']}" in made.edge.path.read_text()
        assert "# A small shop: its door, a plate, a scanner." in made.edge.path.read_text()


async def test_who_walks_away_from_central_leaves_nothing_held(made: Both) -> None:
    desk = made.central.services.consoles.desk("pi")
    asked = Ask(id=new_id(), op="walk", arguments={"device": "dock", "by": "me", "tags": [TAG]})
    desk.start(asked)
    fleet = made.edge.agent.fleet
    await until(lambda: fleet.held_for("dock") == "a walk test by me")
    desk.cancel(asked.id)
    await until(lambda: fleet.held_for("dock") == "")
    await until(lambda: fleet.supervisors["dock"].health.state == "running")


async def test_a_record_comes_over_the_broker_in_parts(made: Both) -> None:
    from edge.console import record_ops, records

    desk = made.central.services.consoles.desk("pi")
    name = "walk-dock-20260131T080000Z"
    folder = made.edge.config.edge.data_dir
    record = {"kind": "walk", "device": "dock", "note": "x" * record_ops._PART_BYTES}
    records.keep(folder, name, record)
    data = b""
    while True:
        told = await ask(desk, "record", name=name, form="json", offset=len(data))  # type: ignore[arg-type]
        assert told.result is not None
        data += base64.b64decode(told.result["base64"])
        if len(data) >= told.result["bytes"]:
            break
    assert len(data) > record_ops._PART_BYTES
    assert data == (records.folder(folder) / f"{name}.json").read_bytes()
