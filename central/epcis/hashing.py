"""The hash of an event (CBV 2.0, 8.9): the same for everybody who tells of the same thing. Pure.

The event is written as one string: known fields in a fixed order, all others behind them in the
order of their text; words in their full form, identifiers as canonical Digital Links, times in UTC
to the millisecond, numbers without what does not change them. Of the string comes a SHA-256.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from central.epcis.identifiers import canonical

__all__ = ["event_hash", "prehash", "word"]

Order = Mapping[str, "Order | None"]
_THINGS: Order = {"epcClass": None, "quantity": None, "uom": None}
_REPORT = (
    "type", "exception", "deviceID", "deviceMetadata", "rawData", "dataProcessingMethod", "time",
    "microorganism", "chemicalSubstance", "value", "component", "stringValue", "booleanValue",
    "hexBinaryValue", "uriValue", "minValue", "maxValue", "meanValue", "sDev", "percRank",
    "percValue", "uom", "coordinateReferenceSystem",
)  # fmt: skip
_METADATA = (
    "time", "startTime", "endTime", "deviceID", "deviceMetadata", "rawData",
    "dataProcessingMethod", "bizRules",
)  # fmt: skip
_EVENT: Order = {
    "eventTime": None, "eventTimeZoneOffset": None, "certificationInfo": None, "parentID": None,
    "epcList": None, "inputEPCList": None, "childEPCs": None, "quantityList": _THINGS,
    "childQuantityList": _THINGS, "inputQuantityList": _THINGS, "outputEPCList": None,
    "outputQuantityList": _THINGS, "action": None, "transformationID": None, "bizStep": None,
    "disposition": None, "persistentDisposition": {"set": None, "unset": None},
    "readPoint": {"id": None}, "bizLocation": {"id": None},
    "sensorElementList": {
        "sensorMetadata": dict.fromkeys(_METADATA), "sensorReport": dict.fromkeys(_REPORT),
    },
}  # fmt: skip
_LISTS = {
    "epcList": "epc", "inputEPCList": "epc", "childEPCs": "epc", "outputEPCList": "epc",
    "quantityList": "quantityElement", "childQuantityList": "quantityElement",
    "inputQuantityList": "quantityElement", "outputQuantityList": "quantityElement",
    "sensorElementList": "sensorElement",
}  # fmt: skip
"""Lists whose entries have a name of their own in the string."""
_PAIRS = {
    "bizTransactionList": "bizTransaction", "sourceList": "source",
    "destinationList": "destination",
}  # fmt: skip
_LEFT_OUT = {
    "type", "recordTime", "eventID", "errorDeclaration", "@context", "comment", "rdfs:comment",
}  # fmt: skip
_CBV, _VOC = "https://ref.gs1.org/cbv/", "https://gs1.org/voc/"
_WORDS = {
    "bizStep": f"{_CBV}BizStep-", "disposition": f"{_CBV}Disp-", "set": f"{_CBV}Disp-",
    "unset": f"{_CBV}Disp-", "bizTransactionList": f"{_CBV}BTT-", "sourceList": f"{_CBV}SDT-",
    "destinationList": f"{_CBV}SDT-", "component": f"{_CBV}Comp-", "exception": _VOC,
    "sensorReport": _VOC,
}  # fmt: skip
"""Whose bare words are short for what begins so."""
_URNS = {
    "urn:epcglobal:cbv:bizstep:": f"{_CBV}BizStep-", "urn:epcglobal:cbv:disp:": f"{_CBV}Disp-",
    "urn:epcglobal:cbv:btt:": f"{_CBV}BTT-", "urn:epcglobal:cbv:sdt:": f"{_CBV}SDT-",
}  # fmt: skip
_BARE = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?")
_NAMESPACES = {"cbvmda": "urn:epcglobal:cbv:mda:"}


def event_hash(
    event: Mapping[str, Any], context: object = (), without: Collection[str] = ()
) -> str:
    """The event's id by what it tells: ``ni:///sha-256;...?ver=CBV2.0``. ``context`` is the
    document's, whose prefixes stand for namespaces; ``without`` are fields that somebody put in
    on the way.
    """
    event = {key: value for key, value in event.items() if key not in without}
    digest = hashlib.sha256(prehash(event, context).encode()).hexdigest()
    return f"ni:///sha-256;{digest}?ver=CBV2.0"


def prehash(event: Mapping[str, Any], context: object = ()) -> str:
    """The string that is hashed."""
    return _Writer(context).event(event)


def word(field: str, said: str) -> str:
    """A word of GS1's vocabulary in its full form: ``bizStep``, ``shipping``."""
    for urn, full in _URNS.items():
        if said.startswith(urn):
            return full + said.removeprefix(urn)
    vocabulary = _WORDS.get(field)
    return vocabulary + said if vocabulary and _BARE.fullmatch(said) else said


