"""What feeds are called, and how people's words find them."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, or_, select

from central import schema
from central.access import reach
from central.api.problems import Problem
from central.insight.points import Field, field_of, shown_fields
from central.insight.series import Word
from central.insight.windows import Fold
from central.stock.model import OutOfReach

__all__ = [
    "Key",
    "Names",
    "check",
    "in_order",
    "key_of",
    "names_of",
    "reached",
    "read_key",
    "told",
    "words_of",
]  # fmt: skip

GROUPS = {
    "antenna": "Antennas", "plate": "Plates", "stock": "Stock", "movement": "Movements",
    "device": "Devices",
}  # fmt: skip
_device = schema.device.c
_NAMED_MOST = 50
"""So many items or devices a word of a name stands for."""


class Key(NamedTuple):
    """One field of one feed."""

    measurement: str
    tags: Mapping[str, str]
    field: str

    @property
    def shown(self) -> Field:
        """How it is shown."""
        return field_of(self.measurement, self.field)


class Names(NamedTuple):
    """What the books call what feeds are tagged with."""

    items: Mapping[str, str]
    read_points: Mapping[str, str]
    """By device."""


_decode_key = msgspec.json.Decoder(tuple[str, dict[str, str], str]).decode


def key_of(key: Key) -> str:
    """The key as one word for addresses."""
    return json.dumps([key.measurement, dict(key.tags), key.field], sort_keys=True)


def read_key(text: str) -> Key:
    """Raises ``Problem`` 422 for what is no key."""
    try:
        measurement, tags, field = _decode_key(text)
    except (msgspec.DecodeError, ValueError) as error:
        raise Problem(422, "`feed` must be a `key` of /series/feeds") from error
    if measurement not in GROUPS:
        raise Problem(422, "`feed` must be a `key` of /series/feeds")
    return Key(measurement, tags, field)


def words_of(conn: Connection, search: str) -> list[Word]:
    """What each word of a search stands for: itself, quantities, items and read points by name."""
    return [_word(conn, text) for text in search.lower().split()[:6]]


def _word(conn: Connection, text: str) -> Word:
    item, device = schema.item.c, schema.device.c
    named = select(item.sku).where(item.name.icontains(text, autoescape=True)).limit(_NAMED_MOST)
    standing = select(device.device).where(
        or_(
            device.read_point.icontains(text, autoescape=True),
            device.model.icontains(text, autoescape=True),
        )
    )
    tags = {("sku", sku) for sku in conn.execute(named).scalars()}
    tags |= {("device", name) for name in conn.execute(standing.limit(_NAMED_MOST)).scalars()}
    fields = {
        (measurement, field)
        for measurement, field, shown in shown_fields()
        if text in f"{GROUPS[measurement]} {shown.label} {shown.unit}".lower()
    }
    return Word(text=text, tags=frozenset(tags), fields=frozenset(fields))


def reached(conn: Connection, keys: Sequence[Key]) -> list[Key]:
    """Those that are measured within reach: of stock at its place, of a plate at its read point, of
    a device or an antenna at the device's. What names none of these is measured nowhere.
    """
    if reach.within(_device.read_point) is None:
        return list(keys)
    places = reach.among(conn, {one.tags["location"] for one in keys if "location" in one.tags})
    points = _points(conn, {one.tags["read_point"] for one in keys if "read_point" in one.tags})
    devices = _devices(conn, {one.tags["device"] for one in keys if "device" in one.tags})
    return [
        one for one in keys
        if _all_of(one.tags, location=places, read_point=points, device=devices)
    ]  # fmt: skip


def check(conn: Connection, keys: Sequence[Key]) -> None:
    """Raises ``OutOfReach`` where one of some feeds is not measured within reach."""
    if len(reached(conn, keys)) != len(keys):
        raise OutOfReach("not all of these are measured at places that you were granted this for")


def _all_of(tags: Mapping[str, str], **within: Collection[str]) -> bool:
    said = [name for name in within if name in tags]
    return bool(said) and all(tags[name] in within[name] for name in said)


def _points(conn: Connection, codes: Collection[str]) -> set[str]:
    """Those of some read points that are within reach."""
    point = schema.read_point.c.code
    granted = reach.at(point)
    assert granted is not None, "asked only on behalf of somebody"
    return set(conn.execute(select(point).where(point.in_(codes), granted)).scalars())


def _devices(conn: Connection, names: Collection[str]) -> set[str]:
    """Those of some devices all of whose name stand within reach."""
    granted = reach.at(_device.read_point)
    assert granted is not None, "asked only on behalf of somebody"
    named = select(_device.device).where(_device.device.in_(names))
    here = set(conn.execute(named.where(granted)).scalars())
    return here - set(conn.execute(named.where(~granted)).scalars())


def names_of(conn: Connection, keys: Iterable[Key]) -> Names:
    """The names of the items and the read points of the devices that feeds are about."""
    known = list(keys)
    skus = {one.tags["sku"] for one in known if "sku" in one.tags}
    devices = {one.tags["device"] for one in known if "device" in one.tags}
    item, device = schema.item.c, schema.device.c
    items = conn.execute(select(item.sku, item.name).where(item.sku.in_(skus)))
    points = conn.execute(
        select(device.device, device.read_point).where(device.device.in_(devices))
    )
    return Names(dict(items.all()), dict(points.all()))


def told(key: Key, names: Names) -> dict[str, object]:
    """One feed for an answer: ``label`` says all in one line, ``title`` and ``place`` in two."""
    shown, tags = key.shown, key.tags
    device = tags.get("device", "")
    read_point = tags.get("read_point") or names.read_points.get(device, "")
    sku = tags.get("sku", "")
    return {
        "key": key_of(key),
        "group": GROUPS[key.measurement],
        "label": f"{_subject(key)}: {shown.label.lower()}",
        "title": _title(key, names),
        "quantity": shown.label,
        "unit": shown.unit,
        "digits": shown.digits,
        "step": shown.fold is Fold.LAST,
        "zero": shown.fold in {Fold.RATE, Fold.SUM},
        "settles_s": shown.settles_s,
        "device": device,
        "read_point": read_point,
        "sku": sku,
        "item": names.items.get(sku, ""),
        "location": tags.get("location", ""),
    }


def _subject(key: Key) -> str:
    tags = key.tags
    match key.measurement:
        case "antenna":
            return f"{tags.get('device', '')}, antenna {tags.get('antenna', '')}"
        case "plate":
            return f"{tags.get('read_point', '')}, plate {tags.get('plate', '')}"
        case "stock":
            return f"{tags.get('sku', '')} at {tags.get('location', '')}"
        case "movement":
            return tags.get("location", "")
    return tags.get("device", "")


def _title(key: Key, names: Names) -> str:
    sku = key.tags.get("sku", "")
    if key.measurement == "stock" and names.items.get(sku):
        return f"{names.items[sku]} at {key.tags.get('location', '')}"
    return _subject(key)


def in_order(keys: Sequence[Key]) -> list[Key]:
    """Grouped, the groups in the order of people."""
    order = list(GROUPS)
    return sorted(keys, key=lambda key: order.index(key.measurement))
