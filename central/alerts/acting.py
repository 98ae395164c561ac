"""What people do about alerts: see to one, or hear no more of it for a while."""

from __future__ import annotations

from sqlalchemy import Connection

from central.alerts import book, life, notices, rules
from central.alerts.model import Alert, Happened, Rule
from central.catalogue.changes import Told
from central.catalogue.errors import CatalogueError, NotValid

__all__ = ["IsOver", "acknowledge", "snooze"]

_LONGEST_US = 366 * 86_400_000_000


class IsOver(CatalogueError):
    """The alert is over, or was not raised yet."""


def acknowledge(conn: Connection, no: int, note: str, told: Told) -> Alert:
    """Somebody sees to it; who did it first stays so. Raises ``NotFound``, ``IsOver``."""
    alert, rule = _open(conn, no)
    step = life.acknowledge(alert, rule, told.by, note, told.at_us)
    return alert if step is None else _kept(conn, step, rule)


def snooze(conn: Connection, no: int, until_us: int, note: str, told: Told) -> Alert:
    """Nobody hears of it until then. Raises ``NotFound``, ``IsOver``, ``NotValid``."""
    if not told.at_us < until_us <= told.at_us + _LONGEST_US:
        raise NotValid("an alert is snoozed until a moment to come, within a year")
    alert, rule = _open(conn, no)
    happened = Happened(what="snoozed", at_us=told.at_us, by=told.by, note=note)
    return _kept(conn, life.snooze(alert, rule, until_us, happened), rule)


def _open(conn: Connection, no: int) -> tuple[Alert, Rule]:
    alert = book.get(conn, no)
    if alert.state not in {"raised", "acknowledged"}:
        why = "is over" if alert.state == "cleared" else "was not raised yet"
        raise IsOver(f"alert {no} {why}: there is nothing to see to")
    rule = rules.of_alerts(conn, [alert.rule]).get(alert.rule)
    return alert, rule or Rule(id=alert.rule, kind=alert.kind)


def _kept(conn: Connection, step: life.Step, rule: Rule) -> Alert:
    kept = book.keep(conn, [step])
    notices.spread(conn, kept, {rule.id: rule})
    return kept[-1].alert
