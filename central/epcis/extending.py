"""What a query asks of fields that users added (EPCIS 2.0, 8.2.7.1). Pure.

A text is asked for as it is written, an identifier or a time in whatever form it is, a number by
its value. What is greater or less is a number, or a time; texts of an event are read as these.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from central.database.moments import to_us
from central.epcis.fields import KNOWN, Fields, full, scalars
from central.epcis.hashing import word
from central.epcis.identifiers import canonical
from central.epcis.model import Added, Wanted
from central.epcis.sensing import COMPARED

__all__ = ["extends", "is_measure", "ranks", "same"]

Scalar = str | int | float | bool
_NUMBER = re.compile(r"[+-]?([0-9]{1,60}(\.[0-9]{0,60})?|\.[0-9]{1,60})([eE][+-]?[0-9]{1,3})?")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:.,]{5,30}(Z|[+-][0-9]{2}:?[0-9]{2}))?")
_ENDS = {"bizTransactionList": "bizTransaction", "sourceList": "source"}


def extends(event: Mapping[str, Any], wanted: Wanted) -> bool:
    """Whether its added fields, and papers and ends of types that others made, are such."""
    if not (wanted.added or wanted.typed):
        return True
    fields = Fields(event)
    return all(_has(fields, one) for one in wanted.added) and all(
        _names(event, fields, *one) for one in wanted.typed
    )


def same(asked: str, told: Scalar) -> bool:
    """Whether a value is what somebody asks for in words."""
    if isinstance(told, bool):
        return asked.lower() == str(told).lower()
    if not isinstance(told, str):
        return _number(asked) == Decimal(str(told))
    if asked == told or canonical(asked) == canonical(told):
        return True
    at = _time(asked)
    return at is not None and at == _time(told)


def is_measure(said: str) -> bool:
    """Whether it can be greater or less: a number, or a time."""
    return _number(said) is not None or _time(said) is not None


def ranks(told: list[Scalar]) -> list[Any]:
    """By what values of a field come in order: as numbers where all are such, as times where all
    are, else as texts, character by character (EPCIS 2.0, 8.2.7.1, ``orderBy``).
    """
    texts = [str(one).lower() if isinstance(one, bool) else str(one) for one in told]
    kinds: tuple[Callable[[str], Any], ...] = (_number, _time)
    for read in kinds:
        read_so = [read(one) for one in texts]
        if None not in read_so:
            return read_so
    return texts


def _has(fields: Fields, asked: Added) -> bool:
    there = fields.named(asked.name, asked.scope, inner=asked.inner)
    if asked.how == "EXISTS":
        return next(there, None) is not None
    if asked.how == "LACKS":
        return next(there, None) is None
    return any(_compares(asked, one, fields) for value in there for one in scalars(value))


def _compares(asked: Added, told: Scalar, fields: Fields) -> bool:
    if asked.how == "EQ":
        return any(same(one, told) or _same_word(one, told, fields) for one in asked.values)
    if isinstance(told, bool):
        return False
    (than,) = asked.values
    read: Callable[[str], Any] = _time if _number(than) is None else _number
    value, limit = read(str(told)), read(than)
    return None not in {value, limit} and COMPARED[asked.how](value, limit)


def _same_word(asked: str, told: Scalar, fields: Fields) -> bool:
    """Whether both are one word of a vocabulary, in full or by a prefix of the event."""
    if not isinstance(told, str) or told.partition(":")[0] not in fields.prefixes:
        return False
    return full(told, fields.prefixes) == full(asked, KNOWN)


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


@lru_cache(maxsize=1_024)
def _number(said: str) -> Decimal | None:
    return Decimal(said) if _NUMBER.fullmatch(said) else None


@lru_cache(maxsize=1_024)
def _time(said: str) -> int | None:
    """In microseconds since 1970; a day alone is its beginning in UTC."""
    if not _TIME.fullmatch(said):
        return None
    try:
        at = datetime.fromisoformat(said)
        return to_us(at.replace(tzinfo=UTC) if "T" not in said else at)
    except (ValueError, OverflowError):
        return None
