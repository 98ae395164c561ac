"""The devices of this edge as somebody needs to see them: what to look after first."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from edge import certified
from edge.config import DeviceConfig
from edge.console.bench import Bench
from edge.console.operation import Operation, Tell
from edge.describing import describe
from edge.supervisor import HELD_HINT, Supervisor
from gateway.console import Troubled

__all__ = ["DEVICES", "RETRY", "listed", "row"]

_LEVELS = {"running": "good", "starting": "warn", "retrying": "warn"}
_ORDER = ("refused", "stopped", "retrying", "held", "starting", "running")


class DevicesArguments(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing to say."""


class RetryArguments(msgspec.Struct, frozen=True, kw_only=True):
    """``device`` is tried again at once, whether it waits or was given up."""

    device: str


def row(bench: Bench, device: DeviceConfig, supervisor: Supervisor) -> dict[str, Any]:
    """One device: ``level`` is good, warn or bad; ``cause`` and ``hint`` are for people."""
    health = supervisor.health
    held_for = bench.fleet.held_for(device.name)
    # Between the two ends of a hold its supervisor has not yet said that it stops, or starts.
    state = "held" if held_for else health.state.replace("held", "starting") or "starting"
    described = describe(device, bench.time.now_us())
    return {
        "name": device.name,
        "driver": device.driver,
        "read_point": device.read_point,
        "place": described.description,
        "plate": described.plate,
        "antennas": [
            {"antenna": one.antenna, "side": one.side, "alias": one.alias}
            for one in described.antennas
        ],
        "state": state,
        "level": _level(state, health.cause),
        "cause": f"In use for {held_for}." if held_for else health.cause,
        "hint": HELD_HINT if held_for else health.hint,
        "since_us": health.since_us,
        "certificate": _certificate(supervisor, bench.time.now_us()),
        "counters": supervisor.counters(),
        "unread": [detail for _, detail, _ in list(supervisor.flaws)[-3:]],
    }


def _level(state: str, cause: str) -> str:
    """A device that runs may have something to say all the same."""
    level = "warn" if state == "held" else _LEVELS.get(state, "bad")
    return "warn" if cause and level == "good" else level


def _certificate(supervisor: Supervisor, now_us: int) -> dict[str, Any] | None:
    """Until when a scale is certified, and in how many days that is over."""
    certificate = supervisor.described.certificate if supervisor.described else None
    if certificate is None:
        return None
    today = datetime.fromtimestamp(now_us / 1e6, UTC).date()
    left = certified.days_left(certificate, today)
    return {
        "on": certificate.on, "by": certificate.by, "due": certificate.due,
        "passed": certificate.passed, "days_left": left,
        "level": certified.level(certificate, today),
    }  # fmt: skip


def listed(bench: Bench) -> list[dict[str, Any]]:
    """All of them, those that need somebody first, then as in the settings."""
    supervisors = bench.supervisors
    rows = [
        row(bench, one, supervisors[one.name])
        for one in bench.fleet.devices
        if one.name in supervisors
    ]
    return sorted(rows, key=lambda one: _ORDER.index(one["state"]))


async def devices(bench: Bench, _asked: DevicesArguments, _tell: Tell) -> dict[str, Any]:
    """The list, once."""
    edge = bench.config.edge
    return {
        "edge": edge.name, "site": edge.site, "at_us": bench.time.now_us(),
        "devices": listed(bench),
    }  # fmt: skip


async def retry(bench: Bench, asked: RetryArguments, _tell: Tell) -> dict[str, Any]:
    """Let its supervisor begin anew."""
    if held_for := bench.fleet.held_for(bench.device(asked.device).name):
        raise Troubled(
            "held", f"{asked.device} is in use for {held_for}.", "End that first, or wait for it."
        )
    async with bench.hold(asked.device, "a new start"):
        pass
    return {"device": asked.device}


DEVICES = Operation(DevicesArguments, devices)
RETRY = Operation(RetryArguments, retry)
