"""What is known of the things that labels are of: fields, asked of the slices that own them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from sqlalchemy import Connection

from central.catalogue.items import get_item
from central.catalogue.packs import list_packs
from central.catalogue.tree import Location, get_location, list_locations, path_of
from central.catalogue.warehouses import get_warehouse
from central.labels.model import Kind, LabelRefused, NoSuchLabel, Subject
from central.lots import store as lots
from central.orders import packing, shipping, store
from central.orders.model import Order
from central.orders.packing import Carton
from central.stock.model import OutOfReach
from gateway.command_codes import CodeError, place_code
from gateway.gs1.forms import parse
from gateway.gs1.keys import Gs1Error, check_digit, is_digits, to_gtin14, to_sscc

__all__ = ["MOST_PLACES", "fields_of", "places_within"]

MOST_PLACES = 1_000
_ADDRESS = (
    ("name", "recipient"), ("company", "organisation", "organization"), ("street", "address"),
    ("street2", "address2"), ("postcode", "postal_code", "zip"), ("city", "town"),
    ("region", "state", "county"), ("country",),
)  # fmt: skip
"""Words that orders' addresses use, in the order of lines; postcode and city share one."""
_PRIVATE = ("phone", "telephone", "email", "mail")


def fields_of(
    conn: Connection, kind: Kind, one: Subject, glns: Mapping[str, str]
) -> dict[str, str]:
    """What a template of this kind may name. ``glns`` are the GS1 names of places (see
    ``central.config.EpcisSection``). Raises ``LabelRefused``, and what the slices raise.
    """
    match kind:
        case "item":
            return _item(conn, one)
        case "lot":
            _needed(kind, one, "sku", "lot")
            return _item(conn, one) | _lot(conn, one.sku, one.lot)
        case "serial":
            _needed(kind, one, "sku", "serial")
            found = _item(conn, one) | {"serial": one.serial}
            return found | (_lot(conn, one.sku, one.lot) if one.lot else {})
        case "place":
            return _place(conn, one, glns)
        case "asset":
            return _asset(one)
        case "logistic" | "shipping":
            return _unit(conn, kind, one)


def places_within(conn: Connection, code: str, types: Sequence[str]) -> list[Subject]:
    """The places of these types within a place, all that hold nothing else within without types;
    by code. Raises ``NotFound``, ``OutOfReach``, ``LabelRefused``.
    """
    get_location(conn, code)
    found = [one.location for one in list_locations(conn, under=code, limit=10 * MOST_PLACES)]
    parents = {one.parent for one in found}
    wanted = [
        one for one in found
        if one.status == "active" and (one.type in types if types else one.code not in parents)
    ]  # fmt: skip
    if not wanted:
        raise NoSuchLabel(f"no place within {code} is of type {', '.join(types) or 'any'}")
    if len(wanted) > MOST_PLACES:
        raise LabelRefused(f"{len(wanted)} places lie within {code}, print {MOST_PLACES} at most")
    return [Subject(place=one.code) for one in wanted]


def _needed(kind: Kind, one: Subject, *names: str) -> None:
    lacking = [name for name in names if not getattr(one, name)]
    if lacking:
        raise LabelRefused(f"a label of kind {kind} needs {' and '.join(lacking)}")


def _item(conn: Connection, one: Subject) -> dict[str, str]:
    _needed("item", one, "sku")
    item = get_item(conn, one.sku)
    packs = {pack.gtin: pack.quantity for pack in list_packs(conn, one.sku)}
    if one.gtin:
        gtin = _gtin(one.gtin)
        if gtin not in packs:
            raise LabelRefused(f"GTIN {gtin} is not one of {one.sku}: {', '.join(packs) or 'none'}")
    else:
        units = one.quantity or 1
        gtin = next((each for each, held in packs.items() if held == units), "")
    return {
        "sku": item.sku,
        "name": item.name,
        "gtin": gtin,
        "quantity": str(packs.get(gtin, one.quantity or 1)),
        "unit": item.unit,
        "category": item.category,
    }


def _gtin(text: str) -> str:
    try:
        return to_gtin14(text)
    except Gs1Error as error:
        raise LabelRefused(str(error)) from error


def _lot(conn: Connection, sku: str, name: str) -> dict[str, str]:
    known = lots.find(conn, sku, name)
    found = {"lot": name}
    if known is not None:
        found |= {"supplier_lot": known.supplier_lot}
        found |= _day("expires", known.expires_on) | _day("made", known.made_on)
    return found


def _day(name: str, day: date | None) -> dict[str, str]:
    if day is None:
        return {}
    return {name: day.isoformat(), f"{name}_yymmdd": f"{day:%y%m%d}"}


