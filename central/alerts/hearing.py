"""Who is told of what happened to an alert, and from when on. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from central.alerts.hours import open_from
from central.alerts.model import SEVERITIES, Alert, Channel, Happened, Rule

__all__ = ["Around", "Hears", "hearers"]


class Around(NamedTuple):
    """Where an alert is: its place with those around it, and their warehouse's time zone."""

    path: Sequence[str] = ()
    time_zone: str = "UTC"


class Hears(NamedTuple):
    """A channel that is told, and from when on (microseconds since 1970)."""

    channel: str
    due_us: int


def hearers(  # noqa: PLR0917 (all that decides it)
    alert: Alert,
    happened: Happened,
    rule: Rule,
    channels: Iterable[Channel],
    around: Around,
    told: Collection[str],
) -> Iterator[Hears]:
    """``told`` are the channels that heard of this alert before: they alone hear that it is over.

    While an alert is snoozed nobody hears of it; hours that are muted at its place, and a channel's
    own quiet hours, put it off.
    """
    if alert.snoozed_until_us is not None and happened.what != "snoozed":
        return
    for channel in channels:
        if not channel.enabled or happened.what not in channel.hears:
            continue
        if happened.what == "cleared":
            wanted = channel.code in told
        elif happened.what == "escalated":
            wanted = channel.code in rule.escalate_to
        else:
            wanted = channel.code in rule.tell if rule.tell else _subscribes(channel, alert, around)
        if wanted:
            yield Hears(channel.code, _from(alert, happened, rule, channel, around))


def _subscribes(channel: Channel, alert: Alert, around: Around) -> bool:
    return (
        not channel.only_named
        and (channel.location is None or channel.location in around.path)
        and (not channel.kinds or alert.kind in channel.kinds)
        and SEVERITIES.index(alert.severity) >= SEVERITIES.index(channel.least)
    )


def _from(alert: Alert, happened: Happened, rule: Rule, channel: Channel, around: Around) -> int:
    at_us = open_from(happened.at_us, rule.muted, around.time_zone)
    rings = channel.rings is not None and (
        SEVERITIES.index(alert.severity) >= SEVERITIES.index(channel.rings)
    )
    return at_us if rings else open_from(at_us, channel.quiet, channel.time_zone)
