"""Who wants to hear of what, and what they are told. Pure.

An event is told in the JSON form of CloudEvents 1.0 (github.com/cloudevents/spec): ``id`` with
``source`` is the same however often it is told, ``type`` names the kind and the version of its
body, ``dataschema`` the JSON Schema of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgspec

from central.database.moments import from_us

__all__ = [
    "Happening", "Letter", "NotTaken", "Position", "Secret", "Subscription", "Target", "back_off_s",
    "letter", "skus_and_places", "wants",
]  # fmt: skip

_FIRST_S, _LONGEST_S = 1.0, 3_600.0
_ENDS = ("location", "source", "destination", "from_location", "to_location")
_encode = msgspec.json.Encoder(order="deterministic").encode


class Position(NamedTuple):
    """How far a reader has come: the last movement's number, the last of the event log, and the
    last that others captured, where a reader is told of these.
    """

    ledger: int
    log: int
    captured: int = 0


class Happening(msgspec.Struct, frozen=True, kw_only=True):
    """One event of the stream; ``position`` is where a reader stands who has read it."""

    id: str
    kind: str
    subject: str
    at_us: int
    data: dict[str, Any]
    position: Position


class Target(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where to: ``webhook`` at ``url``, ``mqtt`` (central's own broker) or the ``broker`` of this
    name in central's settings; another kind is another part's, which knows what ``broker`` names.
    """

    kind: str
    url: str = ""
    broker: str = ""


class Secret(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook's key, good until ``until_us``; 0: until it is replaced."""

    key: str
    until_us: int = 0


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """Who is told of what. Empty ``kinds``, ``skus`` or ``locations`` stand for all; a kind may be
    a topic's name, a location takes in what lies below it. ``attempts`` is how often an event that
    is not taken is told before it is put aside. ``status`` is active, paused or gone. ``terms`` are
    another part's, of its own kind of target: what is told is then its to say.
    """

    id: str
    name: str
    target: Target
    kinds: tuple[str, ...] = ()
    skus: tuple[str, ...] = ()
    locations: tuple[str, ...] = ()
    attempts: int = 15
    status: str = "active"
    why: str = ""
    created_us: int = 0
    version: int = 1
    terms: dict[str, Any] = {}


class Letter(NamedTuple):
    """An event as it is sent: ``body`` is the JSON of all of it."""

    id: str
    kind: str
    topic: str
    subject: str
    body: bytes


class NotTaken(Exception):
    """A target did not take an event. ``reached`` says whether it was there to be asked: where
    nobody answers, the event is not to blame. ``gone``: it wants nothing any more. ``final``: it
    will not take this one however often it is told. ``wait_s``: how long it asked to be left alone.
    ``status``: what it answered over HTTP; 0 for nothing.
    """

    def __init__(
        self,
        why: str,
        *,
        reached: bool = True,
        gone: bool = False,
        final: bool = False,
        wait_s: float = 0.0,
        status: int = 0,
    ) -> None:
        super().__init__(why)
        self.reached = reached
        self.gone = gone
        self.final = final
        self.wait_s = wait_s
        self.status = status


def letter(happening: Happening, *, topic: str, version: int, source: str) -> Letter:
    """What is told of an event."""
    body = {
        "specversion": "1.0",
        "id": happening.id,
        "source": source,
        "type": f"tallyport.{happening.kind}.v{version}",
        "subject": happening.subject,
        "time": from_us(happening.at_us),
        "datacontenttype": "application/json",
        "dataschema": f"urn:tallyport:schema:{happening.kind}:{version}",
        "data": happening.data,
    }
    return Letter(happening.id, happening.kind, topic, happening.subject, _encode(body))


def wants(
    subscription: Subscription, happening: Happening, topic: str, places: frozenset[str]
) -> bool:
    """Whether a subscriber is told of it; ``places`` are the codes of the locations that he names
    and of all below them. What names no item or place is not told to who asks for some.
    """
    if subscription.kinds and not {happening.kind, topic} & set(subscription.kinds):
        return False
    if not subscription.skus and not subscription.locations:
        return True
    skus, ends = skus_and_places(happening.data)
    if subscription.skus and skus.isdisjoint(subscription.skus):
        return False
    return not subscription.locations or not ends.isdisjoint(places)


def skus_and_places(data: Mapping[str, Any]) -> tuple[set[str], set[str]]:
    """The items and the places that an event's body names, in itself and in its ``lines``."""
    lines = data.get("lines")
    parts: Iterable[Mapping[str, Any]] = (
        (
            data,
            *(line for line in lines if isinstance(line, dict)),
        )
        if isinstance(lines, list)
        else (data,)
    )
    skus, places = set[str](), set[str]()
    for part in parts:
        skus.update(_texts(part, ("sku",)))
        places.update(_texts(part, _ENDS))
    return skus, places


def _texts(part: Mapping[str, Any], names: Iterable[str]) -> set[str]:
    return {part[name] for name in names if isinstance(part.get(name), str)}


def back_off_s(failures: int, jitter: float) -> float:
    """How long to wait after so many failures in a row: twice as long each time, up to an hour,
    and by ``jitter`` (0 to 1) up to half of it less, so that not all come back at once.
    """
    full = min(_FIRST_S * 2.0 ** min(failures - 1, 20), _LONGEST_S)
    return full * (1 - jitter / 2)
