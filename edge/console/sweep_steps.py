"""One step of a power sweep: what one antenna, or several, hear at one power, and how surely."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from statistics import median, quantiles

from drivers.llrp.capabilities import Capabilities
from drivers.llrp.config import Antenna, LlrpConfig
from drivers.llrp.reader import LlrpReader
from drivers.readings import Reading, TagRead
from edge.config import DeviceConfig
from edge.console.hearing import hearing
from edge.console.power_window import Step

SLOTS = 4
_SETTLE_S = 0.15
"""What was on the way from the power before is not counted."""
_SINGLE_TARGET = {1, 3, 5}
_DUAL_TARGET = 2


class Tally:
    """Reads of one step; ``marked`` are the tags that are told one by one."""

    def __init__(self, marked: Collection[str], seconds: float) -> None:
        self._marked = frozenset(marked)
        self._slot_s = seconds / SLOTS
        self._seconds = seconds
        self._since_s = asyncio.get_running_loop().time()
        self._levels: list[float] = []
        self._tags: set[str] = set()
        self._slots: dict[str, set[int]] = {}
        self._loud: dict[str, list[float]] = {}

    def hear(self, readings: Sequence[Reading]) -> None:
        """Count what came now."""
        slot = int((asyncio.get_running_loop().time() - self._since_s) / self._slot_s)
        for reading in readings:
            if isinstance(reading, TagRead):
                self._count(reading, min(slot, SLOTS - 1))

    def _count(self, read: TagRead, slot: int) -> None:
        self._tags.add(read.epc)
        if read.peak_rssi_dbm is not None:
            self._levels += [read.peak_rssi_dbm] * read.count
        else:
            self._levels += [float("nan")] * read.count
        if read.epc in self._marked:
            self._slots.setdefault(read.epc, set()).add(slot)
            if read.peak_rssi_dbm is not None:
                self._loud.setdefault(read.epc, []).append(read.peak_rssi_dbm)

    def step(self, antenna: int, power_dbm: float) -> Step:
        """What was counted."""
        known = sorted(level for level in self._levels if level == level)  # noqa: PLR0124 - NaN
        return Step(
            antenna=antenna,
            power_dbm=power_dbm,
            seconds=self._seconds,
            slots=SLOTS,
            reads=len(self._levels),
            tags=len(self._tags),
            p10_dbm=round(_tenth(known), 1) if known else None,
            p50_dbm=round(median(known), 1) if known else None,
            heard={epc: len(slots) for epc, slots in sorted(self._slots.items())},
            rssi_dbm={epc: round(median(loud), 1) for epc, loud in sorted(self._loud.items())},
        )


def _tenth(levels: Sequence[float]) -> float:
    return levels[0] if len(levels) < 2 else quantiles(levels, n=10, method="inclusive")[0]


def at_power(
    device: DeviceConfig, antennas: Sequence[int], power_dbm: float | None, *, impinj: bool
) -> DeviceConfig:
    """The device's settings with only these antennas, sending with this power, ``repeating``."""
    options: LlrpConfig = device.options
    known = {one.antenna: one for one in options.antennas}
    chosen = tuple(
        known.get(number, Antenna(antenna=number)).model_copy(update={"tx_power_dbm": power_dbm})
        for number in antennas
    )
    options = options.model_copy(update={"antennas": chosen})
    return repeating(device.model_copy(update={"options": options}), impinj=impinj)


def repeating(device: DeviceConfig, *, impinj: bool) -> DeviceConfig:
    """The same, reading every tag again and again, so that silence means that it is not reached:
    in session 0, both targets, without waiting for an input.
    """
    options: LlrpConfig = device.options
    update = {"session": 0, "gpi_trigger": None, "report_every_n": 1}
    if impinj and options.search_mode in _SINGLE_TARGET:
        update["impinj_search_mode"] = _DUAL_TARGET
    return device.model_copy(update={"options": options.model_copy(update=update)})


async def capabilities_of(device: DeviceConfig) -> tuple[Capabilities, frozenset[int]]:
    """What the reader itself says that it can do, and the ports that have no antenna."""
    async with hearing(device) as heard:
        await heard.introduced()
    assert isinstance(heard.driver, LlrpReader)
    found = heard.driver.capabilities
    assert found is not None, "a reader that connected told what it can do"
    return found, frozenset(heard.unplugged)


async def measure(
    device: DeviceConfig, marked: Collection[str], seconds: float, *, antenna: int, power: float
) -> Step:
    """Listen to a device that was set by ``at_power``. Raises ``DeviceError``."""
    async with hearing(device) as heard:
        await heard.listen(_SETTLE_S)
        tally = Tally(marked, seconds)
        heard.hear = tally.hear
        await heard.listen(seconds)
        heard.hear = lambda _: None
    return tally.step(antenna, power)
