"""The client's ROSpec rules the emulated radio, as it rules a real one."""

from __future__ import annotations

import asyncio
import time
from random import Random

from drivers.emulators.llrp_reader import EmulatedReader
from drivers.emulators.portal_live import LivePortal
from drivers.emulators.portal_physics import (
    Path,
    PortalPhysics,
    Scene,
    dock_antennas,
    pallet,
)
from drivers.llrp.config import Antenna
from drivers.llrp.reader import LlrpConfig, LlrpReader
from drivers.readings import TagRead
from tests.drivers.listening import listening


async def test_session_power_target_and_antennas_are_the_client_s() -> None:
    tags = pallet([f"30{n:022X}" for n in range(20)], Path.standing(0.0, 0.0), Random(1))
    epoch_us = time.time_ns() // 1_000
    physics = PortalPhysics(Scene(antennas=dock_antennas(), tags=tuple(tags), epoch_us=epoch_us))
    reader = EmulatedReader(antennas=4)
    await reader.antenna(2, False)  # its cable is out
    live = LivePortal(reader, physics, epoch_us)
    config = LlrpConfig(
        host="127.0.0.1",
        port=await reader.start(),
        session=2,
        impinj_search_mode=1,
        antennas=(
            Antenna(antenna=1, tx_power_dbm=20.0),
            Antenna(antenna=2, tx_power_dbm=24.0),
            Antenna(antenna=3, tx_power_dbm=30.0),
        ),
    )
    radio = asyncio.create_task(live.run())
    try:
        async with listening(LlrpReader(config)) as heard:
            await heard.until(lambda: len(heard.of(TagRead)) >= 15)
            assert physics.radio.session == 2
            assert physics.radio.target == "single"
            powers = [physics.radio.powers_dbm[n] for n in (1, 2, 3)]
            assert powers == [20.0, 24.0, 30.0]
            assert physics.radio.silent == {2, 4}
            assert {read.antenna for read in heard.of(TagRead)} <= {1, 3}
    finally:
        radio.cancel()
        await asyncio.gather(radio, return_exceptions=True)
        await reader.stop()
