"""What a node's windows mean: which is new, what was lost between, and what they weigh. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from drivers.load_cells.calibration import Calibration
from drivers.readings import DeviceEvent, LoadCellWindow, Reading, WeightReading, WeightStatus


class WindowSequence:
    """Whether windows follow each other. ``lost``, ``repeated`` and ``restarts`` only grow."""

    def __init__(self) -> None:
        self.lost = self.repeated = self.restarts = 0
        self._last: LoadCellWindow | None = None

    def take(self, window: LoadCellWindow) -> tuple[bool, list[DeviceEvent]]:
        """Whether this window is news, and what is to be told of it."""
        last = self._last
        if last is None:
            self._last = window
            return True, []
        if _restarted(last, window):
            self.restarts += 1
            self._last = window
            return True, [_event("restarted", f"{_name(window)} started anew")]
        if window.seq <= last.seq:
            self.repeated += 1  # QoS 1 may deliver twice
            return False, []
        self._last = window
        missing = window.seq - last.seq - 1
        if not missing:
            return True, []
        self.lost += missing
        detail = f"{_name(window)}: {missing} windows before {window.seq} lost"
        return True, [_event("info", detail)]


def _restarted(last: LoadCellWindow, window: LoadCellWindow) -> bool:
    if last.boot != window.boot:
        return True
    # A line without a mark of the boot: number and uptime begin anew together, while the uptime
    # alone, of 32 bits in milliseconds, also does after 49 days.
    return window.boot is None and window.seq <= last.seq and window.up_ms < last.up_ms


class NodeWeigher:
    """A node's windows as readings: weights where there is a calibration, else the raw counts.

    ``stable_std_g`` is the largest standard deviation within a window that counts as rest.
    """

    def __init__(self, node: str, calibration: Calibration | None, stable_std_g: Decimal) -> None:
        self.sequence = WindowSequence()
        self.strangers = self.without_temperature = 0
        self.windows = 0
        self._node = node
        self._calibration = calibration
        self._stable_std_g = stable_std_g

    def take(self, windows: Sequence[LoadCellWindow]) -> list[Reading]:
        """Readings of windows in their order; those of another node are counted and told."""
        readings: list[Reading] = []
        for window in windows:
            if window.node != self._node:
                self.strangers += 1
                what = f"a window of {_name(window)} instead of node {self._node}"
                readings.append(_event("frame_error", what))
                continue
            new, events = self.sequence.take(window)
            readings += events
            if new:
                self.windows += 1
                readings.append(self._weighed(window))
        return readings

    def counters(self) -> dict[str, int]:
        """``windows``, ``windows_lost``, ``windows_repeated``, ``node_restarts``, ``strangers``,
        and ``without_temperature`` where the calibration needs one.
        """
        return {
            "windows": self.windows,
            "windows_lost": self.sequence.lost,
            "windows_repeated": self.sequence.repeated,
            "node_restarts": self.sequence.restarts,
            "strangers": self.strangers,
            "without_temperature": self.without_temperature,
        }

    def _weighed(self, window: LoadCellWindow) -> Reading:
        calibration = self._calibration
        if calibration is None:
            return window
        version = calibration.version
        if window.mean is None:  # the converter gives no samples: its cable, or its power
            return WeightReading(value=None, status=WeightStatus.ERROR, calibration=version)
        if calibration.zero_counts_per_k is not None and window.temp_c is None:
            self.without_temperature += 1
        grams = calibration.grams(window.mean, window.temp_c)
        if window.saturated:
            status = WeightStatus.UNDERLOAD if grams < 0 else WeightStatus.OVERLOAD
            return WeightReading(value=None, status=status, calibration=version)
        spread = None if window.std is None else calibration.spread_g(window.std)
        return WeightReading(
            value=grams,
            unit="g",
            stable=None if spread is None else spread <= self._stable_std_g,
            net=False,
            calibration=version,
            spread=spread,
        )


def _event(name: str, detail: str) -> DeviceEvent:
    return DeviceEvent(name=name, detail=detail)


def _name(window: LoadCellWindow) -> str:
    return f"node {window.node}"