def _place(conn: Connection, one: Subject, glns: Mapping[str, str]) -> dict[str, str]:
    _needed("place", one, "place")
    place = get_location(conn, one.place)
    found = {
        "code": place.code,
        "name": "" if place.name == place.code else place.name,
        "type": place.type,
        "parent": place.parent or "",
        "path": " > ".join(path_of(conn, place)),
        "floor_code": _floor_code(place),
    }
    if place.code not in glns:
        return found
    try:
        # The element string of a Digital Link or an SGLN: (414) and, with an extension, (254).
        elements = (parse(glns[place.code]).element_string or "").removeprefix("(414)")
    except Gs1Error:
        return found  # a name of another kind than GS1's
    gln, _, extension = elements.partition("(254)")
    return found | ({"gln": gln, "gln_extension": extension} if is_digits(gln) else {})


def _floor_code(place: Location) -> str:
    try:
        return place_code(place.code)
    except CodeError:
        return ""


def _asset(one: Subject) -> dict[str, str]:
    _needed("asset", one, "grai")
    payload = one.grai[-13:]
    if not is_digits(one.grai) or len(one.grai) not in (13, 14) or one.grai[:-13] not in ("", "0"):
        raise LabelRefused(f"a GRAI without serial has 13 digits, not {one.grai!r}")
    if check_digit(payload[:-1]) != payload[-1]:
        raise LabelRefused(
            f"the check digit of GRAI {one.grai} should be {check_digit(payload[:-1])}"
        )
    return {"grai": "0" + payload, "serial": one.serial, "name": one.name}


def _unit(conn: Connection, kind: Kind, one: Subject) -> dict[str, str]:
    _needed(kind, one, "sscc")
    try:
        number = to_sscc(one.sscc)
    except Gs1Error as error:
        raise LabelRefused(str(error)) from error
    carton = packing.find(conn, number)
    if carton is None and kind == "shipping":
        raise NoSuchLabel(f"no order has a carton {number}")
    if carton is None:
        return {"sscc": number} | _content(conn, one)
    order = store.get(conn, carton.order_id)
    return {"sscc": number} | _packed(conn, carton, order) | _journey(conn, carton, order)


def _content(conn: Connection, one: Subject) -> dict[str, str]:
    """What somebody says is in a logistic unit that no order knows."""
    if not one.sku:
        return {"content_name": one.name} if one.name else {}
    if not one.quantity:
        raise LabelRefused(f"say how many of {one.sku} are in it (quantity)")
    return _units(conn, one.sku, one.quantity, one.lot)


def _units(conn: Connection, sku: str, units: int, lot: str) -> dict[str, str]:
    item = _item(conn, Subject(sku=sku))
    found = {"content_name": item["name"], "contents": f"{units} x {sku}  {item['name']}"}
    if item["gtin"]:
        found |= {"content_gtin": item["gtin"], "content_count": str(units)}
    if lot:
        found |= {f"content_{name}": value for name, value in _lot(conn, sku, lot).items()}
    return found


def _packed(conn: Connection, carton: Carton, order: Order) -> dict[str, str]:
    lines = {line.line: line for line in order.lines}
    goods = [
        (lines[part.line].sku, part.quantity, lines[part.line].lot) for part in carton.contents
    ]
    if len({(sku, lot) for sku, _, lot in goods}) == 1:
        sku, _, lot = goods[0]
        return _units(conn, sku, sum(units for _, units, _ in goods), lot)
    return {
        "contents": "\n".join(f"{units} x {sku}  {get_item(conn, sku).name}"
                              for sku, units, _ in goods)
    }  # fmt: skip


def _journey(conn: Connection, carton: Carton, order: Order) -> dict[str, str]:
    shipment = shipping.get(conn, carton.shipment) if carton.shipment else None
    mates = sorted(
        one.sscc for one in packing.cartons_of(conn, order.id) if one.shipment == carton.shipment
    )
    found = {
        "order": order.id,
        "reference": order.reference,
        "from": _sender(conn, order),
        "carton": str(mates.index(carton.sscc) + 1),
        "cartons": str(len(mates)),
        **_addressee(order),
    }
    if shipment is not None:
        found |= {
            "shipment": shipment.id, "carrier": shipment.carrier, "service": shipment.service,
            "tracking": shipment.tracking,
        }  # fmt: skip
    return found


def _sender(conn: Connection, order: Order) -> str:
    """The warehouse's name and address; nothing for who may not look at the whole warehouse."""
    try:
        root = path_of(conn, get_location(conn, order.warehouse))[0]
        warehouse = get_warehouse(conn, root)
    except OutOfReach:
        return ""
    lines = [warehouse.name, *warehouse.address.replace(", ", "\n").split("\n")]
    return "\n".join(line for line in lines if line.strip())


def _addressee(order: Order) -> dict[str, str]:
    left = {name.lower(): said.strip() for name, said in order.ship_to.items()}
    parts = []
    for names in _ADDRESS:
        taken = [left.pop(name) for name in names if name in left]
        parts.append(taken[0] if taken else "")
    town = f"{parts[4]} {parts[5]}".strip()
    others = [said for name, said in left.items() if name not in _PRIVATE]
    lines = [*parts[:4], *others, town, *parts[6:]]
    if parts[0].lower() != order.customer.lower():
        lines.insert(0, order.customer)
    return {
        "to": "\n".join(line for line in lines if line),
        "postcode": "".join(parts[4].split()),
        "country": parts[7],
    }
