"""Notices: who is still to be told of what happened. Written with what happened, in its
transaction; gone with the message that they are packed into.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, delete, insert, select

from central import schema
from central.alerts import channels, rules
from central.alerts.book import Kept
from central.alerts.hearing import Around, hearers
from central.alerts.looking import clock_of, paths_of
from central.alerts.model import Rule

__all__ = ["spread"]

_notice = schema.alert_notice.c
_told = schema.alert_told.c


def spread(conn: Connection, kept: Sequence[Kept], known: Mapping[str, Rule]) -> int:
    """Note down who is to be told of what just happened; how many notices that made.

    ``known`` are rules by id; an alert whose rule was taken away only ends. Who was to be told of
    an alert and was not yet hears nothing of it once it is over.
    """
    if not kept:
        return 0
    missing = {one.alert.rule for one in kept} - {*known}
    held = {**known, **rules.of_alerts(conn, sorted(missing))}
    everybody = channels.listing(conn)
    places = paths_of(conn, {one.alert.location for one in kept} - {""})
    told = _told_of(conn, [one.alert.no for one in kept])
    rows = []
    for one in kept:
        alert = one.alert
        if one.happened.what == "cleared":
            conn.execute(delete(schema.alert_notice).where(_notice.alert == alert.no))
        path = places.get(alert.location, ())
        around = Around(path, clock_of(conn, path)) if path else Around()
        rule = held.get(alert.rule) or Rule(id=alert.rule, kind=alert.kind)
        for hears in hearers(alert, one.happened, rule, everybody, around, told[alert.no]):
            row = {"event": one.seq, "alert": alert.no, **hears._asdict()}
            rows.append(row)
    if rows:
        conn.execute(insert(schema.alert_notice), rows)
    return len(rows)


def _told_of(conn: Connection, numbers: Sequence[int]) -> dict[int, set[str]]:
    told: dict[int, set[str]] = defaultdict(set)
    for alert, channel in conn.execute(
        select(_told.alert, _told.channel).where(_told.alert.in_(numbers))
    ):
        told[alert].add(channel)
    return told
