"""Templates: what stands where on a label, as data. Pure; ``central.labels.shelf`` reads files.

Lengths are millimetres from the top left corner. A text's ``{field}`` is filled with what is known;
an element of which every field is empty is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from central.labels.model import FIELDS, Fields, Kind
from gateway.gs1.elements import Elements, parse_element_string
from gateway.gs1.keys import Gs1Error

__all__ = [
    "Box",
    "Code128",
    "DataMatrix",
    "DigitalLink",
    "Element",
    "Gs1DataMatrix",
    "Gs1128",
    "Line",
    "Qr",
    "Sheet",
    "Symbol",
    "Template",
    "Text",
    "filled",
    "filled_elements",
    "is_drawn",
]  # fmt: skip

_HOLE = re.compile(r"\{([^{}]*)\}")
_AI = re.compile(r"\d{2,4}")
Length = Annotated[float, Field(ge=0, le=400)]
Extent = Annotated[float, Field(gt=0, le=400)]
Ais = Annotated[dict[str, str], Field(min_length=1, max_length=12)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)


class _Placed(_Model):
    """``when`` and ``unless`` name fields: drawn only if the one is known, and the other not."""

    x_mm: Length
    y_mm: Length
    when: str = ""
    unless: str = ""

    def said(self) -> Iterable[str]:
        """The texts in which fields are named."""
        return ()

    def holes(self) -> set[str]:
        """The fields that the element shows."""
        return {name for text in self.said() for name in _HOLE.findall(text)}


class Text(_Placed):
    """Words in at most ``lines`` lines; letters shrink from ``size_mm`` to ``least_mm`` until they
    fit into ``width_mm``, and what then does not fit is cut off, with an ellipsis.
    """

    type: Literal["text"]
    text: Annotated[str, Field(min_length=1, max_length=500)]
    width_mm: Extent
    size_mm: Annotated[float, Field(ge=1, le=100)]
    least_mm: Annotated[float, Field(ge=1, le=100)] | None = None
    lines: Annotated[int, Field(ge=1, le=20)] = 1
    bold: bool = False
    align: Literal["left", "center", "right"] = "left"

    def said(self) -> Iterable[str]:
        """See above."""
        return (self.text,)


class _Bars(_Placed):
    """``module_mm`` is the width of the thinnest bar; it shrinks to ``least_module_mm`` to fit."""

    width_mm: Extent
    height_mm: Annotated[float, Field(ge=3, le=200)]
    module_mm: Annotated[float, Field(ge=0.1, le=2)] = 0.5
    least_module_mm: Annotated[float, Field(ge=0.08, le=2)] = 0.25
    align: Literal["left", "center"] = "center"
    text_mm: Annotated[float, Field(ge=0, le=20)] = 3.0
    """The letters under it, for people; 0: none."""


class Code128(_Bars):
    """Code 128 (ISO/IEC 15417)."""

    type: Literal["code128"]
    text: Annotated[str, Field(min_length=1, max_length=200)]

    def said(self) -> Iterable[str]:
        """See above."""
        return (self.text,)


class Gs1128(_Bars):
    """GS1-128 (GS1 General Specifications, 5.4): application identifiers and their values, in this
    order; one whose fields are empty is left out.
    """

    type: Literal["gs1-128"]
    ais: Ais

    def said(self) -> Iterable[str]:
        """See above."""
        return self.ais.values()


class _Square(_Placed):
    """As large as fits into ``size_mm`` with its quiet zone; refused below ``least_module_mm``."""

    size_mm: Annotated[float, Field(ge=4, le=200)]
    least_module_mm: Annotated[float, Field(ge=0.08, le=5)] = 0.25


class DataMatrix(_Square):
    """Data Matrix ECC 200 (ISO/IEC 16022)."""

    type: Literal["datamatrix"]
    text: Annotated[str, Field(min_length=1, max_length=500)]

    def said(self) -> Iterable[str]:
        """See above."""
        return (self.text,)


class Gs1DataMatrix(_Square):
    """GS1 DataMatrix (GS1 General Specifications, 5.6), with ``ais`` as in ``Gs1128``."""

    type: Literal["gs1-datamatrix"]
    ais: Ais

    def said(self) -> Iterable[str]:
        """See above."""
        return self.ais.values()


class Qr(_Square):
    """QR Code, error correction M (ISO/IEC 18004)."""

    type: Literal["qr"]
    text: Annotated[str, Field(min_length=1, max_length=500)]

    def said(self) -> Iterable[str]:
        """See above."""
        return (self.text,)


class DigitalLink(_Square):
    """QR Code with a GS1 Digital Link of these ``ais``."""

    type: Literal["digital-link"]
    ais: Ais

    def said(self) -> Iterable[str]:
        """See above."""
        return self.ais.values()


class Line(_Placed):
    """Level or upright: one of ``width_mm`` and ``height_mm``."""

    type: Literal["line"]
    width_mm: Length = 0
    height_mm: Length = 0
    thick_mm: Annotated[float, Field(ge=0.1, le=10)] = 0.3

    @model_validator(mode="after")
    def _level(self) -> Self:
        if bool(self.width_mm) == bool(self.height_mm):
            raise ValueError("a line is level (give width_mm) or upright (give height_mm)")
        return self


class Box(_Placed):
    """An empty rectangle."""

    type: Literal["box"]
    width_mm: Extent
    height_mm: Extent
    thick_mm: Annotated[float, Field(ge=0.1, le=10)] = 0.3


Element = Annotated[
    Text | Code128 | Gs1128 | DataMatrix | Gs1DataMatrix | Qr | DigitalLink | Line | Box,
    Field(discriminator="type"),
]
Symbol = Code128 | Gs1128 | DataMatrix | Gs1DataMatrix | Qr | DigitalLink


class Sheet(_Model):
    """Labels on a page (PDF alone): rows and columns of labels, from the left and top margin."""

    page_width_mm: Extent = 210
    page_height_mm: Extent = 297
    rows: Annotated[int, Field(ge=1, le=100)]
    columns: Annotated[int, Field(ge=1, le=50)]
    left_mm: Length = 0
    top_mm: Length = 0
    gap_x_mm: Length = 0
    gap_y_mm: Length = 0


class Template(_Model):
    """A label of a ``kind``; with a ``sheet`` it can be printed many on a page."""

    kind: Kind
    title: Annotated[str, Field(min_length=1, max_length=200)]
    width_mm: Annotated[float, Field(ge=10, le=400)]
    height_mm: Annotated[float, Field(ge=5, le=400)]
    sheet: Sheet | None = None
    elements: Annotated[tuple[Element, ...], Field(max_length=200)]

    def faults(self) -> Iterator[tuple[str, str, str]]:
        """What pydantic cannot see: key, value, and what is wrong with it."""
        if not self.elements:
            yield "elements", "", "there are none: a label says something"
        if self.sheet is not None:
            yield from self._sheet_faults(self.sheet)
        for number, one in enumerate(self.elements):
            place = f"elements[{number}]"
            yield from self._outside(place, one)
            yield from self._strange_fields(place, one)
            if isinstance(one, _WITH_AIS):
                yield from _strange_ais(f"{place}.ais", one.ais)

    def _strange_fields(self, place: str, one: Element) -> Iterator[tuple[str, str, str]]:
        known = FIELDS[self.kind]
        for key in ("when", "unless"):
            if (name := getattr(one, key)) and name not in known:
                yield f"{place}.{key}", name, _of_these(self.kind)
        texts = {"text": one.text} if isinstance(one, _WITH_TEXT) else {}
        if isinstance(one, _WITH_AIS):
            texts = {f"ais.{ai}": text for ai, text in one.ais.items()}
        for key, text in texts.items():
            for name in _HOLE.findall(text):
                if name not in known:
                    yield f"{place}.{key}", f"{{{name}}}", _of_these(self.kind)
            if "{" in _HOLE.sub("", text) or "}" in _HOLE.sub("", text):
                yield f"{place}.{key}", text, "a { or } that belongs to no {field}"

    def _outside(self, place: str, one: Element) -> Iterator[tuple[str, str, str]]:
        width, height = _extent(one)
        for key, at, size, most in (
            ("x_mm", one.x_mm, width, self.width_mm),
            ("y_mm", one.y_mm, height, self.height_mm),
        ):
            if at + size > most + 1e-6:
                yield (
                    f"{place}.{key}", f"{at:g}",
                    f"with its {size:g} mm it ends at {at + size:g}, and the label has {most:g} mm",
                )  # fmt: skip

    def _sheet_faults(self, sheet: Sheet) -> Iterator[tuple[str, str, str]]:
        for key, first, count, size, gap, page in (
            ("columns", sheet.left_mm, sheet.columns, self.width_mm, sheet.gap_x_mm,
             sheet.page_width_mm),
            ("rows", sheet.top_mm, sheet.rows, self.height_mm, sheet.gap_y_mm,
             sheet.page_height_mm),
        ):  # fmt: skip
            end = first + count * size + (count - 1) * gap
            if end > page + 1e-6:
                yield (
                    f"sheet.{key}", str(count),
                    f"so many end at {end:g} mm, and the page has {page:g} mm",
                )  # fmt: skip


_WITH_TEXT = (Text, Code128, DataMatrix, Qr)
_WITH_AIS = (Gs1128, Gs1DataMatrix, DigitalLink)


def is_drawn(one: Element, fields: Fields) -> bool:
    """Whether anything of it is known, and its conditions hold."""
    if one.when and not fields.get(one.when):
        return False
    if one.unless and fields.get(one.unless):
        return False
    holes = one.holes()
    return not holes or any(fields.get(name) for name in holes)


def filled(text: str, fields: Fields) -> str:
    """A text with what is known in it."""
    return _HOLE.sub(lambda hole: fields.get(hole[1], ""), text)


def filled_elements(ais: dict[str, str], fields: Fields) -> Elements:
    """Application identifiers with their values, those of which anything is known. Raises
    ``Gs1Error`` where one cannot be right.
    """
    values = {}
    for ai, text in ais.items():
        holes = _HOLE.findall(text)
        if not holes or any(fields.get(name) for name in holes):
            values[ai] = filled(text, fields)
    if not values:
        return Elements(values={})
    found = parse_element_string("".join(f"({ai}){value}" for ai, value in values.items()))
    if found.flaw is not None:
        raise Gs1Error(found.flaw)
    if found.values != values:
        raise Gs1Error(f"{values} reads as {found.values}: a value holds what it may not")
    return found


def _extent(one: Element) -> tuple[float, float]:
    """Width and height in millimetres, as far as the template says them."""
    if isinstance(one, Text):
        return one.width_mm, one.size_mm * one.lines
    if isinstance(one, Code128 | Gs1128):
        return one.width_mm, one.height_mm
    if isinstance(one, Line):
        return one.width_mm or one.thick_mm, one.height_mm or one.thick_mm
    if isinstance(one, Box):
        return one.width_mm, one.height_mm
    return one.size_mm, one.size_mm


def _strange_ais(place: str, ais: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    from biip import ParseError  # noqa: PLC0415 - 0.3 s, only where barcodes are made
    from biip.gs1_application_identifiers import GS1ApplicationIdentifier  # noqa: PLC0415

    for ai in ais:
        try:
            known = _AI.fullmatch(ai) and GS1ApplicationIdentifier.extract(ai).ai == ai
        except ParseError:
            known = False
        if not known:
            yield f"{place}.{ai}", ai, "GS1 has no application identifier of this number"


def _of_these(kind: Kind) -> str:
    return f"a label of kind {kind} has no such field; it has {', '.join(FIELDS[kind])}"
