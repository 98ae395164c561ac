"""The portal as it was surveyed: seen from above, and its levels and rates as charts."""

from __future__ import annotations

import math
from typing import Any

from reportlab.graphics.shapes import Circle, Polygon
from reportlab.lib.colors import HexColor

from drivers.recording import AntennaPlace
from tallyport.certify.survey import AntennaSeen, Survey
from tallyport.charts.pen import AMBER, BLUE, GREEN, GREY, INK, PALE, RED, RULE, Pen, paler
from tallyport.charts.plots import Bar, Heap, bars, histogram

_SIDES = {"outside": BLUE, "inside": GREEN, "unknown": GREY}
_LOBE_M = 1.1
_LOBE_DEG = 34.0
"""Half of where a usual portal antenna looks (half-power beam width about 68 degrees)."""


def portal(seen: Survey, *, width: float = 520.0, height: float = 250.0) -> Any:  # noqa: ANN401
    """From above: outside on the left. Antennas without a place stand in rows by their side."""
    pen = Pen(width, height)
    placed = _placed(seen)
    far = max([1.6, *(max(abs(x), abs(y)) for _, x, y, _ in placed)]) + 0.7
    scale = min(width / (2.6 * far), height / (2.0 * far))
    middle_x, middle_y = width / 2, height / 2
    pen.box(0, 0, width, height, PALE, round_=6)
    pen.line(middle_x, 0, middle_x, height, ink=RULE, width=1.5)
    pen.text(14, height - 18, "outside", size=10, ink=BLUE, bold=True)
    pen.text(width - 14, height - 18, "inside", size=10, ink=GREEN, bold=True, anchor="end")
    _way(pen, middle_x, middle_y)
    for one, x, y, yaw in placed:
        _antenna(pen, one, (middle_x + x * scale, middle_y + y * scale), yaw, scale)
    known = any(one.place.x_m is not None for one in seen.antennas)
    told = f"{2 * far:.1f} m across" if known else "places not configured: drawn by side"
    pen.text(width / 2, 8, f"{told}. A wedge is where an antenna looks.", size=8, ink=GREY,
             anchor="middle")  # fmt: skip
    return pen.drawing


def _placed(seen: Survey) -> list[tuple[AntennaSeen, float, float, float]]:
    """Where each stands, and its bore-sight in degrees from the way in, anticlockwise."""
    placed = []
    rows = {"outside": -0.6, "inside": 0.6, "unknown": 0.0}
    for number, one in enumerate(seen.antennas):
        place = one.place
        x = rows[place.side] if place.x_m is None else place.x_m
        y = (1.2 if number % 2 == 0 else -1.2) if place.y_m is None else place.y_m
        placed.append((one, x, y, _looks(place, y)))
    return placed


def _looks(place: AntennaPlace, y: float) -> float:
    """Across the way, turned by its yaw towards the inside."""
    across = -90.0 if y > 0 else 90.0
    yaw = place.yaw_deg or 0.0
    return across + (yaw if y > 0 else -yaw)


def _antenna(
    pen: Pen, one: AntennaSeen, at: tuple[float, float], looks_deg: float, scale: float
) -> None:
    x, y = at
    ink = _SIDES[one.place.side]
    corners = [x, y]
    for step in range(9):
        angle = math.radians(looks_deg - _LOBE_DEG + step * _LOBE_DEG / 4)
        corners += [
            x + _LOBE_M * scale * math.cos(angle),
            y + _LOBE_M * scale * math.sin(angle),
        ]
    pen.add(Polygon(corners, fillColor=HexColor(paler(ink)), strokeColor=None))
    pen.add(Circle(x, y, 9, fillColor=HexColor(ink), strokeColor=None))
    pen.text(x, y - 3.2, str(one.place.antenna), size=9, ink="#ffffff", anchor="middle", bold=True)
    left = x <= pen.width / 2
    rate = f"{one.walk_per_s:.0f} reads/s"
    pen.text(x + (-14 if left else 14), y - 3, rate, size=8, anchor="end" if left else "start")


def _way(pen: Pen, x: float, y: float) -> None:
    pen.line(x - 52, y, x + 44, y, ink=INK, width=1.4)
    tip = Polygon([x + 54, y, x + 42, y + 5, x + 42, y - 5], strokeColor=None)
    tip.fillColor = HexColor(INK)
    pen.add(tip)
    pen.text(x, y + 5, "in", size=9, anchor="middle")


def levels(seen: Survey, *, width: float = 520.0) -> Any:  # noqa: ANN401
    """How loud carried tags were, and how loud all others; the strongest of each per capture."""
    every = [*seen.movers_dbm, *seen.strays_dbm]
    low = 10.0 * math.floor(min(every, default=-80.0) / 10.0)
    high = 10.0 * math.ceil((max(every, default=-30.0) + 0.01) / 10.0)
    heaps = [
        Heap(f"other tags ({len(seen.strays_dbm)})", seen.strays_dbm, AMBER),
        Heap(f"carried tags ({len(seen.movers_dbm)})", seen.movers_dbm, GREEN),
    ]
    label = "strongest read of a tag in a capture, dBm"
    return histogram(heaps, label, low=low, high=max(high, low + 10), step=2.5, width=width)


def rates(seen: Survey, *, width: float = 520.0) -> Any:  # noqa: ANN401
    """Reads a second of each antenna while somebody walks."""
    most = 20.0 * math.ceil(max([1.0, *(one.walk_per_s for one in seen.antennas)]) / 20.0)
    rows = [
        Bar(
            f"{one.place.antenna}, {one.place.side}",
            one.walk_per_s,
            ink=_SIDES[one.place.side] if one.walk_per_s else RED,
            note=f"{one.walk_per_s:.0f}/s, quiet {one.idle_per_s:.0f}/s",
        )
        for one in seen.antennas
    ]
    return bars(rows, width=width, most=most)
