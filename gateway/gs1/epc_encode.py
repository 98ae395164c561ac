"""Identifiers to EPC memory: the way back of ``gateway.gs1.epc``, for tag writers and emulators."""

from __future__ import annotations

from gateway.gs1.epc import CHARSET_82, PREFIX_BITS, SCHEMES, Scheme
from gateway.gs1.keys import Gs1Error, is_digits, to_gtin14, to_sscc


def encode_epc(
    scheme_name: str,
    *,
    company_prefix: str,
    reference: str,
    serial: str = "",
    filter: int = 0,  # noqa: A002 - the standard's word
) -> str:
    """The EPC as upper-case hexadecimal, padded with zero bits to whole 16-bit words.

    ``reference`` and ``serial`` are as in the URI, but unescaped; schemes without a serial
    take none. Raises ``Gs1Error`` naming what the scheme cannot hold.
    """
    scheme = SCHEMES.get(scheme_name)
    if scheme is None:
        raise Gs1Error(f"EPC scheme {scheme_name!r} is not one of {', '.join(SCHEMES)}")
    if not 0 <= filter <= 7:
        raise Gs1Error(f"a filter value is 0 to 7, not {filter}")
    if not is_digits(company_prefix) or not 6 <= len(company_prefix) <= 12:
        raise Gs1Error(f"a GS1 company prefix has 6 to 12 digits, not {company_prefix!r}")
    partition = 12 - len(company_prefix)
    reference_bits = scheme.key_bits - PREFIX_BITS[partition]
    reference_number = _reference_number(scheme, len(company_prefix), reference, reference_bits)
    number = scheme.header << 3 | filter
    number = number << 3 | partition
    number = number << PREFIX_BITS[partition] | int(company_prefix)
    number = number << reference_bits | reference_number
    number = number << scheme.serial_bits | _serial_number(scheme, serial)
    padding = -scheme.bits % 16
    return f"{number << padding:0{(scheme.bits + padding) // 4}X}"


def _reference_number(scheme: Scheme, prefix_digits: int, reference: str, bits: int) -> int:
    digits = scheme.key_digits - prefix_digits
    if scheme.family != "giai":
        if len(reference) != digits or not (is_digits(reference) or not digits):
            raise Gs1Error(
                f"after a company prefix of {prefix_digits} digits the reference of "
                f"{scheme.family.upper()} has {digits} digits, not {reference!r}"
            )
        return int(reference or "0")
    if scheme.is_text:
        return _text_number(reference, bits, digits)
    return _plain_number(reference, bits)


def _serial_number(scheme: Scheme, serial: str) -> int:
    if scheme.family in ("sscc", "giai"):
        if serial:
            raise Gs1Error(f"{scheme.name} has no serial, but was given {serial!r}")
        return 0
    if scheme.is_text:
        return _text_number(serial, scheme.serial_bits, scheme.serial_bits // 7)
    return _plain_number(serial, scheme.serial_bits)


def _plain_number(text: str, bits: int) -> int:
    if not is_digits(text) or (len(text) > 1 and text[0] == "0") or int(text) >> bits:
        raise Gs1Error(
            f"a 96-bit EPC holds numbers below 2^{bits} without leading zeros, not {text!r}"
        )
    return int(text)


def _text_number(text: str, bits: int, most: int) -> int:
    if not 1 <= len(text) <= most:
        raise Gs1Error(f"1 to {most} characters fit here, not the {len(text)} of {text!r}")
    odd = sorted(set(text) - CHARSET_82)
    if odd:
        raise Gs1Error(f"GS1 does not allow {''.join(odd)!r} in {text!r}")
    number = 0
    for character in text:
        number = number << 7 | ord(character)
    return number << (bits - 7 * len(text))


def sgtin96_hex(gtin: str, company_prefix_length: int, serial: int, filter: int = 1) -> str:  # noqa: A002
    """SGTIN-96 of a GTIN (8 to 14 digits, check digit included) and a serial below 2^38.

    ``filter`` 1 is a point-of-sale item, 2 a full case, 6 a unit load. The company prefix
    length cannot be told from a GTIN: it is the brand owner's to say. Raises ``Gs1Error``.
    """
    gtin14 = to_gtin14(gtin)
    end = 1 + company_prefix_length
    return encode_epc(
        "sgtin-96",
        company_prefix=gtin14[1:end],
        reference=gtin14[0] + gtin14[end:-1],
        serial=str(serial),
        filter=filter,
    )


def sscc96_hex(sscc: str, company_prefix_length: int, filter: int = 2) -> str:  # noqa: A002
    """SSCC-96 of an SSCC (18 digits). ``filter`` 2 is a full case for transport, 6 a unit load."""
    sscc = to_sscc(sscc)
    end = 1 + company_prefix_length
    return encode_epc(
        "sscc-96",
        company_prefix=sscc[1:end],
        reference=sscc[0] + sscc[end:-1],
        filter=filter,
    )
