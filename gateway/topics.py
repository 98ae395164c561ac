"""Every MQTT topic of Tallyport, in one table.

| topic                              | from -> to      | qos | retained | payload            |
|------------------------------------|-----------------|-----|----------|--------------------|
| tp/v1/{site}/{edge}/up/observations| edge -> central | 1   | no       | contract.Batch     |
| tp/v1/{site}/{edge}/up/live        | edge -> central | 0   | no       | contract.Batch     |
| tp/v1/{site}/{edge}/up/status      | edge -> central | 1   | yes, will| contract.Presence  |
| tp/v1/{site}/{edge}/down/watermark | central -> edge | 1   | yes      | contract.Watermark |
| tp/v1/{site}/{edge}/down/cmd/{op}/{ask_id} | central -> edge | 1 | no | console.Ask    |
| tp/v1/{site}/{edge}/up/cmd/{op}/{ask_id} | edge -> central | 0, 1 at last | no | console.Told |
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


class Command(NamedTuple):
    """An ask, or an answer, of one edge."""

    site: str
    edge: str
    way: str
    """``down``: an ask of central; ``up``: what the edge tells of it."""
    op: str
    id: str


def asked(site: str, edge: str, op: str, ask_id: str) -> str:
    """Where central asks an edge for an operation; with ``+`` for both, what an edge hears."""
    return f"{ROOT}/{site}/{edge}/down/cmd/{op}/{ask_id}"


def answered(site: str, edge: str, op: str, ask_id: str) -> str:
    """Where an edge tells what became of it."""
    return f"{ROOT}/{site}/{edge}/up/cmd/{op}/{ask_id}"


def event(topic: str, kind: str) -> str:
    """Where central tells of an event: ``topic`` is the founding documents' word."""
    return f"{EVENTS}/{topic}/{kind}"


EVENTS = f"{ROOT}/events"
DIGEST = f"{ROOT}/ledger/digest"
ALL_OBSERVATIONS = f"{ROOT}/+/+/up/observations"
ALL_LIVE = f"{ROOT}/+/+/up/live"
ALL_STATUS = f"{ROOT}/+/+/up/status"
ALL_ANSWERS = f"{ROOT}/+/+/up/cmd/+/+"


def parse(topic: str) -> Address | None:
    """Split a topic of the table; ``None`` for a foreign one."""
    parts = topic.split("/")
    if len(parts) != 6 or parts[:2] != ROOT.split("/") or parts[4] not in ("up", "down"):
        return None
    return Address(parts[2], parts[3], f"{parts[4]}/{parts[5]}")


def parse_command(topic: str) -> Command | None:
    """Split a topic of an ask or an answer; ``None`` for any other."""
    parts = topic.split("/")
    if len(parts) != 8 or parts[:2] != ROOT.split("/") or parts[5] != "cmd":
        return None
    if parts[4] not in {"up", "down"}:
        return None
    return Command(parts[2], parts[3], parts[4], parts[6], parts[7])
