"""Every MQTT topic of Tallyport, in one table.

| topic                              | from -> to      | qos | retained | payload            |
|------------------------------------|-----------------|-----|----------|--------------------|
| tp/v1/{site}/{edge}/up/observations| edge -> central | 1   | no       | contract.Batch     |
| tp/v1/{site}/{edge}/up/live        | edge -> central | 0   | no       | contract.Batch     |
| tp/v1/{site}/{edge}/up/status      | edge -> central | 1   | yes, will| contract.Presence  |
| tp/v1/{site}/{edge}/down/watermark | central -> edge | 1   | yes      | contract.Watermark |
| tp/v1/ledger/digest                | central -> all  | 1   | yes      | contract.Digest    |
| tp/v1/events/{topic}/{kind}        | central -> all  | 1   | no       | CloudEvents (JSON) |
"""

from __future__ import annotations

from typing import NamedTuple

ROOT = "tp/v1"


class Address(NamedTuple):
    """Who a topic belongs to."""

    site: str
    edge: str
    leaf: str


def observations(site: str, edge: str) -> str:
    """Where an edge publishes its batches."""
    return f"{ROOT}/{site}/{edge}/up/observations"


def live(site: str, edge: str) -> str:
    """Where an edge tells what happens now, ahead of what it still has to deliver."""
    return f"{ROOT}/{site}/{edge}/up/live"


def status(site: str, edge: str) -> str:
    """Where an edge's retained presence (and its will) stands."""
    return f"{ROOT}/{site}/{edge}/up/status"


def watermark(site: str, edge: str) -> str:
    """Where central says what it has committed for an edge."""
    return f"{ROOT}/{site}/{edge}/down/watermark"


def event(topic: str, kind: str) -> str:
    """Where central tells of an event: ``topic`` is the founding documents' word."""
    return f"{EVENTS}/{topic}/{kind}"


EVENTS = f"{ROOT}/events"
DIGEST = f"{ROOT}/ledger/digest"
ALL_OBSERVATIONS = f"{ROOT}/+/+/up/observations"
ALL_LIVE = f"{ROOT}/+/+/up/live"
ALL_STATUS = f"{ROOT}/+/+/up/status"


def parse(topic: str) -> Address | None:
    """Split a topic of the table; ``None`` for a foreign one."""
    parts = topic.split("/")
    if len(parts) != 6 or parts[:2] != ROOT.split("/") or parts[4] not in ("up", "down"):
        return None
    return Address(parts[2], parts[3], f"{parts[4]}/{parts[5]}")
