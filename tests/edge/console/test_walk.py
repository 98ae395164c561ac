"""A walk test through an emulated portal: real physics, a trolley that goes in and out."""

from __future__ import annotations

import asyncio
import tarfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest

from drivers.emulators.llrp_reader import EmulatedReader
from drivers.emulators.portal_live import LivePortal
from drivers.emulators.portal_physics import Path as Way
from drivers.emulators.portal_physics import PortalPhysics, Scene, dock_antennas, pallet
from drivers.recording import PassTruth, read_recording
from edge.console import records
from edge.console.operation import find
from gateway.console import Troubled
from gateway.contract import TagSighting
from tallyport.evaluate import portal
from tests.edge.console.room import Room, room
from tests.edge.console.test_calibrate import words_of
from tests.edge.waiting import until

TAGS = [f"3034257BF7194E40000{n:05X}" for n in range(6)]


class Dock:
    """A portal, and somebody who pushes a trolley through it."""

    def __init__(self, here: Room, live: LivePortal, physics: PortalPhysics) -> None:
        self.here, self._live, self._physics = here, live, physics
        self.told: list[dict[str, Any]] = []

    def push(self, *, inwards: bool) -> None:
        """Set the trolley off, now."""
        path = Way.through(self._live.now_s(), speed=3.0, inwards=inwards, reach=4.0)
        self._physics.add(pallet(TAGS, path, Random(2)))

    @asynccontextmanager
    async def walking(self, **arguments: Any) -> AsyncIterator[str]:
        asked = {"device": "dock-1", "by": "A. Technician", "tags": TAGS, **arguments}
        holding = asyncio.create_task(find("walk").run(self.here.bench, asked, self.told.append))
        try:
            await until(lambda: bool(self.told) or holding.done())
            if holding.done():
                await holding
            yield self.told[-1]["session"]
        finally:
            holding.cancel()
            await asyncio.gather(holding, return_exceptions=True)


@asynccontextmanager
async def dock(tmp_path: Path) -> AsyncIterator[Dock]:
    reader = EmulatedReader(antennas=4)
    epoch_us = time.time_ns() // 1_000
    physics = PortalPhysics(Scene(antennas=dock_antennas(), tags=(), epoch_us=epoch_us))
    live = LivePortal(reader, physics, epoch_us)
    radio = asyncio.create_task(live.run())
    device = {
        "name": "dock-1", "driver": "llrp", "read_point": "dock-1", "host": "127.0.0.1",
        "port": await reader.start(),
        "antennas": [{"antenna": one.antenna, "side": one.side} for one in dock_antennas()],
    }  # fmt: skip
    try:
        async with room(tmp_path, device) as here:
            await here.running("dock-1")
            yield Dock(here, live, physics)
    finally:
        radio.cancel()
        await asyncio.gather(radio, return_exceptions=True)
        await reader.stop()


async def test_two_passes_make_an_acceptance_record_and_move_nothing(tmp_path: Path) -> None:
    async with dock(tmp_path) as gate:
        gate.here.kept.clear()
        async with gate.walking(passes=2, quiet_s=0.8) as session:
            gate.push(inwards=True)
            await until(lambda: len(gate.told[-1]["passes"]) == 1)
            assert any(told["now"] and told["now"]["heard"] for told in gate.told), "live"
            gate.push(inwards=False)
            await until(lambda: gate.told[-1]["done"])
            done = await gate.here.ask(
                "walk.finish", session=session, signer="S. Manager", signed_for="Site 7"
            )
        record = done["acceptance"]
        assert record["verdict"] == "pass"
        assert [(one["want"], one["heard"], one["wrong"]) for one in record["passes"]] == [
            ("in", 6, 0), ("out", 6, 0),
        ]  # fmt: skip
        assert record["summary"]["direction"]["right"] >= 10
        assert record["summary"]["coverage"].keys() == {"1", "2", "3", "4"}
        assert record["summary"]["decided_s"] > 0.8
        assert (record["signer"], record["signed_for"]) == ("S. Manager", "Site 7")
        assert "by the order of the antennas alone" in record["direction"]
        assert records.read(tmp_path, done["record"])["verdict"] == "pass"
        with tarfile.open(records.folder(tmp_path) / record["recording"]) as archive:
            archive.extractall(tmp_path / "out", filter="data")
        files = sorted((tmp_path / "out").glob("*/pass-*.jsonl"))
        for file, way in zip(files, ("in", "out"), strict=True):
            kept = read_recording(file)
            assert {read.epc for _, read in kept.tag_reads()} == set(TAGS)
            ways = [one.direction for one in kept.truths if isinstance(one, PassTruth)]
            assert ways == [way] * 6
        judged = portal.Production()
        graded = [
            tag for file in files for tag in portal.grade(read_recording(file), judged)
            if tag.epc in TAGS
        ]  # fmt: skip
        assert len(graded) == 12, "the judging of production can grade the walk"
        assert all(tag.seen.want for tag in graded), "and knows which way each tag was carried"
        paper = words_of(await gate.here.ask("record", name=done["record"], form="pdf"))
        assert "Walk test: acceptance record" in paper
        assert "S. Manager, for Site 7, date" in paper
        assert "100.0 % of carried tags heard" in paper
        told = await gate.here.ask("record", name=done["record"], form="tar.gz")
        assert told["media_type"] == "application/gzip"
        await gate.here.running("dock-1")
        assert not [one for one in gate.here.kept if isinstance(one, TagSighting)]


async def test_a_pass_can_be_discarded_and_nothing_walked_is_no_record(tmp_path: Path) -> None:
    async with dock(tmp_path) as gate, gate.walking(passes=1, quiet_s=0.5) as session:
        with pytest.raises(Troubled, match="none of the expected tags"):
            await gate.here.ask("walk.finish", session=session)
        gate.push(inwards=True)
        await until(lambda: gate.told[-1]["now"] is not None)
        told = await gate.here.ask("walk.tell", session=session, do="end")
        assert [one["ended_by"] for one in told["passes"]] == ["hand"]
        told = await gate.here.ask("walk.tell", session=session, do="discard")
        assert told["passes"] == []
        assert not told["done"]


async def test_a_walk_needs_tags(tmp_path: Path) -> None:
    async with dock(tmp_path) as gate:
        with pytest.raises(Troubled, match="which tags are on the trolley"):
            await gate.here.ask("walk", device="dock-1", by="me")
        await gate.here.ask("marks", device="dock-1", must=[TAGS[0].lower()])
        async with gate.walking(tags=None) as _:
            assert gate.told[-1]["expected"] == [TAGS[0]]
        with pytest.raises(Troubled, match="in both lists"):
            await gate.here.ask("marks", device="dock-1", must_not=[TAGS[0]])
