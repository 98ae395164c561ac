"""The kinds of events, each with the JSON Schema of its body, shipped beside this module.

``schemas/KIND.vN.json``: another meaning of a body is another version; fields may be added to one.
``x-topic`` is the founding documents' word that the kind is told under besides its own, or one like
it; a schema without a topic is a part of others.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any, NamedTuple

import msgspec

from central.stock.model import LocationKind, Movement

__all__ = ["Kind", "known", "names", "of_movement", "schema"]

_decode = msgspec.json.Decoder(dict[str, Any]).decode


class Kind(NamedTuple):
    """What happened, in the version that is told now."""

    name: str
    version: int
    topic: str
    description: str


@cache
def _schemas() -> dict[tuple[str, int], dict[str, Any]]:
    found = dict[tuple[str, int], dict[str, Any]]()
    for file in (resources.files("central.events") / "schemas").iterdir():
        name, _, version = file.name.removesuffix(".json").rpartition(".v")
        found[name, int(version)] = _decode(file.read_bytes())
    return found


def schema(name: str, version: int) -> dict[str, Any] | None:
    """The JSON Schema of a kind's body in a version; ``None`` where there is none."""
    return _schemas().get((name, version))


@cache
def known() -> dict[str, Kind]:
    """Every kind by its name, in its newest version."""
    return {
        name: Kind(name, version, said["x-topic"], said["description"])
        for (name, version), said in sorted(_schemas().items())
        if "x-topic" in said
    }


@cache
def names() -> frozenset[str]:
    """All that a subscriber may ask for: kinds and topics."""
    return frozenset(known()) | {kind.topic for kind in known().values()}


_CALLED: tuple[tuple[LocationKind | None, LocationKind | None, str], ...] = (
    (LocationKind.ADJUSTMENT, None, "StockAdjusted"),
    (None, LocationKind.ADJUSTMENT, "StockAdjusted"),
    (None, LocationKind.SCRAP, "StockScrapped"),
    (None, LocationKind.CUSTOMER, "StockShipped"),
    (LocationKind.CUSTOMER, None, "StockReturned"),
    (LocationKind.SUPPLIER, None, "StockReceived"),
    (LocationKind.UNKNOWN, None, "StockUnexplained"),
    (None, LocationKind.UNKNOWN, "StockUnexplained"),
)
"""By the ends (``None``: any), the first that fits. A virtual location's code is its kind."""


def of_movement(movement: Movement) -> str:
    """What a movement is called as an event."""
    if movement.source == movement.destination:
        return "StatusChanged"
    for source, destination, name in _CALLED:
        if source in {None, movement.source} and destination in {None, movement.destination}:
            return name
    return "StockMoved"
