"""Any written form of a GS1 identifier to all its other forms (``tallyport gs1 parse``).

What a text is, is decided in this order: an AIM identifier (``]C1``...), a URI, brackets, a
GTIN or SSCC with the right check digit, an EPC of a known header, an element string, and at
last an EPC nobody knows (``raw``). A form that cannot be derived without guessing stays
``None``. Two conventions fill what a form leaves open:

* The length of the company prefix is in an EPC and in its URIs, but not in a GTIN, an
  element string or a Digital Link: those give no ``uri``, ``tag_uri`` or ``hex``.
* A pure identity URI names neither coding nor filter: it is shown in the shortest coding
  that holds it, with filter 0 (all others).
"""

from __future__ import annotations

import re
from urllib.parse import unquote

import msgspec

from gateway.gs1.elements import Elements, parse_digital_link, parse_element_string
from gateway.gs1.epc import SCHEMES, Epc, decode_epc
from gateway.gs1.epc_encode import encode_epc
from gateway.gs1.keys import (
    Gs1Error,
    is_digits,
    is_gtin,
    is_sscc,
    refuse_mistyped_key,
    to_gtin14,
)
from gateway.gs1.scan import parse_scan
from gateway.gs1.symbologies import ELEMENT_SYMBOLOGIES

_HEX_GROUPS = re.compile(r"(?:0x)?[0-9A-F]+(?:[ :-][0-9A-F]+)*", re.IGNORECASE)
_FEWEST_RAW_DIGITS = 16
"""A raw EPC must have so many hexadecimal digits (64 bits), ..."""
_FEWEST_RAW_DIGITS_DECIMAL = 24
"""... and more when they are all decimal and may be a mistyped key."""

_SCHEME_OF_KEY = {
    "00": "sscc",
    "01": "gtin",
    "8003": "grai",
    "8004": "giai",
    "414": "gln",
    "02": "gtin",
}
"""Which key leads an element string, the foremost first."""


class Gs1(msgspec.Struct, frozen=True, kw_only=True):
    """One identifier in every form that is known of it.

    ``scheme`` is an EPC scheme (``sgtin-96``...), ``lgtin``, the leading GS1 key of an element
    string (``gtin``, ``sscc``, ``gln``, ``grai``, ``giai``), ``elements`` where no key leads, or
    ``raw``. ``gtin`` has 14 digits, ``expiry`` is an ISO date, ``element_string`` is bracketed.
    """

    scheme: str
    uri: str | None = None
    tag_uri: str | None = None
    gtin: str | None = None
    sscc: str | None = None
    serial: str | None = None
    lot: str | None = None
    expiry: str | None = None
    element_string: str | None = None
    digital_link: str | None = None
    hex: str | None = None


def parse(text: str) -> Gs1:
    """Read ``text`` in whatever form it is; raises ``Gs1Error`` saying why it is none."""
    text = text.strip(" \t\r\n")
    if not text:
        raise Gs1Error("there is nothing to read: give an EPC, a URI, a barcode's text or a GTIN")
    if text.startswith("]"):
        return _of_scan(text)
    lower = text.lower()
    if lower.startswith("urn:"):
        return _of_urn(text)
    if lower.startswith(("http://", "https://")):
        return _of_elements(parse_digital_link(text))
    if text.startswith("("):
        return _of_elements(parse_element_string(text))
    return _of_plain(text)


def _of_scan(text: str) -> Gs1:
    symbology, content = text[:3], text[3:]
    if symbology in ELEMENT_SYMBOLOGIES and not content.lower().startswith("http"):
        return _of_elements(parse_element_string(content))
    scan = parse_scan(text)
    if scan.error is not None:
        raise Gs1Error(scan.error)
    if scan.elements:
        return _of_elements(parse_digital_link(content))
    return _of_elements(Elements(values={"01": scan.gtin or ""}))


def _of_plain(text: str) -> Gs1:
    compact = re.sub(r"[\s-]", "", text)
    if is_gtin(compact):
        return _of_elements(Elements(values={"01": to_gtin14(compact)}))
    if is_sscc(compact):
        return _of_elements(Elements(values={"00": compact}))
    digits = _hex_digits(text)
    if digits is not None:
        epc = decode_epc(digits)
        if epc.scheme != "raw":
            return _of_epc(epc)
    refuse_mistyped_key(compact)
    try:
        return _of_elements(parse_element_string(text))
    except Gs1Error as error:
        if digits is not None and _may_be_raw(digits):
            return _of_epc(decode_epc(digits))
        raise Gs1Error(
            f"{text!r} is no EPC, URI, element string, Digital Link, GTIN or SSCC ({error})"
        ) from error


def _hex_digits(text: str) -> str | None:
    if not _HEX_GROUPS.fullmatch(text):
        return None
    return re.sub(r"[ :-]", "", text.lower().removeprefix("0x")).upper()


def _may_be_raw(digits: str) -> bool:
    fewest = _FEWEST_RAW_DIGITS_DECIMAL if digits.isdigit() else _FEWEST_RAW_DIGITS
    return len(digits) >= fewest and len(digits) % 4 == 0


