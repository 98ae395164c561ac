"""Central's status on a terminal. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from central.terminal.now import CentralNow
from gateway.terminal import board
from gateway.terminal.wording import harmless, lasted, rate, several

__all__ = ["draw", "farewell"]

_FEW = 100
_BEHIND = 1_000
"""More facts behind than come in a burst: somebody should know."""


def draw(now: CentralNow, width: int, height: int, *, errors: Sequence[str] = ()) -> RenderableType:
    """The status for a terminal of that size; ``errors`` are the log's last ones."""
    said: list[RenderableType] = [
        board.title("central", f"{now.url}  up {lasted(now.up_s)}".strip(), width),
        board.figures(_inflow(now), width),
        board.figures(_stock(now), width),
        board.figures(_service(now), width),
    ]
    troubles = list(_troubles(now))
    troubles += [board.Trouble("bad", harmless(f"last error: {one}")) for one in errors]
    room = max(1, height - 12)
    said += [board.trouble(one, width) for one in troubles[:room]]
    if len(troubles) > room:
        said.append(Text(f"and {len(troubles) - room} more", style="dim"))
    return Group(*said)


def farewell(now: CentralNow | None) -> str:
    """The last line of a run."""
    if now is None:
        return "central stopped before it was ready."
    figures = (
        several(now.observations, "observation") + " taken in",
        several(now.moves, "movement") + " today",
        f"{several(now.reviews, 'review')} and {several(now.alerts, 'alert')} open",
    )
    return f"central ran {lasted(now.up_s)}: {', '.join(figures)}."


def _inflow(now: CentralNow) -> Sequence[tuple[str, str, str]]:
    online = now.edges - len(now.edges_away)
    parts = [
        ("edges online", f"{online} of {now.edges}", "yellow" if now.edges_away else ""),
        ("devices", f"{now.devices}", ""),
        ("observations", f"{now.observations:,} ({rate(now.observations_per_s)})", ""),
    ]
    if now.judging_behind:
        late = "yellow" if now.judging_behind > _BEHIND else ""
        parts.append(("to judge", f"{now.judging_behind:,}", late))
    return parts


def _stock(now: CentralNow) -> Sequence[tuple[str, str, str]]:
    return [
        ("movements today", f"{now.moves:,} (in {now.moved_in:,}, out {now.moved_out:,})", ""),
        ("open reviews", f"{now.reviews:,}", "yellow" if now.reviews else ""),
        ("open alerts", f"{now.alerts:,}", "yellow" if now.alerts else ""),
    ]


def _service(now: CentralNow) -> Sequence[tuple[str, str, str]]:
    charts = f"{now.series_behind:,} behind" if now.series_behind > _FEW else "up to date"
    return [
        ("charts", charts, "yellow" if now.series_behind > _BEHIND else ""),
        ("http clients", f"{now.visitors:,}", ""),
        ("live screens", f"{now.screens:,}", ""),
    ]


def _troubles(now: CentralNow) -> Sequence[board.Trouble]:
    away = [board.Trouble("warn", f"edge {edge} is away") for edge in now.edges_away]
    ill = [
        board.Trouble("bad", harmless(f"{device} of {edge}: {cause or 'is not well'}"))
        for edge, device, cause in now.devices_bad
    ]
    return away + ill
