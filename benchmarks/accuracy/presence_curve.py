"""What ``tallyport bench presence`` tells of all tags: the curve, its picture, what folds chose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.accuracy.presence_folds import (
    CURVE_S,
    WINDOWS_S,
    Chosen,
    Point,
    Rule,
    Tag,
    by_rule,
    by_smurf,
    by_window,
    chosen,
)

_MOST_S = 26.0


def curve(tags: Sequence[Tag]) -> dict[str, Point]:
    """Each rule's point by name: windows and ours at several settings, and SMURF."""
    points = {f"window_{one:g}s": by_window(tags, one) for one in WINDOWS_S}
    points["smurf"] = by_smurf(tags)
    return points | {f"ours_{one:g}s": by_rule(tags, Rule(one)) for one in CURVE_S}


def figures(folds: Mapping[str, Sequence[Tag]], points: Mapping[str, Point]) -> dict[str, float]:
    """The bench's figures: the curve, and what the choice without each fold comes to on it."""
    told = {
        f"curve_{name}_{field}": round(value, 5)
        for name, point in points.items()
        for field, value in point._asdict().items()
    }
    found = chosen(dict(folds))
    if found:
        told |= _together("left_out_ours", found, folds, [one.ours for one in found])
        told |= _together("left_out_window_10s", found, folds, [one.window for one in found])
    return told


def _together(
    name: str, found: Sequence[Chosen], folds: Mapping[str, Sequence[Tag]], points: Sequence[Point]
) -> dict[str, float]:
    """The folds' points as one, by tags and by their time."""
    tags = [len(folds[one.fold]) for one in found]
    spans = [sum(tag[-1] - tag[0] for tag in folds[one.fold]) for one in found]
    span_s = sum(spans)
    paired = list(zip(spans, points, strict=True))
    lags = [number * one.lag_s for number, one in zip(tags, points, strict=True)]
    return {
        f"{name}_lag_s": round(sum(lags) / sum(tags), 3),
        f"{name}_absent": round(sum(span * one.absent for span, one in paired) / span_s, 5),
        f"{name}_mistakes_per_h": round(
            sum(span * one.mistakes_per_h for span, one in paired) / span_s, 2
        ),
    }


def draw(points: Mapping[str, Point], path: Path) -> None:
    """The curve as an SVG file: share told absent over mean lag."""
    from tallyport.charts.pen import BLUE, GREEN, VIOLET, as_file  # noqa: PLC0415 (reportlab)
    from tallyport.charts.plots import Axis, Curve, curves  # noqa: PLC0415

    def line(kind: str) -> list[tuple[float, float]]:
        found = [one for name, one in points.items() if name.startswith(kind)]
        return [(one.lag_s, one.absent) for one in found if one.lag_s <= _MOST_S]

    smurf_s, smurf = points["smurf"].lag_s, points["smurf"].absent
    across = Axis(
        "mean time from a tag's last read until it is told gone (s)",
        0.0,
        _MOST_S,
        [(float(step), str(step)) for step in range(0, 26, 5)],
    )
    top = max(0.01, *(absent for _, absent in line("window")))
    up = Axis(
        "told absent while there", 0.0, top, [(top * n / 4, f"{top * n / 4:.2f}") for n in range(5)]
    )
    lines = [
        Curve("fixed windows, 1 to 25 s", line("window"), BLUE),
        Curve("SMURF", [(smurf_s - 0.4, smurf), (smurf_s + 0.4, smurf)], VIOLET),
        Curve("Tallyport, from often to seldom wrong", line("ours"), GREEN),
    ]
    picture = as_file(curves(lines, across, up), "share told absent over lag, all tags")
    path.write_text(picture, encoding="utf-8")
