"""One calibration under way: a held plate, what was measured, and the step that runs now.

A session lives as long as the operation ``calibrate`` that holds the device; steps are operations
of their own that find it by its id. One step runs at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from statistics import fmean
from typing import Any
from weakref import WeakValueDictionary

import msgspec

from drivers.readings import Reading
from edge.config import DeviceConfig
from edge.console.calibration.draft import Draft
from edge.console.calibration.plate import Kind, Plate
from edge.console.calibration.settling import Rest, Sample
from edge.console.calibration.verdicts import rows, verdict
from gateway.console import Troubled, new_id

_FEW = 5
_WITHIN_SIGMAS, _WITHIN_DIVISIONS = 10.0, 5.0

_open: WeakValueDictionary[str, Session] = WeakValueDictionary()


class Session:
    """``feed`` is called with what the device says; ``running`` is the step that measures now."""

    def __init__(self, device: DeviceConfig, kind: Kind, *, by: str) -> None:
        self.id = new_id()
        self.device, self.by = device, by
        self.plate = Plate(kind)
        self.draft = Draft(kind=kind)
        self.identity = ""
        self.first: list[Sample] = []
        """How the plate read before anybody touched it."""
        self.running: dict[str, Any] | None = None
        self.wanted_end = asyncio.Event()
        self.released = asyncio.Event()
        self.touched_s = self.now_s()
        self._hears: Callable[[Sample], None] | None = None
        self._news = asyncio.Event()
        _open[self.id] = self

    @staticmethod
    def find(session_id: str) -> Session:
        """The session of this id. Raises ``Troubled`` where it is over."""
        found = _open.get(session_id)
        if found is None or found.wanted_end.is_set():
            raise Troubled(
                "no-such-calibration",
                "This calibration is over: the device was given back to the agent.",
                "Start again from the scale's page; nothing was changed.",
            )
        return found

    @staticmethod
    def now_s() -> float:
        """The clock of all samples."""
        return asyncio.get_running_loop().time()

    def feed(self, readings: Sequence[Reading]) -> None:
        """What the device says now."""
        fresh = self.plate.feed(self.now_s(), readings)
        if len(self.first) < _FEW:
            self.first += fresh
        if self._hears is not None:
            for sample in fresh:
                self._hears(sample)
        self._news.set()

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Have the plate for one step. Raises ``Troubled`` while another one measures."""
        if self.running is not None:
            raise Troubled("busy", f"The step {self.running['step']} still measures: wait for it.")
        self.running = {"step": name}
        self.touched_s = self.now_s()
        try:
            yield
        finally:
            self.running, self._hears = None, None
            self.touched_s = self.now_s()

    def say(self, **words: Any) -> None:  # noqa: ANN401 - words of JSON, whatever they are
        """What the running step does just now."""
        if self.running is not None:
            self.running |= words

    @contextmanager
    def listening(self, hear: Callable[[Sample], None]) -> Iterator[None]:
        """Give a step each sample from now on."""
        self._hears = hear
        try:
            yield
        finally:
            self._hears = None

    async def news(self, timeout_s: float) -> None:
        """Return when something came, or after so long. Raises ``Troubled`` once it is over."""
        if self.released.is_set():
            raise Troubled(
                "device-lost",
                "The device was lost in the middle of this step.",
                "Look at its cable and its power, then start the calibration again.",
            )
        self._news.clear()
        try:
            async with asyncio.timeout(timeout_s):
                await self._news.wait()
        except TimeoutError:
            return

    def rest(self) -> Rest:
        """A fresh watch over whether the plate rests; its noise must be known."""
        noise = self.draft.noise
        return Rest(0.0 if noise is None else noise.sigma, self.plate.finest)

    @property
    def left_on_g(self) -> float | None:
        """What lies on the plate more than at the beginning (or less), in grams; ``None`` while
        that cannot be told, 0 within what noise and drift may do.
        """
        samples, noise = list(self.plate.samples), self.draft.noise
        if noise is None or len(samples) < 2 * _FEW or self.draft.counts_per_g is None:
            return None
        first = fmean(one.value for one in (self.first or samples)[:_FEW])
        last = fmean(one.value for one in samples[-_FEW:])
        over = (last - first) / self.draft.counts_per_g
        spread_g = self.draft.grams_of_spread(max(noise.sigma, self.plate.finest)) or 0.0
        within = max(_WITHIN_SIGMAS * spread_g, _WITHIN_DIVISIONS * (self.draft.division or 0.0))
        return 0.0 if abs(over) <= within else over

    def picture(self) -> dict[str, Any]:
        """All of it, for whoever looks."""
        now_s, draft = self.now_s(), self.draft
        newest = self.plate.samples[-1] if self.plate.samples else None
        results = rows(draft)
        return {
            "session": self.id,
            "device": self.device.name,
            "kind": draft.kind,
            "unit": self.plate.unit,
            "identity": self.identity,
            "by": self.by,
            "now": None if newest is None else self._now(newest),
            "trouble": self.plate.trouble,
            "rate_hz": self.plate.rate_hz(now_s),
            "now_ms": round(now_s * 1_000),
            "trace": self.plate.trace(now_s),
            "running": self.running,
            "results": msgspec.to_builtins(results),
            "verdict": verdict(results),
            "division_g": draft.division,
            "good_for_g": draft.good_for_g,
            "unit_g": draft.unit_g,
            "left_on_g": self.left_on_g,
            "lifts": len(draft.lifts),
            "corners": sorted(draft.corners),
        }

    def _now(self, newest: Sample) -> dict[str, Any]:
        calm = self.rest()
        for sample in list(self.plate.samples)[-60:]:
            calm.feed(sample)
        grams = self.draft.grams(newest.value)
        return {
            "value": newest.value,
            "grams": None if grams is None else round(grams, 3),
            "stable": newest.stable,
            "at_rest": calm.why_not == "",
            "why_not": calm.why_not,
            "temp_c": newest.temp_c,
        }
