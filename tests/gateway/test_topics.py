from __future__ import annotations

import inspect
from types import FunctionType

import pytest

from gateway import topics
from gateway.topic_filters import is_filter, is_topic, matches

BUILDERS = [
    builder
    for name, builder in inspect.getmembers(topics, inspect.isfunction)
    if name not in {"parse", "parse_command", "event", "asked", "answered"}
    and builder.__module__ == topics.__name__
]
"""What builds a topic of one edge."""


@pytest.mark.parametrize("builder", BUILDERS, ids=lambda builder: str(builder.__name__))
def test_parse_inverts_every_builder(builder: FunctionType) -> None:
    topic = builder("north", "dock-pi")
    address = topics.parse(topic)
    assert address is not None
    assert (address.site, address.edge) == ("north", "dock-pi")
    assert address.leaf.split("/")[-1] == builder.__name__
    assert is_topic(topic)


def test_asks_and_answers_are_of_one_edge_and_one_operation() -> None:
    down = topics.asked("north", "dock-pi", "config.get", "1-2")
    up = topics.answered("north", "dock-pi", "config.get", "1-2")
    for topic, way in ((down, "down"), (up, "up")):
        assert is_topic(topic)
        assert topics.parse(topic) is None
        assert topics.parse_command(topic) == ("north", "dock-pi", way, "config.get", "1-2")
    assert matches(topics.asked("north", "dock-pi", "+", "+"), down)
    assert not matches(topics.asked("north", "other", "+", "+"), down)
    assert matches(topics.ALL_ANSWERS, up)
    assert not matches(topics.ALL_ANSWERS, down)
    assert not matches(topics.ALL_OBSERVATIONS, up)
    for topic in ("", topics.status("s", "e"), "tp/v1/a/b/side/cmd/x/y", "tp/v2/a/b/up/cmd/x/y"):
        assert topics.parse_command(topic) is None


def test_foreign_topics_belong_to_nobody() -> None:
    for topic in ("", "tp/v1", "tp/v2/a/b/up/status", "tp/v1/a/b/side/status", "tp/v1/a/b/up/x/y"):
        assert topics.parse(topic) is None


def test_what_central_tells_to_all_is_no_edges() -> None:
    topic = topics.event("stock_updated", "StockMoved")
    assert is_topic(topic)
    assert topics.parse(topic) is None
    assert not any(
        matches(one, topic) for one in (topics.ALL_OBSERVATIONS, topics.ALL_LIVE, topics.ALL_STATUS)
    )


def test_the_filters_of_central_hear_the_edges_and_nothing_else() -> None:
    assert matches(topics.ALL_OBSERVATIONS, topics.observations("s", "e"))
    assert matches(topics.ALL_STATUS, topics.status("s", "e"))
    assert not matches(topics.ALL_STATUS, topics.observations("s", "e"))
    assert is_filter(topics.ALL_OBSERVATIONS)


@pytest.mark.parametrize(
    ("topic_filter", "topic", "expected"),
    [
        ("sport/tennis/player1/#", "sport/tennis/player1", True),
        ("sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", True),
        ("#", "sport", True),
        ("sport/tennis/+", "sport/tennis/player1", True),
        ("sport/tennis/+", "sport/tennis/player1/ranking", False),
        ("sport/+", "sport", False),
        ("sport/+", "sport/", True),
        ("+/+", "/finance", True),
        ("/+", "/finance", True),
        ("+", "/finance", False),
        ("#", "$SYS/x", False),
        ("+/monitor", "$SYS/monitor", False),
        ("$SYS/#", "$SYS/monitor", True),
        ("a/b", "a/b/c", False),
        ("Accounts", "accounts", False),
    ],
)
def test_matching_follows_the_standards_examples(
    topic_filter: str, topic: str, expected: bool
) -> None:
    assert matches(topic_filter, topic) is expected


def test_malformed_names_and_filters_are_known() -> None:
    assert not any(map(is_topic, ("", "a/+", "#", "a\0b", "x" * 65_536, "/" * 99)))
    assert not any(map(is_filter, ("", "sport/tennis#", "a/#/b", "sport+", "a\0")))
    assert all(map(is_filter, ("#", "+", "+/tennis/#", "/", "a//b")))
