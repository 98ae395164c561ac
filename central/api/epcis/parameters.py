"""Parameters of an EPCIS query beside those of what events are about: order and number, sensors,
and those that have no name of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from central.api.bodies import Body, Said
from central.api.epcis import extensions
from central.api.epcis.texts import Flag, Words, query_flaw, words
from central.database.moments import to_us
from central.epcis.fields import full, prefixes_of
from central.epcis.model import Order

__all__ = ["Paged", "Sensed", "us"]

_MEASURED = re.compile(
    r"(?P<how>EQ|GT|GE|LT|LE)_(?:(?P<rank>percRank)"
    r"|(?P<field>value|minValue|maxValue|meanValue|sDev|percValue|quantity)_(?P<unit>[A-Z0-9]{2,3}))"
)
"""Numbers that sensors reported, and quantities, in a unit by its code of UN/CEFACT."""
_Number = Annotated[float, Field(ge=-1e15, le=1e15, allow_inf_nan=False)]
_NUMBER = TypeAdapter[float](_Number)


OrderBy = Annotated[
    Said,
    Field(
        max_length=2_000,
        pattern=r"^(eventTime|recordTime|[A-Za-z][A-Za-z0-9.+-]*:\S+)$",
        description="`eventTime`, `recordTime`, or a field that users added.",
    ),
]


class Paged(Body):
    """Which page, and how long."""

    per_page: Annotated[int, Field(ge=1, le=500)] = Field(30, alias="perPage")
    token: Annotated[str, Field(max_length=200)] | None = Field(None, alias="nextPageToken")


class Ordered(Body):
    """In which order, and how many."""

    order_by: OrderBy | None = Field(None, alias="orderBy")
    direction: Literal["ASC", "DESC"] = Field("DESC", alias="orderDirection")
    count_limit: Annotated[int, Field(ge=1, le=2**31)] | None = Field(None, alias="eventCountLimit")
    max_count: Annotated[int, Field(ge=0, le=2**31)] | None = Field(None, alias="maxEventCount")

    def order(self, prefixes: Mapping[str, str]) -> Order | None:
        """Raises ``Problem`` 400 for what the standard has not together."""
        if self.count_limit is not None and self.max_count is not None:
            raise query_flaw("eventCountLimit and maxEventCount exclude each other: leave one out")
        if self.count_limit is not None and self.order_by is None:
            raise query_flaw("eventCountLimit is of an order: say which by orderBy")
        if self.order_by is None:
            return None
        return Order(
            by=full(self.order_by, prefixes_of(dict(prefixes))),
            descending=self.direction == "DESC",
            at_most=self.count_limit,
        )


class Sensed(Ordered):
    """What sensors reported. Numbers are asked for by names that have the unit in them."""

    model_config = ConfigDict(extra="allow", frozen=True)

    sensed: Flag | None = Field(None, alias="EXISTS_sensorElementList")
    ge_time: AwareDatetime | None = Field(None, alias="GE_time")
    lt_time: AwareDatetime | None = Field(None, alias="LT_time")
    ge_start: AwareDatetime | None = Field(None, alias="GE_startTime")
    lt_start: AwareDatetime | None = Field(None, alias="LT_startTime")
    ge_end: AwareDatetime | None = Field(None, alias="GE_endTime")
    lt_end: AwareDatetime | None = Field(None, alias="LT_endTime")
    sensor_type: Words | None = Field(None, alias="EQ_type")
    device: Words | None = Field(None, alias="EQ_deviceID")
    processing: Words | None = Field(None, alias="EQ_dataProcessingMethod")
    microorganism: Words | None = Field(None, alias="EQ_microorganism")
    substance: Words | None = Field(None, alias="EQ_chemicalSubstance")
    rules: Words | None = Field(None, alias="EQ_bizRules")
    text: Words | None = Field(None, alias="EQ_stringValue")
    flag: Flag | None = Field(None, alias="EQ_booleanValue")
    bits: Words | None = Field(None, alias="EQ_hexBinaryValue")
    uri: Words | None = Field(None, alias="EQ_uriValue")

    @model_validator(mode="after")
    def _named_rightly(self) -> Sensed:
        """A name that is not listed has a unit in it, or the name of a field that users added."""
        for name, value in self._others():
            measured = _MEASURED.fullmatch(name) is not None
            if not (measured or extensions.is_one(name)):
                raise ValueError(f"{name}: there is no such parameter")
            try:
                if measured:
                    _NUMBER.validate_python(value)
                else:
                    extensions.check(name, value)
            except ValidationError as error:
                raise ValueError(f"{name}: {error.errors()[0]['msg']}") from error
        return self

    def extended(self, prefixes: Mapping[str, str]) -> extensions.Extended:
        """What is asked of fields that users added, and what else has its name in the parameter's.
        Raises ``Problem``.
        """
        named = {name: one for name, one in self._others() if not _MEASURED.fullmatch(name)}
        return extensions.asked_of(named, prefixes)

    def _others(self) -> Iterable[tuple[str, Any]]:
        """The parameters whose names are not listed."""
        return (self.__pydantic_extra__ or {}).items()

    def reported(self) -> dict[str, tuple[str, ...]]:
        """What is asked of attributes that are compared as words, by their names."""
        asked = {
            "type": self.sensor_type,
            "deviceID": self.device,
            "dataProcessingMethod": self.processing,
            "microorganism": self.microorganism,
            "chemicalSubstance": self.substance,
            "bizRules": self.rules,
            "stringValue": self.text,
            "booleanValue": self.flag,
            "hexBinaryValue": self.bits,
            "uriValue": self.uri,
        }
        named = {name: words(said) for name, said in asked.items()}
        return {name: said for name, said in named.items() if said}

    def reported_at(self) -> tuple[tuple[str, str, int], ...]:
        """How a time compares, which, and with what."""
        asked = (
            ("GE", "time", self.ge_time), ("LT", "time", self.lt_time),
            ("GE", "startTime", self.ge_start), ("LT", "startTime", self.lt_start),
            ("GE", "endTime", self.ge_end), ("LT", "endTime", self.lt_end),
        )  # fmt: skip
        return tuple((how, one, to_us(at)) for how, one, at in asked if at is not None)

    def measures(self) -> tuple[tuple[str, str, str, float], ...]:
        """How a number compares, which, in what unit, and with what."""
        found = list[tuple[str, str, str, float]]()
        for name, value in self._others():
            named = _MEASURED.fullmatch(name)
            if named is None:
                continue
            field = named["rank"] or named["field"]
            than = _NUMBER.validate_python(value)
            found.append((named["how"], field, named["unit"] or "", than))
        return tuple(found)


def us(at: datetime | None) -> int | None:
    """In microseconds since 1970."""
    return None if at is None else to_us(at)
