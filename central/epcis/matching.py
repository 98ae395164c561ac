"""Whether an event is one that a query asks for, by what stands in it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from central.database.moments import to_us
from central.epcis.hashing import word
from central.epcis.identifiers import canonical
from central.epcis.model import Wanted, bare_reason, things_of
from central.epcis.narrowing import is_class, narrows

__all__ = ["matches"]

_WORDS = (("biz_steps", "bizStep"), ("dispositions", "disposition"))
_PLACES = (("read_points", "readPoint"), ("biz_locations", "bizLocation"))
_THINGS = (
    ("epcs", "epc"), ("any_epcs", "any"), ("parents", "parent"), ("correctives", "corrective"),
)  # fmt: skip


def matches(event: Mapping[str, Any], wanted: Wanted) -> bool:
    """All but the times of the event and of its record, which its reader knows better."""
    if wanted.types and event["type"] not in wanted.types:
        return False
    if not narrows(event, wanted):
        return False
    return _says(event, wanted) and _is_about(event, wanted) and _is_wrong(event, wanted)


def _says(event: Mapping[str, Any], wanted: Wanted) -> bool:
    for field, name in _WORDS:
        asked = {word(name, one) for one in getattr(wanted, field)}
        if asked and word(name, event.get(name, "")) not in asked:
            return False
    for field, name in _PLACES:
        asked = {canonical(one) for one in getattr(wanted, field)}
        if asked and canonical(event.get(name, {}).get("id", "")) not in asked:
            return False
    return True


def _is_about(event: Mapping[str, Any], wanted: Wanted) -> bool:
    told = things_of(event)
    named = {(kind, canonical(uri)) for kind, uri in told}
    pairs = [(kind, getattr(wanted, field)) for field, kind in _THINGS]
    pairs += [(f"paper:{kind}", uris) for kind, uris in wanted.papers.items()]
    for kind, uris in pairs:
        if uris and not any((kind, canonical(uri)) in named for uri in uris):
            return False
    classes = [uri for kind, uri in told if kind == "class"]
    return not wanted.classes or any(
        is_class(asked, one) for asked in wanted.classes for one in classes
    )


def _is_wrong(event: Mapping[str, Any], wanted: Wanted) -> bool:
    declared = event.get("errorDeclaration")
    if declared is None:
        return not wanted.of_errors
    if wanted.error_reasons:
        reasons = {bare_reason(one) for one in wanted.error_reasons}
        if bare_reason(str(declared.get("reason") or "")) not in reasons:
            return False
    at_us = to_us(datetime.fromisoformat(declared["declarationTime"]))
    return (wanted.ge_declared_us is None or at_us >= wanted.ge_declared_us) and (
        wanted.lt_declared_us is None or at_us < wanted.lt_declared_us
    )
