"""What a query asks of fields that users added (EPCIS 2.0, 8.2.7.1), and by which texts events are
looked up that may have it. Pure.

What is greater or less is a number, or a time; texts of an event are read as these.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from central.epcis.fields import Fields, added_to, full, index_key, prefixes_of, scalars
from central.epcis.hashing import word
from central.epcis.identifiers import canonical
from central.epcis.model import Added, Wanted
from central.epcis.sensing import COMPARED
from central.epcis.values import Scalar, asked_forms, measure_as, same, told_forms

__all__ = ["extends", "keys_asked", "keys_of"]

_ENDS = {"bizTransactionList": "bizTransaction", "sourceList": "source"}
_MOST_INDEXED = 200
_MOST_LOOKED_UP = 10
"""Values of one parameter that are looked up; of more only the field is."""


def extends(event: Mapping[str, Any], wanted: Wanted) -> bool:
    """Whether its added fields, and papers and ends of types that others made, are such."""
    if not (wanted.added or wanted.typed):
        return True
    fields = Fields(event)
    return all(_has(fields, one) for one in wanted.added) and all(
        _names(event, fields, *one) for one in wanted.typed
    )


def keys_of(event: Mapping[str, Any]) -> set[tuple[str, str]]:
    """By what an event is looked up, of the fields that users added to it: ``field`` (their names),
    ``value`` (with what they say).
    """
    prefixes, found = prefixes_of(event.get("@context")), set[tuple[str, str]]()
    for key, value in added_to(event):
        forms = {form for one in scalars(value) for form in told_forms(one, prefixes)}
        for name in {index_key(key), index_key(full(key, prefixes))}:
            found.add(("field", name))
            found |= {("value", _pair(name, form)) for form in forms}
    return {one for one in found if "\x00" not in one[1]}  # nobody can ask for those


def keys_asked(asked: Added) -> tuple[str, set[str]] | None:
    """The kind and the texts of what an event must have one of; ``None`` where no event is ruled
    out by that.
    """
    if asked.how == "LACKS":
        return None
    name = index_key(asked.name)
    if asked.how != "EQ" or len(asked.values) > _MOST_LOOKED_UP:
        return "field", {name}
    return "value", {_pair(name, form) for one in asked.values for form in asked_forms(one)}


def _pair(name: str, form: str) -> str:
    return f"{name}={form[:_MOST_INDEXED]}"


def _has(fields: Fields, asked: Added) -> bool:
    there = fields.named(asked.name, asked.scope, inner=asked.inner)
    if asked.how == "EXISTS":
        return next(there, None) is not None
    if asked.how == "LACKS":
        return next(there, None) is None
    return any(_compares(asked, one, fields) for value in there for one in scalars(value))


def _compares(asked: Added, told: Scalar, fields: Fields) -> bool:
    if asked.how == "EQ":
        return any(same(one, told, fields.prefixes) for one in asked.values)
    if isinstance(told, bool):
        return False
    (than,) = asked.values
    value, limit = measure_as(than, told), measure_as(than, than)
    return None not in {value, limit} and COMPARED[asked.how](value, limit)


def _names(
    event: Mapping[str, Any], fields: Fields, field: str, kind: str, uris: tuple[str, ...]
) -> bool:
    """Whether a list has one of these of such a type."""
    told = {
        canonical(one[_ENDS.get(field, "destination")])
        for one in event.get(field) or ()
        if kind == full(word(field, str(one.get("type") or "")), fields.prefixes)
    }
    return not told.isdisjoint(map(canonical, uris))
