"""The machine under an edge: disk, clock, certificates, temperature. Blocking: ask in a thread."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from edge.config import EdgeConfig
from edge.console.support.clock_state import clock_state
from gateway.certificate_dates import good_until
from gateway.terminal.wording import size

__all__ = ["Finding", "certificates", "machine_findings"]

_LITTLE_BYTES = 200 * 2**20
_LITTLE_PART = 0.1
_SOON_DAYS = 14
_HOT_C = 80.0
_ERROR_MOST_US = 500_000
_THERMAL = Path("/sys/class/thermal/thermal_zone0/temp")


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is well or not: ``level`` good, warn or bad. ``action`` is an operation that
    helps, with ``device`` as its argument; empty where a person must.
    """

    what: str
    level: str
    text: str
    hint: str = ""
    device: str = ""
    action: str = ""


def machine_findings(config: EdgeConfig) -> list[Finding]:
    """What there is to say; what cannot be found out on this machine is left out."""
    return [*_disk(config.edge.data_dir), *_clock(), *_certificates(config), *_heat()]


def _disk(data_dir: Path) -> list[Finding]:
    try:
        disk = shutil.disk_usage(data_dir)
    except OSError as error:
        return [
            Finding(
                what="Disk", level="bad", text=f"{data_dir} cannot be used: {error.strerror}.",
                hint="Does the card still work? Look at the system's log.",
            )
        ]  # fmt: skip
    little = disk.free < max(_LITTLE_BYTES, _LITTLE_PART * disk.total / 2)
    return [
        Finding(
            what="Disk",
            level="warn" if little else "good",
            text=f"{size(disk.free)} of {size(disk.total)} free.",
            hint="Free some: without room what is heard cannot be kept." if little else "",
        )
    ]


def _clock() -> list[Finding]:
    state = clock_state()
    if state.synchronised is None:
        return []
    if state.synchronised and state.error_us < _ERROR_MOST_US:
        text = f"It follows a time server, to within {state.error_us / 1_000:.0f} ms."
        return [Finding(what="Clock", level="good", text=text)]
    return [
        Finding(
            what="Clock", level="warn", text="No time server sets it.",
            hint="Let chrony or systemd-timesyncd run: times of events follow this clock.",
        )
    ]  # fmt: skip


def certificates(config: EdgeConfig) -> list[tuple[str, Path, datetime | None, str]]:
    """Every certificate in the settings: its key, its file, until when it is good, or why that
    cannot be said.
    """
    found: list[tuple[str, Path, datetime | None, str]] = []
    for key in ("tls_cert", "tls_ca"):
        path: Path | None = getattr(config.mqtt, key)
        if path is None:
            continue
        try:
            found.append((key, path, good_until(path.read_text(encoding="ascii")), ""))
        except (OSError, ValueError) as error:
            found.append((key, path, None, str(error)))
    return found


def _certificates(config: EdgeConfig) -> list[Finding]:
    found = []
    for key, path, until, problem in certificates(config):
        if until is None:
            text, level = f"{path} cannot be read: {problem}.", "bad"
        else:
            days = (until - datetime.now(UTC)).days
            text = f"{path.name} is good until {until:%Y-%m-%d}, {days} days."
            level = "bad" if days < 0 else "warn" if days < _SOON_DAYS else "good"
        hint = "" if level == "good" else "Renew it: tallyport central broker renew."
        found.append(Finding(what=f"Certificate ({key})", level=level, text=text, hint=hint))
    return found


def _heat() -> list[Finding]:
    try:
        celsius = int(_THERMAL.read_text(encoding="ascii")) / 1_000
    except (OSError, ValueError):
        return []
    hot = celsius > _HOT_C
    hint = "Give it air: it slows down, and then reads are late." if hot else ""
    level = "warn" if hot else "good"
    return [Finding(what="Temperature", level=level, text=f"{celsius:.0f} °C.", hint=hint)]
