"""One device's life: build the driver, run it, fold what it says, and never be silent about it.

A ``DeviceError`` is an expected end: the supervisor waits (capped, exponential, full jitter)
and builds the driver anew, or stops for good when trying again is pointless. Anything else is
a mistake in a driver: it is logged with its traceback, told as health, and the device is
tried again, because a fault in one device must not silence the others.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import structlog

from drivers.driver import Driver
from drivers.errors import DeviceError
from drivers.readings import DeviceEvent, Reading
from edge.backoff import Backoff
from edge.fold import Folder
from edge.health import Health, added
from edge.keeper import Keep
from edge.walltime import WallTime
from gateway.contract import DeviceDescribed, Observation

_log = structlog.get_logger("edge.supervisor")
_TICK_S = 0.1
_WORTH_S = 10.0
"""A connection that lasted so long was a good one: the next failure waits briefly again."""
_FLAWS_KEPT = 20
HELD_HINT = "It goes on by itself afterwards."
_NO_LEVELS = {
    "cause": "This reader tells no levels (PeakRSSI): what moves past it can only be guessed, and "
    "a person is asked about all of it.",
    "hint": 'Switch levels on: "rssi" in `report` of its settings here, or PeakRSSI in the ROSpec '
    "or the settings of whatever sends its reads.",
}
Listener = Callable[[int, Sequence[Reading]], None]
"""Is told when something was heard (microseconds since 1970) and what; must neither wait nor
raise.
"""


class Supervisor:
    """Owns one configured device from start to stop. ``last_heard`` is its newest reading, and
    when that came on the steady clock.

    ``build_driver`` and ``build_folder`` make fresh ones; ``describe`` says how the device is
    set up, for the log. ``keep`` takes the observations and may wait.
    """

    def __init__(
        self,
        name: str,
        read_point: str,
        *,
        build_driver: Callable[[], Driver],
        build_folder: Callable[[], Folder],
        describe: Callable[[int], DeviceDescribed],
        keep: Keep,
        time_source: WallTime,
        backoff: Backoff | None = None,
        health_every_s: float = 60.0,
    ) -> None:
        self.name = name
        self._build_driver = build_driver
        self._build_folder = build_folder
        self._describe = describe
        self._keep = keep
        self._time = time_source
        self._steps = time_source.steps
        self._backoff = backoff or Backoff()
        self._health_every_us = round(health_every_s * 1e6)
        self._health_due_us = 0
        self._folder = build_folder()
        self._folding = asyncio.Lock()
        self._driver: Driver | None = None
        self._past: dict[str, int] = {}
        self._own = dict.fromkeys(("starts", "failures", "faults", "readings"), 0)
        self._connected_at: float | None = None
        self._listeners: list[Listener] = []
        self.flaws: deque[tuple[int, str, str]] = deque(maxlen=_FLAWS_KEPT)
        """When bytes made no sense lately, what was said of them, and these bytes in hex."""
        self.last_heard: tuple[Reading, float] | None = None
        self.health = Health(name, read_point)
        self.described: DeviceDescribed | None = None
        self.held_for = ""
        """What the device is let go for, in words: said when ``run`` ends meanwhile."""

    async def run(self) -> None:
        """Supervise until cancelled; what was heard is folded out and kept before it ends."""
        await self.describe()
        await self._turn("starting")
        ticking = asyncio.create_task(self._tick(), name=f"tick {self.name}")
        trying = asyncio.create_task(self._try(), name=f"device {self.name}")
        try:
            await asyncio.gather(ticking, trying)
        finally:
            for task in (trying, ticking):
                if not task.cancelling():  # a second one would cut a driver's goodbye short
                    task.cancel()
            await asyncio.gather(trying, ticking, return_exceptions=True)
            await self._stop()

    async def describe(self) -> None:
        """Keep how the device is set up now: at each start, and when a certificate was made."""
        self.described = self._describe(self._time.now_us())
        await self._keep([self.described])

    def counters(self) -> dict[str, int]:
        """Counters of all this device's drivers and folders since the start."""
        counts = added(self._past, self._folder.counters())
        if self._driver is not None:
            counts = added(counts, self._driver.counters())
        return added(counts, self._own)

    @contextmanager
    def listen(self, listener: Listener) -> Iterator[None]:
        """Tell ``listener`` of everything that this device says meanwhile, before it is folded."""
        self._listeners.append(listener)
        try:
            yield
        finally:
            self._listeners.remove(listener)

    @property
    def heard(self) -> int:
        """Readings since the start."""
        return self._own["readings"]

    @property
    def failed(self) -> int:
        """How often the device's driver ended, by an error of the device or by a mistake."""
        return self._own["failures"] + self._own["faults"]

    # ---- the driver's life -----------------------------------------------------------------
    async def _try(self) -> None:
        while await self._once():
            if self._was_worth_it():
                self._backoff.reset()
            self._connected_at = None
            await asyncio.sleep(self._backoff.next_s())

    async def _once(self) -> bool:
        """One driver from birth to end; whether to try again."""
        self._own["starts"] += 1
        try:
            self._driver = self._build_driver()
            await self._driver.run(self._hear)
        except DeviceError as error:
            self._own["failures"] += 1
            state = "retrying" if error.retry else "refused"
            await self._turn(state, cause=str(error), hint=error.hint)
            return error.retry
        except Exception as fault:  # noqa: BLE001 - told as health, and tried again
            _log.exception("driver_fault", device=self.name)
            await self._fault(f"{type(fault).__name__}: {fault}")
            return True
        finally:
            if self._driver is not None:
                self._past = added(self._past, self._driver.counters())
                self._driver = None
        await self._fault("the driver ended without saying why")
        return True

    async def _fault(self, what: str) -> None:
        self._own["faults"] += 1
        await self._turn(
            "retrying",
            cause=f"a fault in the driver: {what}",
            hint="this is a mistake in the software; please report it with the agent's log",
        )

    def _was_worth_it(self) -> bool:
        since = self._connected_at
        return since is not None and self._time.steady_s() - since >= _WORTH_S

    async def _hear(self, readings: Sequence[Reading]) -> None:
        """What the driver emits into; returns when the keeper has taken it."""
        if self._connected_at is None:
            self._connected_at = self._time.steady_s()
        self._own["readings"] += len(readings)
        for listener in self._listeners:
            listener(self._time.now_us(), readings)
        if readings:
            self.last_heard = (readings[-1], self._time.steady_s())
        async with self._folding:
            observations = self._refold_after_step()
            observations += self._folder.feed(readings, self._time.now_us())
            await self._keep(observations)
        await self._turn("running", **self._complaint())
        for reading in readings:
            if isinstance(reading, DeviceEvent):
                self._note(reading)

    def _note(self, event: DeviceEvent) -> None:
        if event.name == "frame_error":
            self.flaws.append((self._time.now_us(), event.detail, event.raw_hex))
            _log.warning("frame_error", device=self.name, detail=event.detail)
        elif event.name != "gpi":
            _log.info(
                "device_event", device=self.name, event_name=event.name, port=event.port,
                state=event.state, detail=event.detail,
            )  # fmt: skip

    # ---- time ------------------------------------------------------------------------------
    async def _tick(self) -> None:
        """Windows, sightings and residents end by time, not by the next reading."""
        while True:
            await asyncio.sleep(_TICK_S)
            async with self._folding:
                await self._keep(self._fold_by_time())
            if self._time.now_us() >= self._health_due_us:
                await self._say_health()

    def _fold_by_time(self) -> list[Observation]:
        try:
            observations = self._refold_after_step()
            return observations + self._folder.tick(self._time.now_us())
        except Exception:  # noqa: BLE001 - a mistake in folding must not end this device
            _log.exception("fold_fault", device=self.name)
            self._own["faults"] += 1
            self._past = added(self._past, self._folder.counters())
            self._folder = self._build_folder()
            return []

    def _refold_after_step(self) -> list[Observation]:
        """When the edge's own clock jumped, end what was being folded and begin anew."""
        now_us = self._time.now_us()
        if self._time.steps == self._steps:
            return []
        self._steps = self._time.steps
        _log.warning("clock_stepped", device=self.name, steps=self._steps)
        observations = self._folder.flush(now_us)
        self._past = added(self._past, self._folder.counters())
        self._folder = self._build_folder()
        self._health_due_us = 0
        return observations

    # ---- health ----------------------------------------------------------------------------
    async def _turn(self, state: str, *, cause: str = "", hint: str = "") -> None:
        now_us = self._time.now_us()
        before = self.health.state
        news = self.health.turn(state, now_us, cause=cause, hint=hint, counters=self.counters())
        if news is None:
            return
        if state == "running" and cause:
            _log.warning("device_complains", device=self.name, cause=cause, hint=hint)
        elif state == "running":
            _log.info("device_running", device=self.name, before=before)
        elif state in {"retrying", "refused"} and state != before:
            log = _log.error if state == "refused" else _log.warning
            log("device_" + state, device=self.name, cause=cause, hint=hint)
        self._health_due_us = now_us + self._health_every_us
        await self._keep([news])

    def _complaint(self) -> dict[str, str]:
        """What is wrong with a device that runs; without antennas nothing rests on its levels."""
        if self.described is None or not self.described.antennas:
            return {}
        return _NO_LEVELS if self._folder.tells_no_levels else {}

    async def _say_health(self) -> None:
        now_us = self._time.now_us()
        self._health_due_us = now_us + self._health_every_us
        await self._keep([self.health.say(now_us, self.counters())])

    async def _stop(self) -> None:
        async with self._folding:
            await self._keep(self._folder.flush(self._time.now_us()))
        if self.held_for:
            await self._turn("held", cause=f"In use for {self.held_for}.", hint=HELD_HINT)
        else:
            await self._turn("stopped")
