"""Parameters of an EPCIS query whose names are not listed (EPCIS 2.0, 8.2.7.1): they have the name
of a field that users added in them, of a type, or of an attribute of master data.

A field is written ``example:field`` or in full, ``https://ns.example.com/epcis#field``. What a
prefix stands for is said by the header ``GS1-Extensions``, or by the ``@context`` of a query that
stands under a name; one that nobody defined is looked for as events have it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, NamedTuple

import msgspec
from fastapi import Depends, Header
from pydantic import TypeAdapter

from central.api.bodies import Said
from central.api.epcis.texts import Words, is_true, query_flaw, words
from central.epcis.fields import KNOWN, full, prefixes_of
from central.epcis.hashing import word
from central.epcis.masters import FIELDS, PLACE_ATTRIBUTES
from central.epcis.model import Added, Attribute
from central.epcis.values import is_measure

__all__ = ["Extended", "Prefixes", "asked_of", "check", "is_one", "spelled_out"]

_FIELD = r"(?P<name>[A-Za-z][A-Za-z0-9.+-]*:\S+)"
_ADDED = re.compile(
    r"(?P<how>EQ|GT|GE|LT|LE|EXISTS)_(?P<inner>INNER_)?"
    r"((?P<scope>ILMD|ERROR_DECLARATION|SENSORELEMENT|SENSORMETADATA|SENSORREPORT|readPoint"
    r"|bizLocation)_)?(?P<within>INNER_)?" + _FIELD
)
_TYPED = re.compile(r"EQ_(?P<list>bizTransaction|source|destination)_(?P<name>\S+)")
_HASATTR = re.compile(r"HASATTR_(?P<field>\S+)")
_EQATTR = re.compile(rf"EQ_?ATTR_(?P<field>{'|'.join(FIELDS)}|\S+?)_(?P<name>\S+)")
_EVERY = (_ADDED, _TYPED, _HASATTR, _EQATTR)
_TEXT = TypeAdapter[str](Words)
_DEFINED = re.compile(r"\s*([A-Za-z][A-Za-z0-9._+-]*)=([A-Za-z][A-Za-z0-9+.-]*:\S+)\s*")


class Extended(NamedTuple):
    """What is asked so, as ``central.epcis.model.Wanted`` has it."""

    added: tuple[Added, ...]
    typed: tuple[tuple[str, str, tuple[str, ...]], ...]
    attributes: tuple[Attribute, ...]


async def _prefixes(
    said: Annotated[
        Said | None,
        Header(
            alias="GS1-Extensions",
            max_length=8_000,
            description="What prefixes of fields stand for: `example=https://ns.example.com/epcis/`"
            ", several with commas.",
        ),
    ] = None,
) -> Mapping[str, str]:
    """The prefixes that a request defines. Raises ``Problem`` 400."""
    found = dict[str, str]()
    for part in (said or "").split(","):
        if part.strip():
            defined = _DEFINED.fullmatch(part)
            if defined is None:
                raise query_flaw(
                    "GS1-Extensions defines prefixes so: example=https://ns.example.com/epcis/, "
                    "several with commas between"
                )
            found[defined[1]] = defined[2]
    return found


Prefixes = Annotated[Mapping[str, str], Depends(_prefixes)]
"""The prefixes that a request defines, by its header."""


def is_one(name: str) -> bool:
    """Whether a parameter is one of these."""
    return any(pattern.fullmatch(name) for pattern in _EVERY)


def check(name: str, value: object) -> None:
    """Raises pydantic's ``ValidationError`` for text that no database could be asked for."""
    for text in (name, value):
        if isinstance(text, str):
            _TEXT.validate_python(text)


