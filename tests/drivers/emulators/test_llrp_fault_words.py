"""Faults that a person asks the emulated reader for, and what our driver makes of them."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import pytest

from drivers.emulators.llrp_fault_words import WORDS, FaultDesk
from drivers.emulators.llrp_reader import EmulatedReader
from drivers.readings import DeviceEvent, TagRead
from tests.drivers.test_llrp_faults import Portal, portal

QUICK = {"connect_timeout_s": 0.5, "setup_timeout_s": 1.0}


@pytest.fixture
async def desk() -> AsyncIterator[FaultDesk]:
    made = FaultDesk(EmulatedReader())
    yield made
    await made.close()


def now_read(number: int) -> TagRead:
    at_us = time.time_ns() // 1_000
    return TagRead(
        epc=f"3034{number:020X}", epc_bits=96, antenna=1, peak_rssi_dbm=-50.0,
        first_seen_us=at_us, last_seen_us=at_us, channel=3,
    )  # fmt: skip


async def one_read(site: Portal, number: int) -> TagRead:
    epc = f"3034{number:020X}"
    await site.emulator.wait_inventorying()
    await site.emulator.report([now_read(number)])

    def of_it() -> list[TagRead]:
        return [r for r in site.readings if isinstance(r, TagRead) and r.epc == epc]

    await site.until(of_it)
    return of_it()[0]


@pytest.mark.parametrize("words", ["drop", "torn", "reboot 0.1", "half-open 0.2", "busy 0.2"])
async def test_what_cuts_the_link_is_told_and_got_over(words: str, desk: FaultDesk) -> None:
    async with portal(desk.reader) as site:
        await one_read(site, 1)
        assert await desk.obey(words)
        await site.until(lambda: site.ends and site.events.count("connected") > 1)
        await one_read(site, 2)


@pytest.mark.parametrize("words", ["malformed", "unknown", "error", "slow 5", "burst 0.2"])
async def test_what_does_not_cut_the_link_loses_nothing(words: str, desk: FaultDesk) -> None:
    async with portal(desk.reader) as site:
        await one_read(site, 1)
        await desk.obey(words)
        await one_read(site, 2)
        assert not site.ends


async def test_silence_ends_with_the_driver_s_patience(desk: FaultDesk) -> None:
    async with portal(desk.reader, keepalive_s=0.2, idle_timeout_s=0.5, **QUICK) as site:
        await one_read(site, 1)
        await desk.obey("silent")
        await site.until(lambda: site.ends)
        await desk.obey("heal")
        await site.until(lambda: site.events.count("connected") > 1)
        await one_read(site, 2)


async def test_clocks_and_fields_go_wrong_as_asked(desk: FaultDesk) -> None:
    async with portal(desk.reader) as site:
        await desk.obey("clock -3600")
        late = await one_read(site, 1)
        assert late.first_seen_us is not None
        assert 3_500e6 < time.time_ns() / 1_000 - late.first_seen_us < 3_700e6
        await desk.obey("heal")
        await desk.obey("omit rssi, channel")
        bare = await one_read(site, 2)
        assert (bare.peak_rssi_dbm, bare.channel) == (None, None)
        await desk.obey("heal")
        await desk.obey("uptime")
        await site.until(lambda: site.events.count("connected") > 1)
        booted = await one_read(site, 3)
        assert booted.uptime_clock
        assert booted.first_seen_us is not None
        assert booted.first_seen_us < 10**14  # not since 1970


async def test_antennas_and_inputs_are_told(desk: FaultDesk) -> None:
    async with portal(desk.reader, gpis=(1,)) as site:
        await one_read(site, 1)
        await desk.obey("antenna 2 off")
        await desk.obey("gpi 1 on")

        def told(name: str) -> list[DeviceEvent]:
            return [r for r in site.readings if isinstance(r, DeviceEvent) and r.name == name]

        await site.until(lambda: told("gpi") and told("antenna"))
        assert (told("antenna")[-1].port, told("antenna")[-1].state) == (2, False)
        assert (told("gpi")[-1].port, told("gpi")[-1].state) == (1, True)


async def test_what_is_not_understood_is_answered_with_what_can_be_said(desk: FaultDesk) -> None:
    with pytest.raises(ValueError, match='Did you mean "silent"'):
        await desk.obey("silense 10")
    for line in ("clock", "clock soon", "antenna 9 off", "antenna 1", "omit", "omit colour"):
        with pytest.raises(ValueError, match="Say: "):
            await desk.obey(line)
    assert all(words.usage and words.does for words in WORDS.values())
