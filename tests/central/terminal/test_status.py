"""What central's status says, and that it fits."""

from __future__ import annotations

from typing import Any

from central.terminal.now import CentralNow
from central.terminal.status import draw, farewell
from tests.fakes.pictures import drawn


def central(**more: Any) -> CentralNow:
    told: dict[str, Any] = {
        "up_s": 75.0, "url": "http://127.0.0.1:8080", "edges": 2, "edges_away": (), "devices": 9,
        "devices_bad": (), "observations": 1_200, "observations_per_s": 40.0,
        "judging_behind": 0, "moves": 12, "moved_in": 30, "moved_out": 4, "reviews": 1,
        "alerts": 2, "series_behind": 3, "screens": 1, "visitors": 4,
    }  # fmt: skip
    return CentralNow(**(told | more))


def test_troubles_and_the_last_errors_stand_below_the_figures() -> None:
    ill = central(edges_away=("pi-2",), devices_bad=(("pi-1", "dock", "no answer"),))
    errors = ["07:00:00Z series_unavailable disk\x1b[2J full"]
    picture = drawn(lambda width, height: draw(ill, width, height, errors=errors), 100, 24)
    said = "\n".join(picture)
    assert "edges online 1 of 2" in said
    assert "movements today 12 (in 30, out 4)  open reviews 1  open alerts 2" in said
    assert "charts up to date" in said
    assert "▲ edge pi-2 is away" in said
    assert "✕ dock of pi-1: no answer" in said
    assert "✕ last error: 07:00:00Z series_unavailable disk\N{MIDDLE DOT}[2J full" in said


def test_it_fits_whatever_the_window_and_the_trouble() -> None:
    many = central(devices_bad=tuple(("pi", f"plate-{n}", "no answer " * 20) for n in range(40)))
    for width, height in ((20, 24), (60, 14), (200, 30)):
        picture = drawn(lambda w, h: draw(many, w, h), width, height)
        assert max(map(len, picture)) <= width
        assert "more" in picture[-1]


def test_the_last_line_of_a_run() -> None:
    assert farewell(None) == "central stopped before it was ready."
    assert farewell(central()) == (
        "central ran 1 min: 1,200 observations taken in, 12 movements today, "
        "1 review and 2 alerts open."
    )