def asked_of(said: Mapping[str, object], prefixes: Mapping[str, str]) -> Extended:
    """What parameters ask for, of those that are such. Raises ``Problem``."""
    known = prefixes_of(dict(prefixes))
    added = list[Added]()
    typed = list[tuple[str, str, tuple[str, ...]]]()
    attributes = list[Attribute]()
    for name, value in said.items():
        text = _text(name, value)
        if found := _ADDED.fullmatch(name):
            one = _added(found, name, text, known)
            if one is not None:
                added.append(one)
        elif found := _TYPED.fullmatch(name):
            if uris := words(text):
                typed.append((f"{found['list']}List", _type(found, known), uris))
        elif found := _HASATTR.fullmatch(name):
            if named := words(text):
                attributes.append(_attribute(found["field"], named, (), known))
        elif (found := _EQATTR.fullmatch(name)) and (values := words(text)):
            attributes.append(_attribute(found["field"], (found["name"],), values, known))
    return Extended(tuple(added), tuple(typed), tuple(attributes))


def spelled_out(said: Mapping[str, str], prefixes: Mapping[str, str]) -> dict[str, str]:
    """Parameters of a next page, which is asked for by its address alone: names in full where a
    header defines their prefix.
    """
    return {_spelled_name(name, prefixes): _spelled_value(name, value, prefixes)
            for name, value in said.items()}  # fmt: skip


def _spelled_name(name: str, prefixes: Mapping[str, str]) -> str:
    found = _ADDED.fullmatch(name) or _TYPED.fullmatch(name) or _EQATTR.fullmatch(name)
    if found is None:
        return name
    return name[: found.start("name")] + _spelled(found["name"], prefixes)


def _spelled_value(name: str, value: str, prefixes: Mapping[str, str]) -> str:
    if name == "orderBy":
        return _spelled(value, prefixes)
    if _HASATTR.fullmatch(name):
        return "|".join(_spelled(one, prefixes) for one in words(value))
    return value


def _spelled(said: str, prefixes: Mapping[str, str]) -> str:
    return full(said, prefixes) if ":" in said else said


def _added(found: re.Match[str], name: str, text: str, prefixes: Mapping[str, str]) -> Added | None:
    how, scope = found["how"], found["scope"] or ""
    values = () if how == "EXISTS" else words(text)
    if not (values or (how == "EXISTS" and is_true(text))):
        return None
    if how not in {"EQ", "EXISTS"} and not (len(values) == 1 and is_measure(values[0])):
        raise query_flaw(
            f"{name} compares with one number, or with one time that says its zone "
            "(2026-01-31T08:00:00Z) or is a day (2026-01-31)"
        )
    one = {
        "how": how, "name": full(found["name"], prefixes), "scope": scope, "values": values,
        "inner": (found["inner"] or found["within"]) is not None,
    }  # fmt: skip
    return msgspec.convert(one, Added)


def _type(found: re.Match[str], prefixes: Mapping[str, str]) -> str:
    return full(word(f"{found['list']}List", found["name"]), prefixes)


def _attribute(
    field: str, names: tuple[str, ...], values: tuple[str, ...], prefixes: Mapping[str, str]
) -> Attribute:
    """Raises ``Problem`` 400 for what no master data is kept of."""
    if field not in FIELDS:
        raise query_flaw(
            f"HASATTR and EQATTR ask for attributes of {', '.join(FIELDS)}, not of {field}: "
            "master data of nothing else is kept here"
        )
    asked = tuple(full(one, prefixes) for one in names)
    places = {full(one, KNOWN) for one in PLACE_ATTRIBUTES}
    strange = [name for name, one in zip(names, asked, strict=True) if one not in places]
    if field != "epcClass" and strange:
        raise query_flaw(
            f"places have no attribute {', '.join(strange)} here, but these: "
            f"{', '.join(PLACE_ATTRIBUTES)}"
        )
    return Attribute(field=field, names=asked, values=values)


def _text(name: str, value: object) -> str:
    """A value as a URL has it; that nothing is said says that something exists."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or value is None:
        return str(value is not False).lower()
    if isinstance(value, int | float):
        return msgspec.json.encode(value).decode()
    raise query_flaw(f"{name} is said once, as one text or number; several have | between them")
