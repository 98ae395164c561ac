"""``health``: everything of this edge that can be well or not, what to do first on top."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from edge.console.bench import Bench
from edge.console.devices import listed
from edge.console.operation import Operation, Tell
from edge.console.support.machine import Finding, machine_findings
from gateway.terminal.wording import lasted, several, size

__all__ = ["HEALTH", "findings"]

_ORDER = ("bad", "warn", "good")
_LOOK_EVERY_S = 2.0
_BACKLOG_OLD_S = 60.0
_NEARLY_FULL = 0.8


class HealthArguments(msgspec.Struct, frozen=True, kw_only=True):
    """``follow`` tells it again every two seconds until it is cancelled."""

    follow: bool = False


async def health(bench: Bench, asked: HealthArguments, tell: Tell) -> dict[str, Any]:
    """All findings, those that need somebody first."""
    while True:
        picture = {
            "edge": bench.config.edge.name,
            "at_us": bench.time.now_us(),
            "findings": await findings(bench),
        }
        if not asked.follow:
            return picture
        tell(picture)
        await asyncio.sleep(_LOOK_EVERY_S)


async def findings(bench: Bench) -> list[dict[str, Any]]:
    """The worst first; devices before what they stand on."""
    machine = await asyncio.to_thread(machine_findings, bench.config)
    found = [
        *_devices(bench),
        *_calibrations(bench),
        *_road(bench),
        *await _journal(bench),
        *machine,
    ]
    return [
        msgspec.to_builtins(one) for one in sorted(found, key=lambda one: _ORDER.index(one.level))
    ]


def _devices(bench: Bench) -> list[Finding]:
    return [
        Finding(
            what=one["name"],
            level=one["level"],
            text=one["cause"] or _running(one["state"]),
            hint=one["hint"],
            device=one["name"],
            action="retry" if one["level"] != "good" and one["state"] != "held" else "",
        )
        for one in listed(bench)
    ]


def _calibrations(bench: Bench) -> list[Finding]:
    """Scales whose certificate is over, was failed, or is over soon."""
    found = []
    for one in listed(bench):
        paper = one["certificate"]
        if paper is None or paper["level"] == "good":
            continue
        left = paper["days_left"]
        if not paper["passed"]:
            text = f"It failed its calibration of {paper['on']}."
        elif left < 0:
            text = f"Its calibration is overdue since {paper['due']}: {several(-left, 'day')}."
        else:
            when = "today" if left == 0 else f"in {several(left, 'day')}"
            text = f"Its calibration is due {when}, on {paper['due']}."
        found.append(
            Finding(
                what=f"{one['name']}: calibration", level=paper["level"], text=text,
                hint="Calibrate it; the new certificate ends this.",
                device=one["name"], action="calibrate",
            )
        )  # fmt: skip
    return found


def _running(state: str) -> str:
    return "It runs." if state == "running" else f"It is {state}."


def _sentence(text: str) -> str:
    """What logs say in passing, as a sentence."""
    return f"{text[0].upper()}{text[1:]}" if text else ""


def _road(bench: Bench) -> list[Finding]:
    now = bench.now()
    trouble, hint = _sentence(now.trouble), _sentence(now.hint)
    if not now.connected:
        return [
            Finding(
                what="Central", level="warn",
                text=trouble or f"Not connected to the broker at {now.broker}.",
                hint=hint or "Nothing is lost: what is heard is kept here and sent later.",
            )
        ]  # fmt: skip
    waits = f"{now.waiting} observations wait, the oldest for {lasted(now.waiting_s)}."
    if now.trouble or now.waiting_s > _BACKLOG_OLD_S:
        return [
            Finding(
                what="Central", level="warn", text=trouble or waits,
                hint=hint or "It catches up by itself; look at central if it does not.",
            )
        ]  # fmt: skip
    text = f"Connected to {now.broker}; {waits if now.waiting else 'nothing waits.'}"
    return [Finding(what="Central", level="good", text=text)]


async def _journal(bench: Bench) -> list[Finding]:
    stats = await bench.journal()
    part = stats.bytes_on_disk / max(1, stats.limit_bytes)
    text = f"{size(stats.bytes_on_disk)} of {size(stats.limit_bytes)} in use."
    if stats.dropped:
        return [
            Finding(
                what="Journal", level="bad",
                text=f"{text} {stats.dropped} observations were given up for want of room.",
                hint="Bring central back, free disk space, or raise journal.max_mib.",
            )
        ]  # fmt: skip
    level = "warn" if part > _NEARLY_FULL else "good"
    hint = "Bring central back, or raise journal.max_mib." if level == "warn" else ""
    return [Finding(what="Journal", level=level, text=text, hint=hint)]


HEALTH = Operation(HealthArguments, health)
