"""When a standing query reports: a query schedule (EPCIS 2.0, 8.2.5.3). Pure.

A field is a number, a range ``[8-17]`` or several of these with commas; also ``*`` and steps
(``0/30``, every 30 from 0 on), as in the standard's own examples. Times are UTC.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from central.schedule import next_time

__all__ = ["FIELDS", "NoSchedule", "checked", "due_after"]

FIELDS = {
    "second": ("second", 0, 59),
    "minute": ("minute", 0, 59),
    "hour": ("hour", 0, 23),
    "dayOfMonth": ("day", 1, 31),
    "month": ("month", 1, 12),
    "dayOfWeek": ("day_of_week", 1, 7),
}
"""The standard's fields: cron's name, and the least and greatest number."""
_ELEMENT = re.compile(r"(\*)|(\d{1,2})|\[(\d{1,2})-(\d{1,2})\]|(\*|\d{1,2})/(\d{1,2})")


class NoSchedule(ValueError):
    """What says no time; the message tells why."""


def due_after(schedule: Mapping[str, str], after: datetime) -> datetime | None:
    """The first time behind ``after``; ``None`` where it never comes. Raises ``NoSchedule``."""
    return next_time(
        {FIELDS[name][0]: _field(name, said) for name, said in schedule.items()}, after
    )


def checked(schedule: Mapping[str, str]) -> None:
    """Raises ``NoSchedule`` for one that says no time, or one that never comes."""
    if not schedule:
        raise NoSchedule(f"a schedule has at least one of {', '.join(FIELDS)}")
    if due_after(schedule, datetime(2026, 1, 1, tzinfo=UTC)) is None:
        raise NoSchedule("this time never comes: no month has such a day")


def _field(name: str, said: str) -> str:
    """As cron has it. Of days of the week ours begin with 1, cron's with 0."""
    cron, least, most = FIELDS[name]
    less = 1 if cron == "day_of_week" else 0
    parts = []
    for one in said.split(","):
        found = _ELEMENT.fullmatch(one)
        if found is None:
            raise NoSchedule(
                f"{name} is {said!r}: it is a number from {least} to {most}, a range like "
                f"[{least}-{most}], several with commas, or every so many like {least}/5"
            )
        parts.append(_part(name, found, less))
    return ",".join(parts)


def _part(name: str, found: re.Match[str], less: int) -> str:
    _cron, least, most = FIELDS[name]
    every, number, first, last, start, step = found.groups()
    if every:
        return "*"
    if step:
        low, high = (least if start == "*" else int(start)), most
    else:
        low, high = (int(number),) * 2 if number else (int(first), int(last))
    if not least <= low <= high <= most or (step and not 1 <= int(step) <= most):
        raise NoSchedule(f"{name} is {found.group()!r}: it lies from {least} to {most}")
    return f"{low - less}-{high - less}" + (f"/{step}" if step else "")
