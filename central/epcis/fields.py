"""Fields that users add to events: what they are called, and where they stand. Pure.

A field is asked for by its namespace and its name (EPCIS 2.0, 8.2.7.1); events have it in short,
``example:field``, by the prefixes of their context. Namespaces are the same with and without the
``#``, ``/`` or ``:`` at their end, for XML and JSON-LD write it differently.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["KNOWN", "OURS", "Fields", "added_to", "full", "index_key", "prefixes_of", "scalars"]

KNOWN: Mapping[str, str] = {
    "cbvmda": "urn:epcglobal:cbv:mda:",
    "cbv": "https://ref.gs1.org/cbv/",
    "epcis": "https://ref.gs1.org/epcis/",
    "gs1": "https://gs1.org/voc/",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "owl": "http://www.w3.org/2002/07/owl#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "dcterms": "http://purl.org/dc/terms/",
    "tallyport": "urn:tallyport:epcis:",
}
"""Prefixes that nobody has to define: those of EPCIS itself, and ours."""
OURS = "urn:tallyport:epcis#"
"""With what the full names of our own fields begin."""
_PARTS = re.compile(r"(.*[#/:])([^#/:]+)", re.DOTALL)
_ENDS = "#/:"
_MOST_INDEXED = 200
_ONE = {
    "ILMD": "ilmd", "ERROR_DECLARATION": "errorDeclaration", "readPoint": "readPoint",
    "bizLocation": "bizLocation",
}  # fmt: skip
"""Where a field stands that is in one part of the event, by the standard's words."""


def prefixes_of(context: object) -> dict[str, str]:
    """The prefixes and terms that a JSON-LD context defines, with those that are known."""
    found = dict(KNOWN)
    for part in context if isinstance(context, list | tuple) else (context,):
        for term, said in part.items() if isinstance(part, Mapping) else ():
            iri = said.get("@id") if isinstance(said, Mapping) else said
            if isinstance(iri, str) and iri and not term.startswith("@"):
                found[term] = iri
    return found


def full(said: str, prefixes: Mapping[str, str]) -> str:
    """A name as ``NAMESPACE#NAME``; one whose prefix nobody defined as it is."""
    prefix, colon, rest = said.partition(":")
    if said in prefixes:
        iri = prefixes[said]
    elif colon and prefix in prefixes and not rest.startswith("//"):
        space = prefixes[prefix]
        iri = space + ("" if space[-1] in _ENDS else "#") + rest
    elif "://" in said or prefix.lower() == "urn":
        iri = said
    else:
        return said
    parts = _PARTS.fullmatch(iri)
    return said if parts is None else f"{parts[1].rstrip(_ENDS)}#{parts[2]}"


def index_key(name: str) -> str:
    """By what events with such a field are looked up: its name without the namespace."""
    parts = _PARTS.fullmatch(name)
    return (name if parts is None else parts[2])[:_MOST_INDEXED]


def added_to(event: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Every field that users added, at whatever depth, with what stands in it."""
    prefixes = prefixes_of(event.get("@context"))
    for key, value in _within({name: event[name] for name in event if name != "@context"}):
        if _is_added(key, prefixes) and value is not None:
            yield key, value


class Fields:
    """The fields that users added to one event."""

    def __init__(self, event: Mapping[str, Any]) -> None:
        self._event = event
        self.prefixes = prefixes_of(event.get("@context"))

    def named(self, name: str, scope: str = "", *, inner: bool = False) -> Iterator[Any]:
        """What stands in fields of this name: in a part of the event (``scope``: ``ILMD``,
        ``SENSORREPORT`` and so on; empty: the event itself), or, ``inner``, within a field there,
        however deep.
        """
        for holder in self._holders(scope):
            for key, value in self._inner(holder) if inner else holder.items():
                if value is not None and name in {key, full(key, self.prefixes)}:
                    yield value

    def _inner(self, holder: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        for key, value in holder.items():
            if _is_added(key, self.prefixes):
                yield from _within(value)

    def _holders(self, scope: str) -> Iterator[Mapping[str, Any]]:
        if scope == "":
            yield self._event
        elif scope in _ONE:
            yield from _mappings(self._event.get(_ONE[scope]))
        else:
            for element in _mappings(self._event.get("sensorElementList")):
                if scope == "SENSORELEMENT":
                    yield element
                elif scope == "SENSORMETADATA":
                    yield from _mappings(element.get("sensorMetadata"))
                else:
                    yield from _mappings(element.get("sensorReport"))


def scalars(value: object) -> Iterator[str | int | float | bool]:
    """The values of a field: of a list each one, of a typed value (``@value``) what it says."""
    if isinstance(value, list):
        for one in value:
            yield from scalars(one)
    elif isinstance(value, Mapping):
        for key in ("@value", "@id"):
            if key in value:
                yield from scalars(value[key])
    elif isinstance(value, str | int | float):
        yield value


def _is_added(key: str, prefixes: Mapping[str, str]) -> bool:
    return ":" in key or key in prefixes


def _mappings(said: object) -> Iterator[Mapping[str, Any]]:
    for one in said if isinstance(said, list) else (said,):
        if isinstance(one, Mapping):
            yield one


def _within(value: object) -> Iterator[tuple[str, Any]]:
    """All fields of an object, and of the objects in it."""
    if isinstance(value, Mapping):
        for key, one in value.items():
            yield key, one
            yield from _within(one)
    elif isinstance(value, list):
        for one in value:
            yield from _within(one)
