"""Scans stay scans; the echo of one scan is dropped and counted."""

from __future__ import annotations

from collections.abc import Sequence

from drivers.readings import CodeScan
from edge.fold.moments import Place, moment
from edge.fold.settings import FoldSettings
from gateway.contract import CodeScanned, Observation

_MOST_DATA = 4_096


class ScanFolder:
    """One scanner's codes."""

    def __init__(self, place: Place, settings: FoldSettings) -> None:
        self._place = place
        self._repeat_us = round(settings.repeat_scan_s * 1e6)
        self._last: CodeScan | None = None
        self._last_us = 0
        self._counts = dict.fromkeys(("scans", "scans_repeated", "scans_too_long"), 0)

    def feed(self, scans: Sequence[CodeScan], arrived_us: int) -> list[Observation]:
        """Fold scans that arrived now. A trigger held down repeats a code: each repeat within
        the time moves its end, so that it stays one scan.
        """
        out: list[Observation] = []
        for scan in scans:
            self._counts["scans"] += 1
            repeated = scan == self._last and 0 <= arrived_us - self._last_us < self._repeat_us
            self._last, self._last_us = scan, arrived_us
            if repeated:
                self._counts["scans_repeated"] += 1
            elif len(scan.data) > _MOST_DATA:
                self._counts["scans_too_long"] += 1
            else:
                out.append(
                    CodeScanned(
                        device=self._place.device,
                        read_point=self._place.read_point,
                        event_time=moment(arrived_us),
                        data=scan.data,
                        symbology=scan.symbology,
                    )
                )
        return out

    def counters(self) -> dict[str, int]:
        """Monotonic counters for health."""
        return dict(self._counts)
