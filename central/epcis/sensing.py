"""What a query asks of an event's sensor reports, and of quantities in a unit (EPCIS 2.0, 8.2.7.1).

Each parameter is looked at by itself, as the standard has it: some attribute of that name, in any
``sensorMetadata`` or ``sensorReport`` of the event, is what it asks for. Numbers are compared in
the unit that the event has: nothing is converted. Pure.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from central.database.moments import to_us
from central.epcis.identifiers import canonical
from central.epcis.model import Wanted

__all__ = ["COMPARED", "senses"]

COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "EQ": operator.eq, "GT": operator.gt, "GE": operator.ge, "LT": operator.lt, "LE": operator.le,
}  # fmt: skip
"""What stands before a number or a time that is compared."""
_QUANTITIES = ("quantityList", "childQuantityList", "inputQuantityList", "outputQuantityList")
_TYPES = ("https://gs1.org/voc/", "gs1:", "MT-")
"""What may stand before a measurement's bare word."""
_TEXTS = ("stringValue", "hexBinaryValue")


def senses(event: Mapping[str, Any], wanted: Wanted) -> bool:
    """Whether its sensors reported what is asked for, and it has such quantities."""
    if wanted.sensed and not event.get("sensorElementList"):
        return False
    return (
        all(_names(event, field, asked) for field, asked in wanted.reported.items())
        and all(_in_time(event, *asked) for asked in wanted.reported_at)
        and all(_measures(event, *asked) for asked in wanted.measures)
    )


def _names(event: Mapping[str, Any], field: str, asked: tuple[str, ...]) -> bool:
    wanted = {_word(field, one) for one in asked}
    told = (one[field] for one in _attributes(event) if field in one)
    return any(_word(field, str(value)) in wanted for value in told)


def _word(field: str, said: str) -> str:
    """As it is compared."""
    if field == "booleanValue":
        return said.lower()
    if field in _TEXTS:
        return said
    if field == "type":
        for prefix in _TYPES:
            said = said.removeprefix(prefix)
        return said
    return canonical(said)


def _in_time(event: Mapping[str, Any], how: str, field: str, than_us: int) -> bool:
    """A time that is none is not what is asked for: events are kept as they came."""
    for one in _attributes(event):
        try:
            at = datetime.fromisoformat(str(one.get(field, "")))
        except ValueError:
            continue
        if at.tzinfo is not None and COMPARED[how](to_us(at), than_us):
            return True
    return False


def _measures(event: Mapping[str, Any], how: str, field: str, unit: str, than: float) -> bool:
    """``unit`` is empty where the number has none."""
    if field == "quantity":
        elements = [one for name in _QUANTITIES for one in event.get(name) or ()]
    else:
        elements = list(_attributes(event))
    return any(
        COMPARED[how](one[field], than)
        for one in elements
        if isinstance(one.get(field), int | float) and (not unit or one.get("uom") == unit)
    )


def _attributes(event: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Of each element what all its reports have, and each report."""
    for element in event.get("sensorElementList") or ():
        for one in (element.get("sensorMetadata"), *_reports(element)):
            if isinstance(one, Mapping):
                yield one


def _reports(element: Mapping[str, Any]) -> list[Any]:
    told = element.get("sensorReport")
    return told if isinstance(told, list) else []
