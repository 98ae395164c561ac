"""A device's readings as samples of one plate: raw counts of a load cell, or grams of a scale."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any, Literal

from drivers.load_cells.node import NodeSettings
from drivers.readings import LoadCellWindow, Reading, WeightReading, WeightStatus
from edge.config import DeviceConfig
from edge.console.calibration.settling import Sample
from edge.fold.mass import division_mg, milligrams

Kind = Literal["counts", "grams"]
TRACE_S = 8.0
_KEPT = 20_000
_FAULTS = {
    WeightStatus.OVERLOAD: "overload: there is too much on the plate",
    WeightStatus.UNDERLOAD: "underload: the plate is lifted, or its zero is far off",
    WeightStatus.BUSY: "the scale is busy",
    WeightStatus.ERROR: "the scale reports an error of its own",
}


def kind_of(device: DeviceConfig) -> Kind | None:
    """What a device tells: ``counts`` are calibrated here, ``grams`` in the scale itself. ``None``
    for what is certainly no scale.
    """
    if isinstance(device.options, NodeSettings):
        return "counts"
    return None if device.driver in {"llrp", "scanner", "scanner-hid"} else "grams"


def raw(device: DeviceConfig) -> DeviceConfig:
    """The same device, telling what it measures before any calibration of ours."""
    options = device.options
    if isinstance(options, NodeSettings):
        options = options.model_copy(update={"calibration": None})
    return device.model_copy(update={"options": options})


class Plate:
    """``feed`` readings as they come; ``samples`` has them all since ``keep_from``, ``trouble``
    what is wrong now. ``finest`` is the step of the figures: a count, or the last digit sent.
    """

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.samples: deque[Sample] = deque(maxlen=_KEPT)
        self.trouble = ""
        self.temp_c: float | None = None
        self.finest = 1.0
        self.unit = "counts" if kind == "counts" else "g"

    def feed(self, at_s: float, readings: Sequence[Reading]) -> list[Sample]:
        """The samples that these readings are, which came at ``at_s``."""
        fresh: list[Sample] = []
        for reading in readings:
            sample = None
            if isinstance(reading, LoadCellWindow) and self.kind == "counts":
                sample = self._window(at_s, reading)
            elif isinstance(reading, WeightReading) and self.kind == "grams":
                sample = self._weight(at_s, reading)
            if sample is not None:
                fresh.append(sample)
        self.samples.extend(fresh)
        return fresh

    def _window(self, at_s: float, window: LoadCellWindow) -> Sample | None:
        if window.mean is None:
            self.trouble = "the converter gives no samples: check the load cell's cable"
            return None
        if window.saturated:
            self.trouble = "saturated: the converter is at the end of its range"
            return None
        self.trouble = ""
        self.temp_c = None if window.temp_c is None else float(window.temp_c)
        spread = None if window.std is None else float(window.std)
        return Sample(at_s, float(window.mean), None, spread, self.temp_c)

    def _weight(self, at_s: float, reading: WeightReading) -> Sample | None:
        if reading.tare:
            return None
        if reading.value is None:
            self.trouble = _FAULTS.get(reading.status, str(reading.status))
            return None
        mass_mg = milligrams(reading.value, reading.unit or "g")
        if mass_mg is None:
            self.trouble = f"the scale tells no mass but {reading.unit}"
            return None
        self.trouble = ""
        self.finest = division_mg(reading.value, reading.unit or "g") / 1_000
        return Sample(at_s, mass_mg / 1_000, reading.stable)

    def trace(self, now_s: float) -> list[list[Any]]:
        """The last seconds, for a chart: milliseconds, the value, whether the device calls it
        stable.
        """
        since = now_s - TRACE_S
        points: list[list[Any]] = []
        for sample in reversed(self.samples):
            if sample.at_s < since:
                break
            points.append([round(sample.at_s * 1_000), sample.value, sample.stable])
        return points[::-1]

    def rate_hz(self, now_s: float) -> float:
        """Values a second, of the last two seconds."""
        recent = 0
        for sample in reversed(self.samples):
            if sample.at_s <= now_s - 2.0:
                break
            recent += 1
        return recent / 2.0
