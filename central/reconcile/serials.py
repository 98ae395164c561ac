"""One piece, many names: what a tag says and what is printed beside it.

A case may carry an EPC in a tag and the same GTIN and serial in a bar code. A label does not tell
how long the company prefix is, nor the tag's filter, so it names a handful of possible tags; a tag
names exactly one label. The name that all carriers of a piece share is its GS1 Digital Link, which
EPCIS 2.0 takes wherever it takes an EPC; what has no GS1 key keeps its EPC as its name.

Once the tag of a piece is known to the ledger, the tag's EPC is its name there, and the label's is
only looked for where no tag was ever seen: so the newest word is always found.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Protocol, runtime_checkable
from urllib.parse import quote, unquote

from gateway.gs1 import Gs1Error, decode_epc, encode_epc, to_gtin14, to_sscc

__all__ = [
    "Placed",
    "Searchable",
    "gtin_of",
    "names_of_label",
    "names_pieces",
    "of_contents",
    "of_label",
    "of_unit",
    "places_of",
    "serial_in",
    "serial_of",
    "whereabouts",
]

_ORIGIN = "https://id.gs1.org"
_CONTENTS = "/contents/"
_SERIAL = "/21/"
_PREFIX_LENGTHS = range(6, 13)
_FILTERS = range(8)
_MOST_NUMERIC = 2**38
"""Serials of SGTIN-96 are below this, without leading zeros (GS1 TDS)."""


@runtime_checkable
class Searchable(Protocol):
    """Places that can be asked about many names at once."""

    def among(self, names: Iterable[str]) -> Mapping[str, str]:
        """Where those of the names are that are anywhere."""
        ...


class Placed(Mapping[str, str]):
    """Where tags are: first as told, then as it was before."""

    def __init__(self, moved: dict[str, str], placed: Mapping[str, str]) -> None:
        self._moved, self._placed = moved, placed

    def __getitem__(self, epc: str) -> str:
        return self._moved.get(epc) or self._placed[epc]

    def among(self, names: Iterable[str]) -> dict[str, str]:
        """Where those of the names are that are anywhere."""
        wanted = list(names)
        rest = [name for name in wanted if name not in self._moved]
        known = {name: self._moved[name] for name in wanted if name in self._moved}
        return {**_among(rest, self._placed), **known}

    def __iter__(self) -> Iterator[str]:
        return iter(set(self._moved).union(self._placed))

    def __len__(self) -> int:
        return len(set(self._moved).union(self._placed))


def of_label(gtin: str, serial: str) -> str:
    """The name of a piece with this GTIN (14 digits) and serial."""
    return f"{_ORIGIN}/01/{gtin}{_SERIAL}{quote(serial, safe='')}"


def of_unit(sscc: str) -> str:
    """The name of a logistic unit; raises ``Gs1Error`` when it is no SSCC (18 digits)."""
    return f"{_ORIGIN}/00/{to_sscc(sscc)}"


def of_contents(unit: str, sku: str, lot: str) -> str:
    """The name of what is of one item in a unit, where its pieces have none: received once."""
    return f"{unit}{_CONTENTS}{quote(sku, safe='')}/{quote(lot, safe='')}"


def contents_of(unit: str) -> str:
    """How the names of what is in a unit begin."""
    return unit + _CONTENTS


def unit_in(names: Sequence[str]) -> str | None:
    """The one unit whose contents, in pieces without a name, all of these are."""
    units = {name.partition(_CONTENTS)[0] for name in names if _CONTENTS in name}
    every = all(_CONTENTS in name for name in names)
    return units.pop() if every and len(units) == 1 else None


def names_pieces(epcs: Iterable[str]) -> bool:
    """Whether any of these names single pieces."""
    return any(_CONTENTS not in epc for epc in epcs)


@lru_cache(maxsize=65_536)
def serial_of(epc: str) -> str:
    """The name that all carriers of this piece share; an EPC without a GS1 key is its own."""
    if epc.startswith(_ORIGIN) or _CONTENTS in epc:
        return epc
    told = decode_epc(epc)
    if told.gtin and told.serial:
        return of_label(told.gtin, told.serial)
    return f"{_ORIGIN}/00/{told.sscc}" if told.sscc else epc


def serial_in(name: str) -> str:
    """The serial number in an EPC or in a label's Digital Link; empty when there is none."""
    return unquote(serial_of(name).partition(_SERIAL)[2])


def gtin_of(name: str) -> str:
    """The GTIN in an EPC or in a label's Digital Link; empty when there is none."""
    if "/01/" in name:
        return name.partition("/01/")[2][:14]
    return decode_epc(name).gtin or "" if "/" not in name else ""


@lru_cache(maxsize=4_096)
def names_of_label(gtin: str, serial: str) -> tuple[str, ...]:
    """Every tag that this label may stand beside, and last the label's own name."""
    numeric = serial.isascii() and serial.isdecimal() and str(int(serial)) == serial
    scheme = "sgtin-96" if numeric and int(serial) < _MOST_NUMERIC else "sgtin-198"
    digits = to_gtin14(gtin)
    found = []
    for length in _PREFIX_LENGTHS:
        prefix, reference = digits[1 : 1 + length], digits[0] + digits[1 + length : -1]
        for tag_filter in _FILTERS:
            try:
                epc = encode_epc(
                    scheme,
                    company_prefix=prefix,
                    reference=reference,
                    serial=serial,
                    filter=tag_filter,
                )
            except Gs1Error:
                break  # a serial that no tag can carry: the label stands alone
            found.append(epc)
    return (*found, of_label(digits, serial))


def places_of(epcs: Iterable[str], placed: Mapping[str, str]) -> dict[str, str]:
    """Where those of the tags are whose piece is anywhere, by tag or by the label beside it."""
    tags = list(epcs)
    found = _among([*tags, *map(serial_of, tags)], placed)
    answer = {}
    for epc in tags:
        place = found.get(epc) or found.get(serial_of(epc))
        if place is not None:
            answer[epc] = place
    return answer


def whereabouts(names: Iterable[str], placed: Mapping[str, str]) -> tuple[str, str] | None:
    """The first of the names that is anywhere, and where; ``None`` when none is."""
    wanted = tuple(names)
    found = _among(wanted, placed)
    return next(((name, found[name]) for name in wanted if name in found), None)


def _among(names: Iterable[str], placed: Mapping[str, str]) -> Mapping[str, str]:
    """One question where the places are far away, a look at each where they are at hand."""
    if isinstance(placed, Searchable):
        return placed.among(names)
    return {name: placed[name] for name in names if name in placed}
