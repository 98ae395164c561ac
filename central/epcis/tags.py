"""The bits that a tag may have whose EPC is asked for by a URI. Pure.

A Digital Link does not say how long the company prefix is, and no URI says the filter value: all
there can be are named, and looked for by an index.
"""

from __future__ import annotations

from collections.abc import Iterator

from central.epcis.identifiers import canonical, gtin_of
from gateway.gs1.epc_encode import encode_epc
from gateway.gs1.forms import parse
from gateway.gs1.keys import Gs1Error

__all__ = ["hex_forms"]

_PREFIXES = range(6, 13)
_FILTERS = range(8)
_SSCC = "https://id.gs1.org/00/"


def hex_forms(uri: str) -> set[str]:
    """Upper-case hexadecimal; empty for what no tag of ours carries."""
    if uri.startswith("urn:epc:raw:"):
        return {uri.rpartition(".x")[2].upper()}
    found = set(_known(uri))
    link, named = canonical(uri), gtin_of(uri)
    if named is not None and named[2]:
        gtin, _, serial = named
        for scheme in ("sgtin-96", "sgtin-198"):
            for cut in _PREFIXES:
                found.update(
                    _coded(scheme, gtin[1 : 1 + cut], gtin[0] + gtin[1 + cut : 13], serial)
                )
    elif link.startswith(_SSCC):
        digits = link.removeprefix(_SSCC)
        for cut in _PREFIXES:
            found.update(
                _coded("sscc-96", digits[1 : 1 + cut], digits[0] + digits[1 + cut : 17], "")
            )
    return found


def _known(uri: str) -> Iterator[str]:
    try:
        bits = parse(uri).hex
    except Gs1Error:
        return
    if bits is not None:
        yield bits


def _coded(scheme: str, prefix: str, reference: str, serial: str) -> Iterator[str]:
    for value in _FILTERS:
        try:
            yield encode_epc(
                scheme, company_prefix=prefix, reference=reference, serial=serial, filter=value
            )
        except Gs1Error:
            return
