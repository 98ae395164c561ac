"""GS1 identifiers: EPC memory, URIs, element strings, Digital Links, GTINs, SSCCs."""

from __future__ import annotations

from gateway.gs1.epc import Epc, decode_epc
from gateway.gs1.epc_encode import encode_epc, sgtin96_hex, sscc96_hex
from gateway.gs1.forms import Gs1, parse
from gateway.gs1.keys import Gs1Error, check_digit, to_gtin14, to_sscc
from gateway.gs1.scan import ScanParse, parse_scan

__all__ = [
    "Epc",
    "Gs1",
    "Gs1Error",
    "ScanParse",
    "check_digit",
    "decode_epc",
    "encode_epc",
    "parse",
    "parse_scan",
    "sgtin96_hex",
    "sscc96_hex",
    "to_gtin14",
    "to_sscc",
]
