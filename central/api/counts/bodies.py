"""What clients send of counts."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import AwareDatetime, ConfigDict, Field, model_validator

from central.api.bodies import Body, Code, CommandId, Epc, Said, Sku
from central.counts import reviewing
from central.counts.counting import Found
from central.counts.model import REASONS, Task
from central.database.moments import to_us

By = Annotated[
    Said,
    Field(
        max_length=100,
        pattern=r"^(\S(.*\S)?)?$",
        description="Who says so, where central is open to all; else it is who signed in.",
    ),
]
Lot = Annotated[Said, Field(max_length=64)]
Status = Literal["available", "quarantined", "damaged", "expired"]
Reason = Literal[
    "miscounted", "misplaced", "lost", "stolen", "damaged", "unrecorded_movement", "found",
    "tag_unreadable", "wrong_unit", "other",
]  # fmt: skip
assert Reason.__args__ == REASONS  # type: ignore[attr-defined]
Milligrams = Annotated[int, Field(ge=0, le=2**53)]


class CountBody(Body):
    """What is to be counted."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [{"id": "count-2026-02-02-1", "location": "shelf-7", "threshold": 5}]
        },
    )

    id: CommandId
    location: Code
    below: Annotated[bool, Field(description="All places within it, too.")] = False
    skus: Annotated[tuple[Sku, ...], Field(max_length=1_000)] = ()
    blind: Annotated[bool, Field(description="Who counts is not told what is expected.")] = True
    threshold: Annotated[
        int, Field(ge=0, le=2**53, description="Units that who counted may approve himself.")
    ] = 0

    def task(self) -> Task:
        """As counts know it."""
        return Task(**self.model_dump())


class EntryBody(Body):
    """What somebody found."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {"id": "found-2026-02-02-1", "sku": "OAT-500", "quantity": 18, "by": "anna"},
                {"id": "found-2026-02-02-2", "code": "0109521234000013217"},
                {
                    "id": "found-2026-02-02-3",
                    "sku": "NUT-M6",
                    "gross_mg": 1_202_000,
                    "tare_mg": 200_000,
                    "sigma_mg": 500,
                },
                {"id": "found-2026-02-02-4", "epcs": ["303532EE38A40B400000000D"]},
                {"id": "found-2026-02-02-5", "read_point": "smart-shelf-7"},
                {"id": "found-2026-02-02-6", "sku": "DRILL", "serials": ["S1", "S2"]},
            ]
        },
    )

    id: CommandId
    by: By = ""
    sku: Sku | None = None
    lot: Lot = ""
    location: Code | None = None
    status: Status = "available"
    quantity: Annotated[int, Field(ge=0, le=2**53)] | None = None
    serials: Annotated[
        tuple[Annotated[Said, Field(min_length=1, max_length=64)], ...],
        Field(max_length=10_000, description="The pieces, of an item that is tracked by them."),
    ] = ()
    code: Annotated[Said, Field(min_length=1, max_length=4_096)] | None = None
    symbology: Annotated[Said, Field(pattern=r"^\][A-Za-z][0-9a-zA-Z]$")] | None = None
    gross_mg: Milligrams | None = None
    tare_mg: Milligrams = 0
    sigma_mg: Annotated[
        float, Field(ge=0, le=1e9, description="The scale's standard deviation.")
    ] = 0.0
    epcs: Annotated[tuple[Epc, ...], Field(max_length=20_000)] | None = None
    read_point: Code | None = None
    counted_at: AwareDatetime | None = None
    as_of: Annotated[int, Field(ge=0, le=2**62)] | None = None
    replaces: Annotated[Said, Field(max_length=64)] = ""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        told = (self.quantity is not None, self.gross_mg is not None, bool(self.serials))
        by_item = self.sku is not None and sum(told) == 1
        ways = (by_item, self.code is not None, self.epcs is not None, self.read_point is not None)
        if sum(ways) != 1 or (self.sku is not None and not by_item):
            raise ValueError(
                "give one of: a sku with a quantity, serials or a gross_mg, a code, epcs, a "
                "read_point"
            )
        if self.sku is None and self.serials:
            raise ValueError("serials go with a sku: a code names its piece itself")
        if self.code is not None and self.quantity == 0:
            raise ValueError("what was scanned is there: its quantity is at least 1")
        return self

    def found(self) -> Found:
        """As counting knows it."""
        values: dict[str, Any] = self.model_dump(exclude={"id", "by", "counted_at"})
        values |= {"sku": self.sku or "", "location": self.location or ""}
        at_us = None if self.counted_at is None else to_us(self.counted_at)
        return Found(**values, counted_us=at_us)


class StartBody(Body):
    """When counting began, where the network was away."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={"examples": [{"began_at": "2026-02-02T08:00:00+01:00", "as_of": 4711}]},
    )

    began_at: AwareDatetime | None = None
    as_of: Annotated[
        int | None, Field(ge=0, le=2**62, description="The newest movement that was known then.")
    ] = None

    def began_us(self) -> int | None:
        """In microseconds since 1970."""
        return None if self.began_at is None else to_us(self.began_at)


class FinishBody(Body):
    """The end of counting."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, json_schema_extra={"examples": [{"complete": True}]}
    )

    complete: Annotated[
        bool, Field(description="All was counted: what was not found of it is not there.")
    ] = True
    by: By = ""


class CountLineBody(Body):
    """Why lines differ; what is left out fits any."""

    kind: Literal["", "quantity", "missing", "stranger"] = ""
    sku: Annotated[Said, Field(max_length=64)] = ""
    lot: Lot | None = None
    location: Annotated[Said, Field(max_length=64)] = ""
    status: Literal["", "available", "quarantined", "damaged", "expired"] = ""
    reason: Reason
    accept: Annotated[bool, Field(description="The books follow the count.")] = True

    def said(self) -> reviewing.Said:
        """As reviewing knows it."""
        return reviewing.Said(**self.model_dump())


class DecisionsBody(Body):
    """What somebody who looked into it says."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {"lines": [{"sku": "OAT-500", "reason": "miscounted"}], "by": "bert"},
                {"lines": [{"kind": "missing", "reason": "tag_unreadable", "accept": False}]},
            ]
        },
    )

    lines: Annotated[tuple[CountLineBody, ...], Field(min_length=1, max_length=1_000)]
    by: By = ""


class ByBody(Body):
    """Who says so."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, json_schema_extra={"examples": [{"by": "carla"}]}
    )

    by: By = ""
