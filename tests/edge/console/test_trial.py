"""A test read lists what is there, and leaves the books alone."""

from __future__ import annotations

import asyncio
from pathlib import Path

from drivers.emulators.known_loss import StillTag, StillTags
from drivers.emulators.llrp_reader import EmulatedReader
from drivers.emulators.mtsics_scale import EmulatedScale
from gateway.contract import TagResident, TagSighting
from tests.edge.console.room import room

TAGS = ("3034257BF7194E4000001A85", "3034257BF7194E4000001A86")


async def test_a_portal_s_test_read_names_the_tags_and_keeps_none(tmp_path: Path) -> None:
    reader = EmulatedReader(antennas=2)
    port = await reader.start()
    air = StillTags(reader, ())
    radio = asyncio.create_task(air.run())
    device = {
        "name": "dock-1", "driver": "llrp", "read_point": "dock-1", "host": "127.0.0.1",
        "port": port,
    }  # fmt: skip
    try:
        async with room(tmp_path, device) as here:
            await here.running("dock-1")
            air.tags = (
                StillTag(epc=TAGS[0], loss_db={1: 35.0, 2: 41.0}),
                StillTag(epc=TAGS[1], loss_db={2: 44.0}),
            )
            reading = asyncio.create_task(here.ask("test_read", device="dock-1", seconds=1))
            await asyncio.sleep(0)
            await reader.wait_until(lambda: bool(here.told and here.told[-1]["reads"]))
            assert here.bench.fleet.held_for("dock-1") == "a test read"
            during = len(here.kept)
            result = await reading
            air.tags = ()
            assert [(row["epc"], list(row["antennas"])) for row in result["tags"]] == [
                (TAGS[0], ["1", "2"]), (TAGS[1], ["2"]),
            ]  # fmt: skip
            assert result["tags"][0]["key"] == "GTIN"
            assert result["antennas"][1]["tags"] == 2
            assert 1.0 <= result["blind_s"] < 15
            assert "was blind for" in result["says"][0]
            assert result["back"]
            assert during <= len(here.kept)
            told = here.told[:]
            assert told[-1]["reads"] > told[0]["reads"]
            assert here.bench.fleet.held_for("dock-1") == ""
            listing = asyncio.create_task(here.ask("listen", device="dock-1", seconds=0.5))
            air.tags = (StillTag(epc=TAGS[1], loss_db={1: 35.0}),)
            listed = await listing
            assert [row["epc"] for row in listed["tags"]] == [TAGS[1]]
    finally:
        radio.cancel()
        await asyncio.gather(radio, return_exceptions=True)
        await reader.stop()


async def test_no_observation_is_made_of_what_a_test_read_heard(tmp_path: Path) -> None:
    reader = EmulatedReader(antennas=1)
    port = await reader.start()
    air = StillTags(reader, ())
    radio = asyncio.create_task(air.run())
    device = {
        "name": "dock-1", "driver": "llrp", "read_point": "dock-1", "host": "127.0.0.1",
        "port": port,
    }  # fmt: skip

    async def while_held() -> None:
        """A tag is there only while the technician listens."""
        await reader.wait_until(lambda: reader.connections > calls)
        air.tags = (StillTag(epc=TAGS[0], loss_db={1: 35.0}),)
        await reader.wait_until(lambda: reader.delivered_of[TAGS[0]] > 5)
        air.tags = ()

    try:
        async with room(tmp_path, device) as here:
            await here.running("dock-1")
            calls = reader.connections
            passing = asyncio.create_task(while_held())
            result = await here.ask("test_read", device="dock-1", seconds=1.5)
            await passing
            assert [row["epc"] for row in result["tags"]] == [TAGS[0]]
        assert not [one for one in here.kept if isinstance(one, TagSighting | TagResident)]
    finally:
        radio.cancel()
        await asyncio.gather(radio, return_exceptions=True)
        await reader.stop()


async def test_a_scale_s_test_read_tells_its_weights(tmp_path: Path) -> None:
    scale = EmulatedScale(division_g="0.1")
    device = {"name": "bench-1", "driver": "mt-sics", "read_point": "desk",
              "port": await scale.start()}  # fmt: skip
    try:
        async with room(tmp_path, device) as here:
            await here.running("bench-1")
            scale.set_load_mg(250_000)
            result = await here.ask("test_read", device="bench-1", seconds=3)
            assert abs(float(result["weight"]["last"]) - 250) < 1
            assert result["weight"]["unit"] == "g"
            assert result["weight"]["stable"] > 5
            assert "bench-1 was blind for" in result["says"][0]
    finally:
        await scale.stop()
