"""Something at a place that is wrong, held against the rule that is nearest to that place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from central.alerts.looking import paths_of
from central.alerts.model import Finding, Rule, key_of
from central.alerts.nearest import measured

__all__ = ["There", "under"]


class There(NamedTuple):
    """Something at a place: how it stands in the rule's unit, and in words."""

    subject: str
    location: str
    value: int
    says: str
    sku: str = ""


def under(conn: Connection, rules: Sequence[Rule], things: Sequence[There]) -> Iterator[Finding]:
    """Each thing under the rule that is nearest to its place, if that finds it wrong, or not yet
    right by its margin.
    """
    paths = paths_of(conn, {one.location for one in things} - {""})
    for one in things:
        path = paths.get(one.location, ())
        competing = [
            (0, -len(path) if rule.location is None else -path.index(rule.location), rule)
            for rule in rules
            if rule.location is None or rule.location in path
        ]
        if not competing:
            continue
        rule = measured(one.location, competing, each=True).rule
        if rule.limit is None or one.value < min(rule.limit, rule.limit - rule.margin + 1):
            continue
        yield Finding(
            key=key_of(rule.kind, one.subject), rule=rule,
            met=True if one.value >= rule.limit else None, value=one.value,
            says=one.says, sku=one.sku, location=one.location, subject=one.subject,
        )  # fmt: skip
