"""A technician's test read while a trolley is on its way: over the real road to a question."""

from __future__ import annotations

import asyncio
import re
import time
from pathlib import Path
from random import Random
from typing import Any

import pytest

from central.judging.judge import Judge
from central.reconcile.portal import in_part, missing, outage
from drivers.emulators.llrp_reader import EmulatedReader
from drivers.emulators.portal_live import LivePortal
from drivers.emulators.portal_physics import Path as Through
from drivers.emulators.portal_physics import PortalPhysics, Scene, dock_antennas, pallet
from tests.central.console.site import both
from tests.edge.console.bench import ask
from tests.edge.waiting import until
from tests.fakes.brokers import Embedded
from tests.fakes.portal_scenes import GTINS, epcs_of

CASES = epcs_of(1, 9)


async def test_what_was_on_its_way_is_asked_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outage, "ASKED_AFTER_US", 2_500_000)
    monkeypatch.setattr(missing, "STAYS_US", 1_000_000)
    reader, epoch_us = EmulatedReader(antennas=4), time.time_ns() // 1_000
    lying = pallet(epcs_of(101, 3), Through.standing(-2.0, 2.5), Random(1))
    physics = PortalPhysics(Scene(antennas=dock_antennas(), tags=tuple(lying), epoch_us=epoch_us))
    live = LivePortal(reader, physics, epoch_us)
    device = {
        "name": "gate", "driver": "llrp", "read_point": "gate", "host": "127.0.0.1",
        "port": await reader.start(),
        "antennas": [{"antenna": one.antenna, "side": one.side} for one in dock_antennas()],
    }  # fmt: skip
    radio, broker = asyncio.create_task(live.run()), Embedded()
    await broker.start_again()
    try:
        async with both(tmp_path, broker, devices=[device]) as made:
            central = made.central
            await central.post("/locations", code="hall", name="Hall")
            for number, gtin in enumerate(GTINS, 1):
                gtins = [{"gtin": gtin, "quantity": 1}]
                await central.post("/items", sku=f"SKU-{number}", name="Goods", gtins=gtins)
            await central.put("/read-points/gate", kind="portal", location="hall")
            judging = asyncio.create_task(Judge(central.database, central.tide).run())
            gate = made.edge.agent.fleet.supervisors["gate"]
            await until(lambda: gate.health.state == "running", "the reader runs")
            path = Through.through(live.now_s(), speed=3.0, inwards=True, reach=4.0)
            physics.add(pallet(CASES, path, Random(2)))
            await until(lambda: live.now_s() > path.waypoints[0][0] + 0.7, "it comes near")
            desk = central.services.consoles.desk("pi")
            told = await ask(desk, "test_read", device="gate", seconds=2)  # type: ignore[arg-type]
            assert told.result is not None
            rows: list[dict[str, Any]] = []
            async with asyncio.timeout(30):
                while not rows:
                    await asyncio.sleep(0.1)
                    rows = (await central.get("/reviews"))["rows"]  # type: ignore[assignment]
            judging.cancel()
            await asyncio.gather(judging, return_exceptions=True)
            (review,) = rows
            assert review["reason"] == in_part.HELD
            assert review["evidence"]["outage"]["cause"] == "In use for a test read."
            # All nine; on a busy machine, whose emulated reader is heard seldom, a stray with them.
            says = re.fullmatch(r"(\d+) tags came in meanwhile", review["hypotheses"][0]["says"])
            assert says is not None
            assert 9 <= int(says[1]) <= 12
            assert (await central.get("/movements"))["rows"] == []
            page = (await central.http.get("/screen/reviews")).text
            assert "Goods may have gone by while a technician had the portal" in page
            assert "was held by a technician (in use for a test read) from" in page
    finally:
        radio.cancel()
        await asyncio.gather(radio, return_exceptions=True)
        await broker.stop()
        await reader.stop()
