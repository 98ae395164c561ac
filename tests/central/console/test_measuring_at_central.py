"""What technicians measure from central: over a real broker, and without a word in the books."""

from __future__ import annotations

import asyncio
import base64
import tarfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import text

from central.reconcile.portal import crossing
from drivers.emulators.known_loss import StillTag, StillTags
from drivers.emulators.llrp_reader import EmulatedReader
from drivers.emulators.portal_live import LivePortal
from drivers.emulators.portal_physics import Path as Through
from drivers.emulators.portal_physics import PortalPhysics, Scene, dock_antennas, pallet
from drivers.recording import read_recording
from edge.console import records
from gateway.console import Ask, Told, new_id
from screens.console.port import Desk
from tallyport.evaluate import portal
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
    desk = made.central.services.consoles.desk("pi")
    name = "walk-dock-20260131T080000Z"
    folder = made.edge.config.edge.data_dir
    record = {"kind": "walk", "device": "dock", "note": "x" * records.PART_BYTES}
    records.keep(folder, name, record)
    data = b""
    while True:
        told = await ask(desk, "record", name=name, form="json", offset=len(data))  # type: ignore[arg-type]
        assert told.result is not None
        data += base64.b64decode(told.result["base64"])
        if len(data) >= told.result["bytes"]:
            break
    assert len(data) > records.PART_BYTES
    assert data == (records.folder(folder) / f"{name}.json").read_bytes()


CARRIED = [f"3034257BF7194E40000{n:05X}" for n in range(6)]


@asynccontextmanager
async def gate(tmp_path: Path) -> AsyncIterator[tuple[Both, Callable[[bool], None]]]:
    """A portal of four antennas with its physics, and somebody who pushes a trolley through."""
    reader, epoch_us = EmulatedReader(antennas=4), time.time_ns() // 1_000
    physics = PortalPhysics(Scene(antennas=dock_antennas(), tags=(), epoch_us=epoch_us))
    live = LivePortal(reader, physics, epoch_us)
    device = {
        "name": "gate", "driver": "llrp", "read_point": "gate", "host": "127.0.0.1",
        "port": await reader.start(),
        "antennas": [{"antenna": one.antenna, "side": one.side} for one in dock_antennas()],
    }  # fmt: skip
    radio, broker = asyncio.create_task(live.run()), Embedded()
    await broker.start_again()

    def push(inwards: bool) -> None:
        path = Through.through(live.now_s(), speed=3.0, inwards=inwards, reach=4.0)
        physics.add(pallet(CARRIED, path, Random(2)))

    try:
        async with both(tmp_path, broker, devices=[device]) as made:
            await until(lambda: made.edge.agent.fleet.supervisors["gate"].health.state == "running")
            yield made, push
    finally:
        radio.cancel()
        await asyncio.gather(radio, return_exceptions=True)
        await broker.stop()
        await reader.stop()


async def test_a_walk_that_central_serves_is_judged_as_in_production(tmp_path: Path) -> None:
    async with gate(tmp_path) as (made, push):
        http, desk = made.central.http, made.central.services.consoles.desk("pi")

        async def do(op: str, **arguments: object) -> str:
            answer = await http.post(f"/devices/pi/do/{op}", json=arguments)
            assert answer.status_code == 202, answer.text
            return str(answer.json()["id"])

        def walked() -> dict[str, Any]:
            told = desk.newest(walk)
            return (told and told.progress) or {"passes": [], "session": ""}

        walk = await do("walk", device="gate", by="Ann", tags=CARRIED, passes=2, quiet_s=0.8)
        follow = asyncio.create_task(_to_the_end(desk, walk))
        await until(lambda: bool(walked()["session"]))
        for number, inwards in enumerate((True, False), 1):
            push(inwards)
            await until(lambda number=number: len(walked()["passes"]) == number)  # type: ignore[misc]
        forged = {"software": "me", "weights": "mine", "passes": [], "verdict": "pass"}
        ended = await do("walk.finish", session=walked()["session"], signer="B.", judging=forged)
        told = await _to_the_end(desk, ended)
        await follow
        assert told.result is not None, told.error
        record = told.result["acceptance"]
        assert record["judged_by"] == {
            "who": "central", "how": "the judging of production",
            "software": f"Tallyport {version('tallyport')}", "weights": crossing.model(),
        }  # fmt: skip
        assert "judged by central" in record["direction"]
        archive = records.folder(made.edge.config.edge.data_dir) / record["recording"]
        with tarfile.open(archive) as file:
            file.extractall(tmp_path / "out", filter="data")
        judge = portal.Production()
        for one, path in zip(
            record["passes"], sorted((tmp_path / "out").glob("*/pass-*.jsonl")), strict=True
        ):
            graded = portal.grade(read_recording(path), judge)
            own = [tag.seen for tag in graded if tag.epc in CARRIED]
            right = sum(bool(seen.want) and seen.want == seen.got for seen in own)
            assert one["heard"] == 6
            assert one["right"] + one["asked"] == right == 6, "as certify judges the same walk"
            assert (one["wrong"], one["unknown"], one["others"]) == (0, 0, 0)
        assert record["verdict"] == "pass"
        kept = records.read(made.edge.config.edge.data_dir, told.result["record"])
        assert kept["judged_by"]["who"] == "central"


async def _to_the_end(desk: Desk, ask_id: str) -> Told:
    async with asyncio.timeout(60):
        async for told in desk.follow(ask_id):
            if told.is_final:
                return told
    raise AssertionError("no last word")
