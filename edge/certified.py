"""What a technician certified of a scale last, as central and the pages need to know it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import msgspec

from gateway.contract import Certificate

__all__ = ["SOON_DAYS", "days_left", "level", "newest"]

SOON_DAYS = 14
"""A calibration that is due within so many days is announced: masses have to be borrowed."""
ZERO_PART = 0.04
"""OIML R 76-1:2006, 4.5.1: zero is set within 4 % of the capacity; beyond it something else is
wrong than the zero.
"""
ZERO_DIVISIONS = 20
"""The same of the coarsest scale of class III, which has 500 divisions (R 76-1, table 3)."""


class _Kept(msgspec.Struct):
    at: str
    by: str
    due: str
    verdict: str
    capacity_g: float | None = None
    division_g: float | None = None


def newest(data_dir: Path, device: str) -> Certificate | None:
    """The newest certificate of a device; ``None`` where none was made, or its file is broken
    (the page "Records" says so).
    """
    kept = sorted((data_dir / "console").glob(f"calibration-{device}-[0-9]*Z.json"))
    if not kept:
        return None
    try:
        found = msgspec.json.decode(kept[-1].read_bytes(), type=_Kept)
        return Certificate(
            on=found.at[:10], by=found.by, due=found.due, passed=found.verdict != "fail",
            zero_limit_mg=_zero_limit_mg(found),
        )  # fmt: skip
    except (OSError, msgspec.MsgspecError):
        return None


def days_left(certificate: Certificate, today: date) -> int:
    """Days until it is due; 0 on that day, fewer when it is over."""
    return (date.fromisoformat(certificate.due) - today).days


def level(certificate: Certificate, today: date) -> str:
    """``bad`` where it is over, or was failed; ``warn`` when it is over soon; else ``good``."""
    left = days_left(certificate, today)
    if left < 0 or not certificate.passed:
        return "bad"
    return "warn" if left <= SOON_DAYS else "good"


def _zero_limit_mg(found: _Kept) -> int | None:
    if found.capacity_g:
        return round(ZERO_PART * found.capacity_g * 1_000)
    return round(ZERO_DIVISIONS * found.division_g * 1_000) if found.division_g else None
