"""What a query asks of an event that no index answers: the event itself is looked at. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from central.epcis.extending import extends
from central.epcis.hashing import word
from central.epcis.identifiers import canonical, gtin_of
from central.epcis.model import Wanted
from central.epcis.names import Names
from central.epcis.sensing import COMPARED, senses

__all__ = ["is_class", "narrows"]

_CLASSES = ("quantityList", "childQuantityList", "inputQuantityList", "outputQuantityList")
_FULL = {
    name: word(name, "x")[:-1] for name in ("disposition", "sourceList", "destinationList")
}  # fmt: skip


def narrows(event: Mapping[str, Any], wanted: Wanted) -> bool:
    """Whether an event is one of those that are asked for, by what only itself tells."""
    if wanted.actions and event.get("action") not in wanted.actions:
        return False
    if wanted.event_ids and event.get("eventID") not in wanted.event_ids:
        return False
    if wanted.transformations and event.get("transformationID") not in wanted.transformations:
        return False
    return (
        _becomes(event, wanted)
        and _ends(event, wanted)
        and _holds(event, wanted)
        and _counts(event, wanted)
        and senses(event, wanted)
        and extends(event, wanted)
    )


def is_class(asked: str, told: str) -> bool:
    """Whether it is that class; a trade item's stands for all its lots."""
    ours, theirs = Names.own_item(asked), Names.own_item(told)
    if ours is not None and theirs is not None:
        return ours[0] == theirs[0] and ours[1] in {"", theirs[1]}
    one, other = gtin_of(asked), gtin_of(told)
    if one is not None and other is not None:
        return one[0] == other[0] and one[1] in {"", other[1]}
    return canonical(asked) == canonical(told)


def _becomes(event: Mapping[str, Any], wanted: Wanted) -> bool:
    """Dispositions that stay until they are taken away."""
    said = event.get("persistentDisposition") or {}
    for asked, name in ((wanted.set_dispositions, "set"), (wanted.unset_dispositions, "unset")):
        told = {_bare("disposition", one) for one in said.get(name, ())}
        if asked and not told & {_bare("disposition", one) for one in asked}:
            return False
    return True


def _ends(event: Mapping[str, Any], wanted: Wanted) -> bool:
    """Sources and destinations, by their types."""
    for asked, field, name in (
        (wanted.sources, "sourceList", "source"),
        (wanted.destinations, "destinationList", "destination"),
    ):
        for kind, uris in asked.items():
            told = {
                canonical(one[name])
                for one in event.get(field) or ()
                if _bare(field, one["type"]) == kind
            }
            if not told & {canonical(uri) for uri in uris}:
                return False
    return True


def _holds(event: Mapping[str, Any], wanted: Wanted) -> bool:
    """What went into a transformation and came out of it, and classes wherever they stand."""
    for asked, field in (
        (wanted.input_epcs, "inputEPCList"), (wanted.output_epcs, "outputEPCList"),
    ):  # fmt: skip
        told = {canonical(one) for one in event.get(field) or ()}
        if asked and not told & {canonical(one) for one in asked}:
            return False
    return all(
        not asked or any(is_class(one, told) for one in asked for told in _classes(event, fields))
        for asked, fields in (
            (wanted.input_classes, ("inputQuantityList",)),
            (wanted.output_classes, ("outputQuantityList",)),
            (wanted.any_classes, _CLASSES),
        )
    )


def _counts(event: Mapping[str, Any], wanted: Wanted) -> bool:
    """Whether a quantity of the event is such, of all that are asked for."""
    told = [
        one["quantity"]
        for field in _CLASSES
        for one in event.get(field) or ()
        if one.get("quantity") is not None
    ]
    return all(
        any(COMPARED[how](quantity, than) for quantity in told) for how, than in wanted.quantities
    )


def _classes(event: Mapping[str, Any], fields: Iterable[str]) -> list[str]:
    return [one["epcClass"] for field in fields for one in event.get(field) or ()]


def _bare(field: str, said: str) -> str:
    return word(field, said).removeprefix(_FULL[field])
