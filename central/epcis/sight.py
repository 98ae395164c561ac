"""Which events somebody may see who was granted some places only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Connection

from central.access import behalf
from central.catalogue import tree
from central.epcis.names import Names

__all__ = ["Sees", "sight"]

Sees = Callable[[Mapping[str, Any]], bool]
_WHERE = ("readPoint", "bizLocation")
_ENDS = (("sourceList", "source"), ("destinationList", "destination"))


def sight(conn: Connection, names: Names) -> Sees:
    """Whether an event is told to whoever asks: one that names a place of ours within reach. What
    names no place of ours is for those who were granted all of them.
    """
    roots = behalf.roots()
    if roots is None:
        return lambda _: True
    within = tree.codes_under(conn, tuple(sorted(roots)))

    def sees(event: Mapping[str, Any]) -> bool:
        return any(names.code(uri) in within for uri in _places(event))

    return sees


def _places(event: Mapping[str, Any]) -> list[str]:
    found = [event[field]["id"] for field in _WHERE if event.get(field)]
    for field, name in _ENDS:
        found += [one[name] for one in event.get(field) or ()]
    return found
