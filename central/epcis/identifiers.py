"""GS1 identifiers in one form: the canonical Digital Link, whatever a sender wrote. Pure.

EPC URNs (TDS 1.13) and Digital Links of any domain name the same things; EPCIS asks that both match
(CBV 2.0, 8.9 gives the conversions that event hashes need).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import quote, unquote

from gateway.gs1.keys import check_digit

__all__ = ["canonical", "class_link", "gtin_of"]

_ORIGIN = "https://id.gs1.org"
_LINK = re.compile(
    r"https?://[^/?#]+(?:/[^?#]*?)?(/(?:00|01|253|255|401|402|414|417|8003|8004|8006|8010|8017|8018)"
    r"/[^?#]+)(?:[?#].*)?"
)
_GTIN = re.compile(r"https://id\.gs1\.org/01/(\d{14})(?:/10/([^/]+))?(?:/21/([^/]+))?")


def _checked(digits: str) -> str:
    return digits + check_digit(digits)


def _gtin(prefix: str, reference: str) -> str:
    return _checked(reference[:1] + prefix + reference[1:])


def _text(part: str) -> str:
    return quote(unquote(part), safe="")


def _itip(parts: list[str]) -> str:
    return f"/8006/{_gtin(parts[0], parts[1])}{parts[2]}{parts[3]}"


def _instance(key: Callable[[list[str]], str], qualifier: str) -> Callable[[list[str]], str]:
    """A key, and its last part behind it."""
    return lambda parts: f"{key(parts)}{qualifier}{_text(parts[-1])}"


def _trade(parts: list[str]) -> str:
    return f"/01/{_gtin(parts[0], parts[1])}"


def _asset(parts: list[str]) -> str:
    return "/8003/" + _checked(f"0{parts[0]}{parts[1]}")


def _key(ai: str) -> Callable[[list[str]], str]:
    return lambda parts: f"/{ai}/{_checked(parts[0] + parts[1])}"


def _plain(ai: str) -> Callable[[list[str]], str]:
    return lambda parts: f"/{ai}/{parts[0]}{_text(parts[1])}"


def _place(parts: list[str]) -> str:
    location = _key("414")(parts)
    return location if parts[2] == "0" else f"{location}/254/{_text(parts[2])}"


_FORMS: dict[str, tuple[int, Callable[[list[str]], str]]] = {
    "id:sgtin": (3, _instance(_trade, "/21/")),
    "id:upui": (3, _instance(_trade, "/235/")),
    "id:sscc": (2, lambda parts: f"/00/{_gtin(parts[0], parts[1])}"),
    "id:sgln": (3, _place),
    "id:pgln": (2, _key("417")),
    "id:grai": (3, _instance(_asset, "")),
    "id:giai": (2, _plain("8004")),
    "id:gsrn": (2, _key("8018")),
    "id:gsrnp": (2, _key("8017")),
    "id:gdti": (3, _instance(_key("253"), "")),
    "id:sgcn": (3, _instance(_key("255"), "")),
    "id:cpi": (3, _instance(_plain("8010"), "/8011/")),
    "id:ginc": (2, _plain("401")),
    "id:gsin": (2, _key("402")),
    "id:itip": (5, _instance(_itip, "/21/")),
    "class:lgtin": (3, _instance(_trade, "/10/")),
    "idpat:sgtin": (3, _trade),
    "idpat:upui": (3, _trade),
    "idpat:grai": (3, _asset),
    "idpat:gdti": (3, _key("253")),
    "idpat:sgcn": (3, _key("255")),
    "idpat:cpi": (3, _plain("8010")),
    "idpat:itip": (5, _itip),
}
"""Scheme: how many parts its body has, and what path they make."""


def canonical(uri: str) -> str:
    """The canonical Digital Link of a GS1 identifier; anything else as it is."""
    link = _LINK.fullmatch(uri)
    if link is not None:
        return _ORIGIN + link[1]
    pieces = uri.split(":", 4)
    if len(pieces) != 5 or [one.lower() for one in pieces[:2]] != ["urn", "epc"]:
        return uri
    wanted, path = _FORMS.get(":".join(pieces[2:4]).lower(), (0, None))
    parts = pieces[4].split(".", wanted - 1) if wanted else []
    if not all(parts):
        return uri
    numeric = "".join(parts[:2] if pieces[3] not in {"giai", "cpi", "ginc"} else parts[:1])
    if path is None or len(parts) != wanted or not (numeric.isascii() and numeric.isdigit()):
        return uri
    return _ORIGIN + path(parts)


def gtin_of(uri: str) -> tuple[str, str, str] | None:
    """GTIN, lot and serial number that a URI names (empty where it names none)."""
    found = _GTIN.fullmatch(canonical(uri))
    if found is None:
        return None
    gtin, lot, serial = found.groups()
    return gtin, unquote(lot or ""), unquote(serial or "")


def class_link(gtin: str, lot: str) -> str:
    """The Digital Link of a trade item, or of a lot of it."""
    return f"{_ORIGIN}/01/{gtin}" + (f"/10/{quote(lot, safe='')}" if lot else "")