class _Writer:
    """Writes with the prefixes of one document."""

    def __init__(self, context: object) -> None:
        self._namespaces = dict(_NAMESPACES)
        for one in context if isinstance(context, list | tuple) else (context,):
            if isinstance(one, dict):
                self._namespaces |= {k: v for k, v in one.items() if isinstance(v, str)}

    def event(self, event: Mapping[str, Any]) -> str:
        rest = sorted(
            self._other(key, value)
            for key, value in event.items()
            if key not in _EVENT and key not in _LEFT_OUT
        )
        return f"eventType={event['type']}{self._ordered(event, _EVENT)}{''.join(rest)}"

    def _ordered(self, whole: Mapping[str, Any], order: Order, vocabulary: str = "") -> str:
        return "".join(
            self._field(key, whole[key], below, vocabulary)
            for key, below in order.items()
            if key in whole
        )

    def _field(self, key: str, value: object, below: Order | None, vocabulary: str) -> str:
        if key in _LISTS:
            entries = value if isinstance(value, list) else [value]
            name = _LISTS[key]
            parts = (self._field(name, one, below, "") for one in entries)
            joined = "".join(sorted(parts))
            return key + joined if joined else ""
        if isinstance(value, list):
            return "".join(sorted(self._field(key, one, below, vocabulary) for one in value))
        if isinstance(value, dict):
            told = self._ordered(value, below or {}, key) + self._extensions(value, below or {})
            return key + told if told else ""
        field = vocabulary if key == "type" else key
        said = self._said(field, key, value)
        return f"{key}={said}" if said else ""

    def _extensions(self, whole: Mapping[str, Any], order: Order) -> str:
        others = (
            self._other(key, value)
            for key, value in whole.items()
            if key not in order and key not in _LEFT_OUT
        )
        return "".join(sorted(others))

    def _other(self, key: str, value: object) -> str:
        """A field that has no place of its own: what users add, and the lists of pairs."""
        if key in _PAIRS and isinstance(value, list):
            second = _PAIRS[key]
            pairs = (self._pair(key, second, one) for one in value if isinstance(one, dict))
            return key + "".join(sorted(pairs))
        name = self._name(key)
        if isinstance(value, list):
            return "".join(sorted(self._other(key, one) for one in value))
        if isinstance(value, dict):
            return name + self._extensions(value, {})
        said = self._said("", key, value)
        return f"{name}={said}" if said else name

    def _pair(self, field: str, second: str, one: Mapping[str, Any]) -> str:
        first = f"type={word(field, one['type'])}" if "type" in one else ""
        return f"{first}{second}={self._said('', second, one.get(second, ''))}"

    def _name(self, key: str) -> str:
        prefix, colon, rest = key.partition(":")
        space = self._namespaces.get(prefix)
        return f"{{{space}}}{rest}" if colon and space else key

    def _said(self, field: str, key: str, value: object) -> str:
        text = str(value).strip()
        lowered = key.lower()
        if "time" in lowered and "offset" not in lowered:
            return _utc(text)
        prefix, colon, rest = text.partition(":")
        if colon and prefix in self._namespaces:
            text = self._namespaces[prefix] + rest
        return canonical(_number(word(field, text)))


def _number(text: str) -> str:
    if not _NUMBER.fullmatch(text):
        return text
    number = float(text)
    return str(int(number)) if number.is_integer() else str(number)


def _utc(text: str) -> str:
    """A time in UTC to the millisecond; what is none stays."""
    try:
        at = datetime.fromisoformat(_six_digits(text))
    except ValueError:
        return text
    if at.tzinfo is None:
        return text
    at = at.astimezone(UTC)
    rounded = round(at.microsecond, -3)
    whole = at.replace(microsecond=rounded if rounded < 1_000_000 else 999_000)
    return whole.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def _six_digits(text: str) -> str:
    """Fractions of a second of any length, to the microsecond."""
    return re.sub(r"(\.\d{6})\d+", r"\1", text)
