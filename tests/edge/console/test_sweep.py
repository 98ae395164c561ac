"""The power sweep against an emulated LLRP reader before tags whose path loss is known."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from drivers.emulators.known_loss import StillTag, StillTags
from drivers.emulators.llrp_reader import EmulatedReader
from gateway.console import Troubled
from gateway.contract import GateWindow, TagResident, TagSighting
from tests.edge.console.room import Room, room
from tests.edge.waiting import until

MUST = ("3034F8F0A4B0000000000001", "3034F8F0A4B0000000000002")
STRAY = "3034F8F0A4B00000000000FF"
FAR = "3034F8F0A4B00000000000AA"


def losing(epc: str, *loss_db: float | None) -> StillTag:
    """A tag by what it loses to antenna 1, 2, ..."""
    return StillTag(epc=epc, loss_db={no: db for no, db in enumerate(loss_db, 1) if db is not None})


@asynccontextmanager
async def dock(
    tmp_path: Path, *tags: StillTag, antennas: int = 1, **settings: Any
) -> AsyncIterator[tuple[Room, EmulatedReader, StillTags]]:
    reader = EmulatedReader(antennas=antennas)
    port = await reader.start()
    air = StillTags(reader, tags)
    radio = asyncio.create_task(air.run())
    device = {
        "name": "dock-1", "driver": "llrp", "read_point": "dock-1", "host": "127.0.0.1",
        "port": port, "session": 2, "impinj_search_mode": "single",
        "antennas": [{"antenna": no, "tx_power_dbm": 27.0} for no in range(1, antennas + 1)],
        **settings,
    }  # fmt: skip
    try:
        async with room(tmp_path, device) as here:
            await here.running("dock-1")
            yield here, reader, air
    finally:
        radio.cancel()
        await asyncio.gather(radio, return_exceptions=True)
        await reader.stop()


async def test_the_recommendation_is_right_to_one_step_of_the_table(tmp_path: Path) -> None:
    tags = (losing(MUST[0], 34.1), losing(MUST[1], 38.6), losing(STRAY, 45.3))
    async with dock(tmp_path, *tags) as (here, reader, _):
        result = await here.ask(
            "sweep", device="dock-1", must=MUST, must_not=[STRAY], step_db=4.0, measure_s=1.0
        )
        low, high = tags[1].wakes_at_dbm(1), tags[2].wakes_at_dbm(1)
        assert low is not None
        assert high is not None
        window = result["windows"]["1"]
        assert window["found"] == "window"
        step_db = 0.25
        assert abs(window["low_dbm"] - low) <= step_db
        assert abs(window["high_dbm"] - high) <= step_db
        assert abs(window["use_dbm"] - (low + high) / 2) <= step_db
        assert result["tags"][STRAY]["1"]["answers_dbm"] == pytest.approx(high, abs=step_db)
        assert result["cap"]["region"] == "fcc"
        powers = [step["power_dbm"] for step in result["steps"]["1"]]
        assert powers == sorted(powers)
        assert (powers[0], powers[-1]) == (10.0, 30.0)
        loudest = result["steps"]["1"][-1]
        assert loudest["tags"] == 3
        assert loudest["reads_per_s"] > 40
        assert (loudest["must"], loudest["must_not"]) == ("44", "4")
        assert (result["steps"]["1"][0]["must"], result["must"]) == ("00", sorted(MUST))
        assert loudest["p50_dbm"] < -40
        # and the portal is as it was: its own power, session and search mode
        await here.running("dock-1")
        await until(lambda: reader.model.active is not None and reader.model.active.session[1] == 2)
        spec = reader.model.active
        assert spec is not None
        assert spec.search_mode[1] == 1
        assert reader.model.facts.power_table()[spec.power_index[1] - 1] == 27.0


async def test_progress_is_the_whole_curve_so_far_and_nothing_reaches_the_books(
    tmp_path: Path,
) -> None:
    async with dock(tmp_path, losing(MUST[0], 60.0), losing(MUST[1], 41.0)) as (here, _, air):
        air.powers_seen.clear()
        here.kept.clear()
        await here.ask("sweep", device="dock-1", must=[MUST[1]], step_db=10.0, measure_s=1.0)
        counts = [sum(map(len, told["steps"].values())) for told in here.told]
        assert counts == sorted(counts)
        assert counts[-1] >= 3
        assert {told["phase"] for told in here.told} == {
            "asking the reader", "looking", "looking closer",
        }  # fmt: skip
        swept = [power for _, power in air.powers_seen]
        assert {10.0, 20.0, 30.0} <= set(swept)
        during = [one for one in here.kept if isinstance(one, TagSighting | TagResident)]
        # 27 dBm before and after reach MUST[1] only; what 30 dBm woke was told to nobody
        assert {one.epc for one in during} <= {MUST[1]}
        assert not [one for one in here.kept if isinstance(one, GateWindow) and one.tags > 1]


async def test_each_antenna_gets_its_own_window_and_its_own_tags(tmp_path: Path) -> None:
    left, right = losing(MUST[0], 33.0, 47.0), losing(MUST[1], 48.0, 35.0)
    beside = losing(STRAY, None, 43.0)
    async with dock(tmp_path, left, right, beside, losing(FAR, None, None), antennas=2) as (
        here, _, _,
    ):  # fmt: skip
        result = await here.ask(
            "sweep", device="dock-1", must=[*MUST, FAR], must_not=[STRAY], step_db=5.0,
            measure_s=1.0,
        )  # fmt: skip
        one, two = result["windows"]["1"], result["windows"]["2"]
        assert (one["jobs"], two["jobs"]) == ((MUST[0],), (MUST[1],))
        assert (one["found"], two["found"]) == ("window", "window")
        assert two["high_dbm"] == pytest.approx(23.25, abs=0.26)
        assert result["uncovered"] == [FAR]


async def test_cancelling_in_the_middle_puts_the_portal_back(tmp_path: Path) -> None:
    async with dock(tmp_path, losing(MUST[0], 35.0)) as (here, reader, _):
        task = asyncio.create_task(
            here.ask("sweep", device="dock-1", must=[MUST[0]], step_db=5.0, measure_s=5.0)
        )
        await reader.wait_until(
            lambda: bool((spec := reader.model.active) and spec.session.get(1) == 0)
        )
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await reader.wait_until(
            lambda: bool((spec := reader.model.active) and spec.session.get(1) == 2)
        )
        spec = reader.model.active
        assert spec is not None
        assert reader.model.facts.power_table()[spec.power_index[1] - 1] == 27.0
        assert here.bench.fleet.held_for("dock-1") == ""


async def test_the_legal_cap_bounds_what_is_tried(tmp_path: Path) -> None:
    async with dock(tmp_path, losing(MUST[0], 35.0)) as (here, _, air):
        air.powers_seen.clear()
        result = await here.ask(
            "sweep", device="dock-1", must=[MUST[0]], step_db=5.0, measure_s=1.0,
            region="etsi-865", gain_dbi=12.0,
        )  # fmt: skip
        assert result["cap"]["port_dbm"] == 23.15
        assert result["table"]["to_dbm"] == 23.0
        assert max(power for _, power in air.powers_seen if power != 27.0) == 23.0


async def test_an_unplugged_antenna_is_left_out_and_said(tmp_path: Path) -> None:
    async with dock(tmp_path, losing(MUST[0], 35.0, 36.0), antennas=2) as (here, reader, _):
        await reader.antenna(2, False)
        result = await here.ask(
            "sweep", device="dock-1", must=[MUST[0]], step_db=10.0, measure_s=1.0
        )
        assert list(result["steps"]) == ["1"]
        assert result["unplugged"] == [2]


async def test_what_cannot_be_swept_is_refused_with_a_reason(tmp_path: Path) -> None:
    scanner = {
        "name": "gun", "driver": "scanner", "read_point": "desk", "port": str(tmp_path / "none"),
    }  # fmt: skip
    async with room(tmp_path, scanner) as here:
        with pytest.raises(Troubled, match="no RFID reader"):
            await here.ask("sweep", device="gun")
        with pytest.raises(Troubled, match="no device"):
            await here.ask("sweep", device="dock-9")
    async with dock(tmp_path) as (here, _, _):
        with pytest.raises(Troubled, match="marked both"):
            await here.ask("sweep", device="dock-1", must=MUST, must_not=MUST[:1])
        with pytest.raises(Troubled, match="antennas 1 to 1"):
            await here.ask("sweep", device="dock-1", antennas=[3])