def _of_elements(elements: Elements) -> Gs1:
    if elements.flaw is not None:
        raise Gs1Error(elements.flaw)
    schemes = [scheme for ai, scheme in _SCHEME_OF_KEY.items() if ai in elements.values]
    return Gs1(
        scheme=schemes[0] if schemes else "elements",
        gtin=elements.gtin,
        sscc=elements.sscc,
        serial=elements.serial,
        lot=elements.lot,
        expiry=elements.expiry,
        element_string=elements.element_string,
        digital_link=elements.digital_link,
    )


def _of_epc(epc: Epc) -> Gs1:
    values: dict[str, str] = {}
    if epc.gtin is not None:
        values = {"01": epc.gtin, "21": epc.serial or ""}
    elif epc.sscc is not None:
        values = {"00": epc.sscc}
    elif epc.gln is not None:
        # Extension 0 says by the standard that there is none.
        extension = {} if epc.serial in (None, "0") else {"254": epc.serial}
        values = {"414": epc.gln, **extension}
    elif epc.grai is not None:
        values = {"8003": epc.grai + (epc.serial or "")}
    elif epc.giai is not None:
        values = {"8004": epc.giai}
    elements = Elements(values=values)
    return Gs1(
        scheme=epc.scheme,
        uri=epc.uri,
        tag_uri=epc.tag_uri,
        gtin=epc.gtin,
        sscc=epc.sscc,
        serial=epc.serial,
        element_string=elements.element_string or None,
        digital_link=elements.digital_link,
        hex=epc.hex,
    )


def _of_urn(text: str) -> Gs1:
    parts = text.split(":", 4)
    kind = [part.lower() for part in parts[:4]]
    if kind[:3] == ["urn", "epc", "raw"] and len(parts) == 4:
        return _of_raw_urn(parts[3])
    if len(parts) != 5 or kind[:2] != ["urn", "epc"]:
        raise Gs1Error(f"{text!r} is not an EPC URI: those begin with urn:epc:id: or urn:epc:tag:")
    if kind[2:] == ["class", "lgtin"]:
        return _of_lgtin(parts[4])
    if kind[2] == "tag":
        return _of_tag_uri(kind[3], parts[4])
    if kind[2] == "id":
        return _of_pure_identity(kind[3], parts[4])
    raise Gs1Error(f"EPC URIs of the kind {kind[2]!r} name no single identifier that we know")


def _of_raw_urn(body: str) -> Gs1:
    bits, _, digits = body.partition(".")
    if not is_digits(bits) or digits[:1].lower() != "x" or not _HEX_GROUPS.fullmatch(digits[1:]):
        raise Gs1Error(f"a raw EPC URI looks like urn:epc:raw:96.x3034..., not {body!r}")
    return _of_epc(decode_epc(digits[1:].upper()))


def _of_tag_uri(scheme: str, body: str) -> Gs1:
    tag_filter, _, rest = body.partition(".")
    if not is_digits(tag_filter):
        raise Gs1Error(f"a tag URI has its filter value before the first dot, not {tag_filter!r}")
    return _of_epc(_coded(scheme, int(tag_filter), rest))


def _of_pure_identity(family: str, body: str) -> Gs1:
    codings = [name for name, scheme in SCHEMES.items() if scheme.family == family]
    if not codings:
        known = sorted({scheme.family for scheme in SCHEMES.values()})
        raise Gs1Error(f"EPC scheme {family!r} is not one of {', '.join(known)}")
    for coding in codings[:-1]:  # the 96-bit one first
        try:
            return _of_epc(_coded(coding, 0, body))
        except Gs1Error:
            continue  # the serial needs text: the long coding says what it thinks
    return _of_epc(_coded(codings[-1], 0, body))


def _coded(scheme_name: str, tag_filter: int, body: str) -> Epc:
    family = scheme_name.partition("-")[0]
    wanted = 2 if family in ("sscc", "giai") else 3
    fields = body.split(".", wanted - 1)
    if len(fields) != wanted:
        raise Gs1Error(
            f"{family} URIs have {wanted} fields between dots from the company prefix on, "
            f"but {body!r} has {len(fields)}"
        )
    prefix, reference, *serial = (unquote(field) for field in fields)
    return decode_epc(
        encode_epc(
            scheme_name,
            company_prefix=prefix,
            reference=reference,
            serial="".join(serial),
            filter=tag_filter,
        )
    )


def _of_lgtin(body: str) -> Gs1:
    prefix, _, rest = body.partition(".")
    reference, _, lot = rest.partition(".")
    # Same digits as an SGTIN: let its encoder judge them.
    epc = _coded("sgtin-96", 0, f"{prefix}.{reference}.0")
    elements = Elements(values={"01": epc.gtin or "", "10": unquote(lot)})
    if not elements.lot:
        raise Gs1Error(f"an LGTIN has a lot after the second dot, unlike {body!r}")
    return Gs1(
        scheme="lgtin",
        uri=f"urn:epc:class:lgtin:{body}",
        gtin=epc.gtin,
        lot=elements.lot,
        element_string=elements.element_string,
        digital_link=elements.digital_link,
    )
