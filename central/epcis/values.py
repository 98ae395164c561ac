"""Values of fields that users added: when two are the same, and which comes first. Pure.

A text is the same as it is written, an identifier or a time in whatever form it is, a number by its
value (EPCIS 2.0, 8.2.7.1).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from central.database.moments import to_us
from central.epcis.fields import KNOWN, full
from central.epcis.identifiers import canonical

__all__ = ["Scalar", "asked_forms", "is_measure", "measure_as", "ranks", "same", "told_forms"]

Scalar = str | int | float | bool
_NUMBER = re.compile(r"[+-]?([0-9]{1,60}(\.[0-9]{0,60})?|\.[0-9]{1,60})([eE][+-]?[0-9]{1,3})?")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:.,]{5,30}(Z|[+-][0-9]{2}:?[0-9]{2}))?")


def same(asked: str, told: Scalar, prefixes: Mapping[str, str] = KNOWN) -> bool:
    """Whether a value is what somebody asks for in words; ``prefixes`` are those of its event."""
    if isinstance(told, bool):
        return asked.lower() == str(told).lower()
    if not isinstance(told, str):
        return _number(asked) == Decimal(str(told))
    if asked == told or canonical(asked) == canonical(told):
        return True
    if _is_short(told, prefixes) and full(told, prefixes) == full(asked, KNOWN):
        return True
    at = _time(asked)
    return at is not None and at == _time(told)


def told_forms(told: Scalar, prefixes: Mapping[str, str]) -> set[str]:
    """Texts by which a value is looked up: one of them is one of the ``asked_forms`` of whatever is
    the same.
    """
    if isinstance(told, bool):
        return {str(told).lower()}
    if not isinstance(told, str):
        return {_written(Decimal(str(told)))}
    word = {full(told, prefixes)} if _is_short(told, prefixes) else set[str]()
    return {canonical(told)} | word | _moment(told)


def asked_forms(asked: str) -> set[str]:
    """See ``told_forms``."""
    number = _number(asked)
    forms = {canonical(asked), asked.lower(), full(asked, KNOWN)} | _moment(asked)
    return forms if number is None else forms | {_written(number)}


def is_measure(said: str) -> bool:
    """Whether it can be greater or less: a number, or a time."""
    return _number(said) is not None or _time(said) is not None


def measure_as(kind: str, told: Scalar) -> Decimal | int | None:
    """A value as what it is to be compared with, a number or a time; ``None`` where it is none."""
    return _number(str(told)) if _number(kind) is not None else _time(str(told))


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


def _is_short(told: str, prefixes: Mapping[str, str]) -> bool:
    """Whether it is a word of a vocabulary by a prefix."""
    return ":" in told and told.partition(":")[0] in prefixes


def _written(number: Decimal) -> str:
    return str(number.normalize() or Decimal(0))


def _moment(said: str) -> set[str]:
    at = _time(said)
    return set() if at is None else {f"at {at}"}


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
