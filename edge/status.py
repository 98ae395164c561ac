"""The agent's status on a terminal, and its devices as ``tallyport edge top`` lists them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from edge.now import DeviceNow, EdgeNow
from gateway.terminal import board
from gateway.terminal.wording import ago, harmless, lasted, rate, several, size

__all__ = ["ORDERS", "draw", "farewell", "in_order"]

_LEVELS = {
    "running": "good",
    "starting": "warn",
    "retrying": "warn",
    "held": "warn",
    "stopped": "warn",
}
_URGENCY = ("refused", "retrying", "stopped", "held", "starting", "running")
_QUEUE_LATE_S = 30.0
_COLUMNS = (
    board.Column("device"),
    board.Column("state", leaves_below=50),
    board.Column("at", leaves_below=80),
    board.Column("driver", leaves_below=110),
    board.Column("readings", right=True, leaves_below=40),
    board.Column("heard", right=True, leaves_below=64),
    board.Column("last", grows=True),
)
ORDERS: dict[str, Callable[[DeviceNow], tuple[object, ...]]] = {
    "urgency": lambda one: (_URGENCY.index(one.state), one.name),
    "name": lambda one: (one.name,),
    "rate": lambda one: (-one.readings_per_s, one.name),
    "last": lambda one: (
        one.last_age_s is None,
        one.last_age_s or 0.0,
        one.name,
    ),
    "failures": lambda one: (-one.failures, one.name),
}
"""How devices may be ordered: by what needs somebody first, unless asked otherwise."""


def in_order(devices: Iterable[DeviceNow], order: str = "urgency") -> list[DeviceNow]:
    """The devices by one of ``ORDERS``."""
    return sorted(devices, key=ORDERS[order])


def draw(
    now: EdgeNow, width: int, height: int, *, order: str = "urgency", foot: str = ""
) -> RenderableType:
    """The status for a terminal of that size."""
    above: list[RenderableType] = [
        board.title(f"edge {now.edge}", f"site {now.site}, up {lasted(now.up_s)}", width),
        board.figures(_figures(now), width),
    ]
    if now.trouble:
        above.append(board.trouble(board.Trouble("bad", now.trouble, now.hint), width))
    below: list[RenderableType] = [Text(foot, style="dim", no_wrap=True)] if foot else []
    room = height - 6 - len(above) - len(below)
    devices = in_order(now.devices, order)
    if not devices:
        rows: RenderableType = Text("no devices yet: add one with [[devices]]", style="dim")
    else:
        rows = board.table(_COLUMNS, [_row(one) for one in devices], width, max(1, room))
    return Group(*above, rows, *below)


def farewell(now: EdgeNow) -> str:
    """The last line of a run."""
    kept = several(now.kept, "observation")
    left = (
        f"{now.waiting:,} wait for central in the journal"
        if now.waiting
        else "central has them all"
    )
    lost = f", {now.lost:,} lost to a full journal" if now.lost else ""
    return f"edge {now.edge} ran {lasted(now.up_s)}: {kept} kept, {left}{lost}."


def _figures(now: EdgeNow) -> Sequence[tuple[str, str, str]]:
    late = now.waiting and now.waiting_s > _QUEUE_LATE_S
    queue = f"{now.waiting:,}" + (f", oldest {lasted(now.waiting_s)}" if now.waiting_s > 2 else "")
    full = now.disk_bytes > 0.8 * now.disk_limit_bytes > 0
    parts = [
        (
            "broker",
            f"{now.broker} {'connected' if now.connected else 'away'}",
            "green" if now.connected else "red",
        ),
        ("queue", queue, "yellow" if late else ""),
        ("kept", f"{now.kept:,} ({rate(now.kept_per_s)})", ""),
        (
            "disk",
            f"{size(now.disk_bytes)} of {size(now.disk_limit_bytes)}",
            "yellow" if full else "",
        ),
        ("clock", "steady" if not now.clock_steps else several(now.clock_steps, "step"), ""),
    ]
    if now.lost:
        parts.append(("lost", f"{now.lost:,}", "red"))
    return parts


def _row(one: DeviceNow) -> Sequence[Text | str]:
    level = _LEVELS.get(one.state, "bad")
    level = "warn" if one.cause and level == "good" else level
    mark, style = board.MARKS[level]
    name = Text.assemble((f"{mark} ", style), one.name)
    if level != "good" and one.cause:
        last = Text(harmless(one.cause + (f" {one.hint}" if one.hint else "")), style=style)
    else:
        last = Text(one.last)
    return (
        name,
        one.state if level == "good" else f"{one.state} {lasted(one.for_s)}",
        one.read_point,
        one.driver,
        rate(one.readings_per_s),
        ago(one.last_age_s),
        last,
    )
