"""Is a device there, and does it speak? Connects as the agent does, and listens a moment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from drivers.driver import Noted
from drivers.errors import DeviceError
from drivers.readings import DeviceEvent, Reading
from edge.config import DeviceConfig
from edge.device_brokers import build_driver

_ENOUGH_READINGS = 10


@dataclass(slots=True)
class Finding:
    """What a probe of one device came to. ``identity`` is what the device says it is, ``notes``
    what it accepts and how it is peculiar.
    """

    device: str
    driver: str
    identity: str = ""
    readings: list[Reading] = field(default_factory=list)
    counters: Mapping[str, int] = field(default_factory=dict)
    problem: str = ""
    hint: str = ""
    notes: Sequence[str] = ()

    @property
    def ok(self) -> bool:
        """Whether the device answered."""
        return not self.problem


async def probe(
    device: DeviceConfig,
    seconds: float,
    *,
    news: Callable[[Finding], None] | None = None,
    enough_readings: int = _ENOUGH_READINGS,
) -> Finding:
    """Listen to one device for at most ``seconds``, or until a handful of readings came.

    ``news`` is called with the finding as it is, whenever it has grown.
    """
    finding = Finding(device.name, device.driver)
    enough = asyncio.Event()

    async def emit(readings: Sequence[Reading]) -> None:
        for reading in readings:
            if not isinstance(reading, DeviceEvent):
                finding.readings.append(reading)
            elif reading.name == "connected":
                finding.identity = reading.detail or "it answers"
        if news is not None:
            news(finding)
        if len(finding.readings) >= enough_readings:
            enough.set()

    driver = build_driver(device)
    running = asyncio.create_task(driver.run(emit))
    waiting = asyncio.create_task(enough.wait())
    try:
        await asyncio.wait({running, waiting}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        ended = running.done()
    finally:
        running.cancel()
        waiting.cancel()
        result, _ = await asyncio.gather(running, waiting, return_exceptions=True)
    finding.counters = dict(driver.counters())
    if isinstance(driver, Noted):
        finding.notes = driver.notes()
    _judge(finding, result, ended=ended, seconds=seconds)
    return finding


def _judge(finding: Finding, result: object, *, ended: bool, seconds: float) -> None:
    """What went wrong, if anything did."""
    if ended:
        finding.problem = f"the driver ended: {result}" if result else "the driver ended"
    if isinstance(result, DeviceError):
        finding.problem, finding.hint = str(result), result.hint
    elif not ended and not finding.identity and not finding.readings:
        finding.problem = f"nothing was heard within {seconds:g} s"
        finding.hint = "is it switched on, and are the settings those of the device?"
