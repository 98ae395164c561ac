"""GS1 element strings and Digital Link URIs, through biip's table of application identifiers.

biip is imported on first use: it takes 0.3 s, and most of the house never sees a barcode.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

import msgspec

from gateway.gs1.keys import Gs1Error, is_digits, is_gtin, is_sscc, require_check_digit

if TYPE_CHECKING:
    from biip import ParseConfig
    from biip.gs1_element_strings import GS1ElementString

GROUP_SEPARATOR = "\x1d"
DIGITAL_LINK_ORIGIN = "https://id.gs1.org"

_SPELT_SEPARATOR = re.compile(
    r"\{GS\}|<GS>|\[GS\]|\{FNC1\}|<FNC1>|\[FNC1\]|\\x1d|\\u001d|\\035|\u241d|[\^|]", re.IGNORECASE
)
"""How people, logs and scanners set to print it spell the group separator. None of ``^ | { [``
and the backslash may stand in a GS1 value."""
_BRACKETED_AI = re.compile(r"\((\d{2,4})\)")

_QUALIFIERS = {
    "01": ("22", "10", "21", "235"),
    "8006": ("22", "10", "21"),
    "8010": ("8011",),
    "414": ("254", "7040"),
    "415": ("8020",),
    "417": ("7040",),
    "8017": ("8019",),
    "8018": ("8019",),
    "8004": ("7040",),
}
_KEYS = ("00", "01", "8006", "8010", "414", "415", "417", "8017", "8018", "8004", "8003")
_KEYS_WITHOUT_QUALIFIERS = ("253", "255", "401", "402", "8013")
_CHECKED = {"00": 18, "01": 14, "02": 14, "8003": 14, "253": 13, "255": 13, "402": 17}
"""Application identifiers whose value begins with so many digits that end in a check digit."""


class Elements(msgspec.Struct, frozen=True, kw_only=True):
    """Application identifiers with their values, in the order given; repeats keep the first.

    ``flaw`` is set where a value has the right form but cannot be right (a wrong check
    digit, 30 February); what it concerns is left out of the properties below.
    """

    values: dict[str, str]
    expiry: str | None = None
    flaw: str | None = None

    @property
    def gtin(self) -> str | None:
        """The trade item (AI 01), else the content of the logistic unit (AI 02); 14 digits."""
        for ai in ("01", "02"):
            value = self.values.get(ai)
            if value is not None and is_gtin(value):
                return value
        return None

    @property
    def sscc(self) -> str | None:
        """The logistic unit, AI 00."""
        value = self.values.get("00")
        return value if value is not None and is_sscc(value) else None

    @property
    def lot(self) -> str | None:
        """Batch or lot, AI 10."""
        return self.values.get("10")

    @property
    def serial(self) -> str | None:
        """Serial number, AI 21."""
        return self.values.get("21")

    @property
    def quantity(self) -> int | None:
        """Units contained (AI 37), else a variable count (AI 30)."""
        count = self.values.get("37") or self.values.get("30")
        return int(count) if count else None

    @property
    def element_string(self) -> str:
        """Human-readable form, ``(01)...(21)...``."""
        return "".join(f"({ai}){value}" for ai, value in self.values.items())

    @property
    def digital_link(self) -> str | None:
        """Canonical GS1 Digital Link URI; ``None`` without a key that may lead one."""
        keys = [ai for ai in (*_KEYS, *_KEYS_WITHOUT_QUALIFIERS) if ai in self.values]
        if not keys:
            return None
        path = [keys[0], *(ai for ai in _QUALIFIERS.get(keys[0], ()) if ai in self.values)]
        query = {ai: self.values[ai] for ai in sorted(self.values) if ai not in path}
        steps = "".join(f"/{ai}/{quote(self.values[ai], safe='')}" for ai in path)
        return f"{DIGITAL_LINK_ORIGIN}{steps}" + (f"?{urlencode(query)}" if query else "")


def with_separators(text: str) -> str:
    """``text`` with real group separators where they were spelt (``{GS}``, ``<FNC1>``, ``^``)."""
    return _SPELT_SEPARATOR.sub(GROUP_SEPARATOR, text)


def parse_element_string(text: str) -> Elements:
    """Element strings, bracketed or with group separators (also spelt ``{GS}``, ``^``, ...).

    Raises ``Gs1Error`` where an application identifier or a value's form is wrong.
    """
    from biip.gs1_messages import GS1Message  # noqa: PLC0415

    text = with_separators(text).strip(GROUP_SEPARATOR)
    if not text.isascii():
        raise Gs1Error(f"GS1 values are plain ASCII, unlike {text!r}")
    if text.startswith("("):
        return _elements(_bracketed(text))
    with _biip_errors():
        return _elements(GS1Message.parse(text, config=_lenient()).element_strings)


def parse_digital_link(text: str) -> Elements:
    """The element strings of an uncompressed GS1 Digital Link URI of any domain.

    Raises ``Gs1Error``.
    """
    from biip.gs1_digital_link_uris import GS1DigitalLinkURI  # noqa: PLC0415

    if not text.isascii():
        raise Gs1Error(f"a Digital Link URI is plain ASCII, unlike {text!r}")
    with _biip_errors():
        return _elements(GS1DigitalLinkURI.parse(text, config=_lenient()).element_strings)


def _bracketed(text: str) -> list[GS1ElementString]:
    from biip import ParseError  # noqa: PLC0415
    from biip.gs1_application_identifiers import GS1ApplicationIdentifier  # noqa: PLC0415
    from biip.gs1_element_strings import GS1ElementString  # noqa: PLC0415

    marks = []
    for mark in _BRACKETED_AI.finditer(text):
        try:
            known = GS1ApplicationIdentifier.extract(mark[1]).ai == mark[1]
        except ParseError:
            known = False
        if known:
            marks.append(mark)
        elif mark.start() == 0:
            raise Gs1Error(f"({mark[1]}) is not a GS1 application identifier")
    if not marks or marks[0].start() != 0:
        raise Gs1Error(f"{text!r} does not begin with a bracketed application identifier")
    found = []
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    with _biip_errors():
        for mark, end in zip(marks, ends, strict=True):
            value = text[mark.end() : end].strip(" \t\r\n" + GROUP_SEPARATOR)
            found.append(GS1ElementString.parse(f"{mark[1]}{value}", config=_lenient()))
    return found


def _elements(found: Iterable[GS1ElementString]) -> Elements:
    values: dict[str, str] = {}
    expiry: str | None = None
    flaws: list[str] = []
    for element in found:
        ai = element.ai.ai
        if ai in values:
            continue
        values[ai] = element.value
        if ai in ("17", "7003") and element.date is None:
            flaws.append(f"({ai}){element.value} is not a date")
        elif ai == "17" or (ai == "7003" and expiry is None):
            expiry = element.date.isoformat() if element.date else None
        flaws += _check_digit_flaw(ai, element.value)
    if not values:
        raise Gs1Error("there is no element string")
    return Elements(values=values, expiry=expiry, flaw="; ".join(flaws) or None)


def _check_digit_flaw(ai: str, value: str) -> list[str]:
    length = 13 if ai.startswith("41") and len(ai) == 3 else _CHECKED.get(ai)
    if length is None or not is_digits(value[:length]):
        return []
    try:
        require_check_digit(value[:length], f"({ai})")
    except Gs1Error as error:
        return [str(error)]
    return []


@contextmanager
def _biip_errors() -> Iterator[None]:
    from biip import ParseError  # noqa: PLC0415

    try:
        yield
    except (ParseError, ValueError) as error:  # urllib's, for a host like `x]y`
        raise Gs1Error(str(error)) from error


def _lenient() -> ParseConfig:
    """Impossible dates do not cost the rest of the code: ``_elements`` reports them as flaws."""
    from biip import ParseConfig  # noqa: PLC0415

    return ParseConfig(gs1_element_strings_verify_date=False)
