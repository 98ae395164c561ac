"""Something at a place that is wrong, held against the rule that is nearest to that place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from central.alerts.looking import paths_of
from central.alerts.model import Finding, Rule, key_of
from central.alerts.nearest import measured

__all__ = ["There", "above", "below", "under"]


class There(NamedTuple):
    """Something at a place: how it stands in the rule's unit, and in words."""

    subject: str
    location: str
    value: int
    says: str
    sku: str = ""


def above(rule: Rule, value: int) -> bool | None:
    """How a value stands that is wrong from the limit on: ``Finding.met``."""
    assert rule.limit is not None, "asked only of rules that have one"
    if value >= rule.limit:
        return True
    return None if value >= rule.limit - rule.margin + 1 else False


def below(rule: Rule, value: int) -> bool | None:
    """How a value stands that is wrong from the limit downwards."""
    assert rule.limit is not None, "asked only of rules that have one"
    if value <= rule.limit:
        return True
    return None if value < rule.limit + rule.margin else False


def under(
    conn: Connection,
    rules: Sequence[Rule],
    things: Sequence[There],
    stands: Callable[[Rule, int], bool | None] = above,
) -> Iterator[Finding]:
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
        met = None if rule.limit is None else stands(rule, one.value)
        if rule.limit is None or met is False:
            continue
        yield Finding(
            key=key_of(rule.kind, one.subject), rule=rule,
            met=met, value=one.value,
            says=one.says, sku=one.sku, location=one.location, subject=one.subject,
        )  # fmt: skip
