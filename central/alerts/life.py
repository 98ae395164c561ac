"""The life of an alert: waiting, raised, acknowledged, cleared. Pure.

Nothing here knows a clock or a table: an alert, what is found now and the time give the alert as it
is then, and what happened to it.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from central.alerts.model import Alert, Finding, Happened, Rule

__all__ = ["Step", "acknowledge", "due", "follow", "gone", "snooze", "tick"]

_SECOND_US = 1_000_000


class Step(NamedTuple):
    """An alert as it is now (``None``: forgotten, it was never raised), and what happened to it.
    ``before`` is what it was, ``None`` for a new one.
    """

    before: Alert | None
    alert: Alert | None
    happened: tuple[Happened, ...]


def follow(alert: Alert | None, found: Finding, now_us: int) -> Step | None:
    """What a finding makes of an alert (``None``: there is none yet); ``None`` when nothing."""
    if alert is None:
        return _begin(found, now_us) if found.met else None
    if alert.state == "waiting":
        return _wait_on(alert, found, now_us) if found.met else Step(alert, None, ())
    if found.met is False:
        return gone(alert, now_us, found)
    rule = found.rule
    seen = msgspec.structs.replace(
        alert, value=found.value, says=found.says, limit=rule.limit, rule=rule.id,
        severity=rule.severity,
    )  # fmt: skip
    if seen == alert:
        return None
    return Step(alert, _dated(seen, rule), ())


def gone(alert: Alert, now_us: int, found: Finding | None = None) -> Step:
    """It is over, as is ``found``, or nobody finds it any more."""
    if alert.state == "waiting":
        return Step(alert, None, ())
    over = msgspec.structs.replace(
        alert, state="cleared", cleared_us=now_us, due_us=None, version=alert.version + 1,
        value=alert.value if found is None else found.value,
        says=alert.says if found is None else found.says,
    )  # fmt: skip
    return Step(alert, over, (Happened(what="cleared", at_us=now_us),))


def tick(alert: Alert, rule: Rule, now_us: int) -> Step | None:
    """What time alone makes of an alert."""
    if alert.state == "waiting":
        return None if _raises_at(alert, rule) > now_us else _raised(alert, rule, alert, now_us)
    happened: list[Happened] = []
    then = alert
    if then.snoozed_until_us is not None:
        if then.snoozed_until_us > now_us:
            return None
        then = msgspec.structs.replace(then, snoozed_until_us=None)
        happened.append(Happened(what="woken", at_us=now_us))
    escalates_at = _escalates_at(then, rule)
    if escalates_at is not None and escalates_at <= now_us:
        then = msgspec.structs.replace(then, escalated_us=now_us)
        happened.append(Happened(what="escalated", at_us=now_us))
    then = _dated(then, rule)
    return Step(alert, then, tuple(happened)) if happened or then.due_us != alert.due_us else None


def acknowledge(alert: Alert, rule: Rule, by: str, note: str, now_us: int) -> Step | None:
    """Somebody sees to it: it is not escalated any more. Again: nothing changes."""
    if alert.state != "raised":
        return None
    seen = msgspec.structs.replace(
        alert, state="acknowledged", acknowledged_us=now_us, acknowledged_by=by
    )
    told = Happened(what="acknowledged", at_us=now_us, by=by, note=note)
    return Step(alert, _dated(seen, rule), (told,))


def snooze(alert: Alert, rule: Rule, until_us: int, told: Happened) -> Step:
    """Nobody is told of it until then, unless it is raised anew."""
    asleep = msgspec.structs.replace(alert, snoozed_until_us=until_us)
    return Step(alert, _dated(asleep, rule), (told,))


def due(alert: Alert, rule: Rule) -> int | None:
    """When time alone changes it next."""
    if alert.state == "cleared":
        return None
    if alert.state == "waiting":
        return _raises_at(alert, rule)
    return alert.snoozed_until_us or _escalates_at(alert, rule)


def _begin(found: Finding, now_us: int) -> Step:
    rule = found.rule
    fresh = Alert(
        no=0, key=found.key, kind=rule.kind, rule=rule.id, severity=rule.severity, state="waiting",
        says=found.says, value=found.value, limit=rule.limit, since_us=now_us, sku=found.sku,
        location=found.location, subject=found.subject, version=0,
    )  # fmt: skip
    if rule.for_s == 0:
        return _raised(None, rule, fresh, now_us)
    return Step(None, _dated(fresh, rule), ())


def _wait_on(alert: Alert, found: Finding, now_us: int) -> Step | None:
    rule = found.rule
    seen = msgspec.structs.replace(
        alert, value=found.value, says=found.says, limit=rule.limit, rule=rule.id,
        severity=rule.severity,
    )  # fmt: skip
    if _raises_at(seen, rule) <= now_us:
        return _raised(alert, rule, seen, now_us)
    return None if seen == alert else Step(alert, _dated(seen, rule), ())


def _raised(before: Alert | None, rule: Rule, alert: Alert, now_us: int) -> Step:
    up = msgspec.structs.replace(alert, state="raised", raised_us=now_us)
    return Step(before, _dated(up, rule), (Happened(what="raised", at_us=now_us),))


def _dated(alert: Alert, rule: Rule) -> Alert:
    return msgspec.structs.replace(alert, due_us=due(alert, rule), version=alert.version + 1)


def _raises_at(alert: Alert, rule: Rule) -> int:
    return alert.since_us + rule.for_s * _SECOND_US


def _escalates_at(alert: Alert, rule: Rule) -> int | None:
    if alert.state != "raised" or alert.escalated_us is not None or not rule.escalate_to:
        return None
    assert alert.raised_us is not None, "it is raised"
    return alert.raised_us + rule.escalate_after_s * _SECOND_US
