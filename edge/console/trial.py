"""``test_read``: hear a device for some seconds and list what came; nothing of it is kept.

The device is held, so the agent hears nothing of it meanwhile: no observation is made, hence
nothing can be judged or booked. That has a price, which is told: whatever really passed in that
time was heard by nobody but the technician.

``listen`` lists tags too, beside the agent, which goes on hearing: for marking tags.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Annotated, Any

import msgspec

from drivers.readings import CodeScan, LoadCellWindow, Reading, TagRead, WeightReading
from edge.console.bench import Bench
from edge.console.hearing import hearing
from edge.console.operation import Changing, Operation, Tell
from edge.console.sights import scan
from edge.console.tag_list import TagList

__all__ = ["LISTEN", "TEST_READ", "Trial", "back_again"]

_EVERY_S = 0.2
_BACK_S = 20.0
_SCANS = 100
_SHOWN_LIVE = 200
_SHOWN_LAST = 1_000
Seconds = Annotated[float, msgspec.Meta(ge=0.5, le=120)]


class Trial:
    """What came: tags, weights, scans."""

    def __init__(self) -> None:
        self.tags = TagList()
        self._weights: list[Decimal] = []
        self._unit: str | None = None
        self._stable = 0
        self._faults = 0
        self._scans: list[dict[str, Any]] = []
        self._windows = 0
        self._counts: str | None = None

    def hear(self, readings: Sequence[Reading]) -> None:
        """Take what came now."""
        for reading in readings:
            if isinstance(reading, TagRead):
                self.tags.feed(reading)
            elif isinstance(reading, WeightReading):
                self._weigh(reading)
            elif isinstance(reading, CodeScan) and len(self._scans) < _SCANS:
                self._scans.append(scan(reading))
            elif isinstance(reading, LoadCellWindow):
                self._windows += 1
                self._counts = None if reading.mean is None else str(reading.mean)

    def _weigh(self, reading: WeightReading) -> None:
        if reading.tare:
            return
        if reading.value is None:
            self._faults += 1
            return
        self._weights.append(reading.value)
        self._unit = reading.unit
        self._stable += reading.stable is True

    def picture(self, most: int = _SHOWN_LIVE) -> dict[str, Any]:
        """All of it."""
        weights = self._weights
        return {
            "reads": self.tags.reads,
            "different": len(self.tags.epcs) + self.tags.more,
            "antennas": self.tags.antennas(),
            "tags": self.tags.rows(most),
            "scans": list(self._scans),
            "weight": {
                "values": len(weights),
                "last": str(weights[-1]),
                "least": str(min(weights)),
                "most": str(max(weights)),
                "unit": self._unit,
                "stable": self._stable,
                "faults": self._faults,
            }
            if weights
            else None,
            "cell": {"windows": self._windows, "counts": self._counts} if self._windows else None,
        }

    @property
    def silent(self) -> bool:
        """Whether nothing came at all."""
        return not (self.tags.reads or self._weights or self._scans or self._windows)


class TestReadArguments(Changing, frozen=True, kw_only=True):
    """Which device, and for how long."""

    __test__ = False  # no test class, whatever its name begins with
    device: str
    seconds: Seconds = 5.0


async def test_read(bench: Bench, asked: TestReadArguments, tell: Tell) -> dict[str, Any]:
    """Hear it alone, then give it back; ``blind_s`` is until the agent heard it again."""
    device = bench.device(asked.device)
    trial, begun_us = Trial(), bench.time.now_us()

    def told() -> dict[str, Any]:
        return {"seconds": asked.seconds, **trial.picture()}

    was_running = bench.supervisor(device.name).health.state == "running"
    async with bench.hold(device.name, "a test read"), hearing(device) as heard:
        identity = heard.identity
        await _for(heard.listen, asked.seconds, trial, told, tell, hearing_to=heard)
    back = await back_again(bench, device.name) if was_running else True
    blind_s = round((bench.time.now_us() - begun_us) / 1e6, 1)
    what = "The portal" if device.driver == "llrp" else device.name
    says = [
        f"{what} was blind for {blind_s:g} s: what passed meanwhile was not kept for the books.",
    ]
    if trial.silent:
        says.append("Nothing was heard: is there anything before it, and is it switched on?")
    if not back:
        says.append(f"The agent has not heard {device.name} again yet: look at its page.")
    return {
        "device": device.name,
        "driver": device.driver,
        "identity": identity,
        "seconds": asked.seconds,
        **trial.picture(most=_SHOWN_LAST),
        "blind_s": blind_s,
        "back": back,
        "says": says,
    }


async def _for(
    wait: Callable[[float], Any],
    seconds: float,
    trial: Trial,
    told: Callable[[], dict[str, Any]],
    tell: Tell,
    *,
    hearing_to: Any,  # noqa: ANN401 - a Hearing, whose ``hear`` is put in place
) -> None:
    loop = asyncio.get_running_loop()
    until_s = loop.time() + seconds
    hearing_to.hear = trial.hear
    while (left_s := until_s - loop.time()) > 0:
        tell(told() | {"left_s": round(left_s, 1)})
        await wait(min(_EVERY_S, left_s))


async def back_again(bench: Bench, name: str) -> bool:
    """Return when the agent hears a device again; ``False`` when it does not for a while."""
    try:
        async with asyncio.timeout(_BACK_S):
            while True:
                supervisor = bench.supervisor(name)
                with bench.listen(name) as lots:
                    if supervisor.health.state == "running":
                        return True
                    async for _ in lots:
                        return True
    except TimeoutError:
        return False


class ListenArguments(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which device, and for how long."""

    device: str
    seconds: Seconds = 10.0


async def listen(bench: Bench, asked: ListenArguments, tell: Tell) -> dict[str, Any]:
    """List what the agent hears of a device just now; nothing is held."""
    name = bench.device(asked.device).name
    trial = Trial()
    loop = asyncio.get_running_loop()
    until_s = loop.time() + asked.seconds
    told_s = 0.0
    try:
        async with asyncio.timeout(asked.seconds):
            with bench.listen(name) as lots:
                async for lot in lots:
                    trial.hear(lot)
                    if loop.time() - told_s >= _EVERY_S:
                        told_s = loop.time()
                        tell(trial.picture() | {"left_s": round(until_s - told_s, 1)})
    except TimeoutError:
        pass
    return trial.picture(most=_SHOWN_LAST)


TEST_READ = Operation(TestReadArguments, test_read)
LISTEN = Operation(ListenArguments, listen)
