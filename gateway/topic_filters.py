"""Which topic names and filters are well-formed, and which filter matches which topic.

MQTT 5.0 §4.7: ``+`` stands for one level, ``#`` for the rest; neither matches a first level
that begins with ``$``.
"""

from __future__ import annotations

MAX_LEVELS = 32
"""More levels than anybody needs; bounds the work that a hostile filter can cause."""


def is_topic(topic: str) -> bool:
    """Whether messages can be published to it."""
    return _is_text(topic) and not any(mark in topic for mark in "+#")


def is_filter(topic_filter: str) -> bool:
    """Whether it can be subscribed to."""
    if not _is_text(topic_filter):
        return False
    levels = topic_filter.split("/")
    wild = ["#" in level or "+" in level for level in levels]
    return all(
        not is_wild or level == "+" or (level == "#" and place == len(levels) - 1)
        for place, (level, is_wild) in enumerate(zip(levels, wild, strict=True))
    )


def matches(topic_filter: str, topic: str) -> bool:
    """Whether a message to ``topic`` is meant by ``topic_filter``; both are well-formed."""
    wanted, given = topic_filter.split("/"), topic.split("/")
    if given[0].startswith("$") and wanted[0] in {"+", "#"}:
        return False
    for place, level in enumerate(wanted):
        if level == "#":
            return True
        if place >= len(given) or level not in {"+", given[place]}:
            return False
    return len(wanted) == len(given)


def _is_text(text: str) -> bool:
    return 0 < len(text.encode()) <= 0xFFFF and "\0" not in text and text.count("/") < MAX_LEVELS
