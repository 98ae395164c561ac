"""GS1 identifiers: EPC memory, URIs, element strings, Digital Links, GTINs, SSCCs."""

from __future__ import annotations

from gateway.gs1.epc import Epc, decode_epc
from gateway.gs1.epc_encode import encode_epc, sgtin96_hex, sscc96_hex
from gateway.gs1.keys import Gs1Error, check_digit, to_gtin14, to_sscc

__all__ = [
    "Epc",
    "Gs1Error",
    "check_digit",
    "decode_epc",
    "encode_epc",
    "sgtin96_hex",
    "sscc96_hex",
    "to_gtin14",
    "to_sscc",
]
