"""The life of an alert, over any run of findings."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.alerts import items, life
from central.alerts.items import Held, Seen
from central.alerts.model import Alert, Happened, Kind, Rule
from central.alerts.nearest import Thing

SECOND = 1_000_000
RULE = Rule(id="low-nut", kind=Kind.LOW, limit=10, margin=5, sku="NUT")


class Following:
    """One thing under one rule, as time goes by."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.alert: Alert | None = None
        self.happened: list[Happened] = []

    def units(self, units: int, at_us: int) -> None:
        held = (Held(path=("shop",), on_hand=units),)
        seen = Seen(thing=Thing(sku="NUT"), held=held)
        (found,) = items.findings(seen, [self.rule], at_us)
        self._take(life.follow(self.alert, found, at_us))

    def tick(self, at_us: int) -> None:
        if self.alert is not None:
            self._take(life.tick(self.alert, self.rule, at_us))

    def _take(self, step: life.Step | None) -> None:
        if step is None:
            return
        self.happened += step.happened
        self.alert = step.alert
        if self.alert is not None and self.alert.state == "cleared":
            self.alert = None

    def names(self) -> list[str]:
        return [one.what for one in self.happened]


@pytest.mark.parametrize(
    ("units", "happened"),
    [
        ([10], []),
        ([9], ["raised"]),
        ([9, 8, 3, 0], ["raised"]),
        ([9, 10, 9, 14, 9], ["raised"]),
        ([9, 15], ["raised", "cleared"]),
        ([9, 15, 9], ["raised", "cleared", "raised"]),
    ],
)
def test_it_is_raised_below_the_limit_and_cleared_above_the_margin(
    units: list[int], happened: list[str]
) -> None:
    nut = Following(RULE)
    for at, count in enumerate(units):
        nut.units(count, at * SECOND)
    assert nut.names() == happened


@given(st.lists(st.integers(0, 30), max_size=60), st.integers(0, 20))
def test_what_flutters_within_the_margin_says_nothing(units: list[int], margin: int) -> None:
    nut = Following(msgspec.structs.replace(RULE, margin=margin))
    up = False
    for at, count in enumerate(units):
        before = len(nut.happened)
        nut.units(count, at)
        turned = (not up and count < 10) or (up and count >= 10 + margin)
        assert len(nut.happened) - before == turned
        up = up != turned
        assert (nut.alert is not None) == up
    assert nut.names() == (["raised", "cleared"] * len(units))[: len(nut.happened)]


def test_it_has_to_last_where_the_rule_says_so() -> None:
    nut = Following(msgspec.structs.replace(RULE, for_s=60))
    nut.units(9, 0)
    nut.tick(59 * SECOND)
    assert not nut.happened
    nut.units(10, 59 * SECOND)
    nut.tick(60 * SECOND)
    assert (nut.alert, nut.happened) == (None, [])
    nut.units(9, 100 * SECOND)
    assert nut.alert is not None
    assert nut.alert.due_us == 160 * SECOND
    nut.tick(160 * SECOND)
    assert nut.names() == ["raised"]
    assert nut.alert.since_us == 100 * SECOND


def test_nobody_sees_to_it_and_others_are_told_once() -> None:
    rule = msgspec.structs.replace(RULE, escalate_to=("boss",), escalate_after_s=600)
    nut = Following(rule)
    nut.units(9, 0)
    nut.tick(599 * SECOND)
    nut.tick(600 * SECOND)
    nut.tick(6_000 * SECOND)
    assert nut.names() == ["raised", "escalated"]
    seen_to = Following(rule)
    seen_to.units(9, 0)
    assert seen_to.alert is not None
    step = life.acknowledge(seen_to.alert, rule, "anna", "", SECOND)
    assert step is not None
    assert step.alert is not None
    assert (step.alert.due_us, step.alert.acknowledged_by) == (None, "anna")
    assert life.acknowledge(step.alert, rule, "ben", "", 2 * SECOND) is None
    assert life.tick(step.alert, rule, 6_000 * SECOND) is None


def test_a_snooze_puts_off_what_would_escalate_and_ends_by_telling_once_more() -> None:
    rule = msgspec.structs.replace(RULE, escalate_to=("boss",), escalate_after_s=600)
    nut = Following(rule)
    nut.units(9, 0)
    assert nut.alert is not None
    told = Happened(what="snoozed", at_us=SECOND, by="anna")
    asleep = life.snooze(nut.alert, rule, 1_000 * SECOND, told).alert
    assert asleep is not None
    assert life.tick(asleep, rule, 700 * SECOND) is None
    awake = life.tick(asleep, rule, 1_000 * SECOND)
    assert awake is not None
    assert [one.what for one in awake.happened] == ["woken", "escalated"]
