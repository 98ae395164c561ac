"""What there are events about, by kind: the top-level resources of EPCIS 2.0 (12.4).

Types, steps and dispositions are the vocabulary's (CBV 2.0, 7.1 and 7.2) and what others' events
have beside it; places are the books' and others'; EPCs are those of tags and units that lie
somewhere, and of others' events. Who was granted some places only is listed these and what lies
there, and nothing that others alone have told of.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Connection, exists, func, select

from central import schema
from central.access import behalf
from central.catalogue import tree
from central.catalogue.errors import NotFound
from central.epcis import query
from central.epcis.hashing import word
from central.epcis.identifiers import canonical
from central.epcis.model import TYPES, Wanted
from central.epcis.names import Names, epc_uri
from central.epcis.query import Place
from central.epcis.tags import hex_forms
from central.reconcile.serials import names_pieces, unit_in
from central.stock import found
from central.stock.model import VIRTUAL_LOCATIONS, OutOfReach

__all__ = ["KINDS", "Kind", "Page", "is_known", "members", "narrowed"]

_STEPS = (
    "accepting", "arriving", "assembling", "collecting", "commissioning", "consigning",
    "creating_class_instance", "cycle_counting", "decommissioning", "departing", "destroying",
    "disassembling", "dispensing", "encoding", "entering_exiting", "holding", "inspecting",
    "installing", "killing", "loading", "other", "packing", "picking", "receiving", "removing",
    "repackaging", "repairing", "replacing", "reserving", "retail_selling", "sampling",
    "sensor_reporting", "shipping", "staging_outbound", "stock_taking", "stocking", "storing",
    "transporting", "unloading", "unpacking", "void_shipping",
)  # fmt: skip
_DISPOSITIONS = (
    "active", "available", "completeness_inferred", "completeness_verified", "conformant",
    "container_closed", "container_open", "damaged", "destroyed", "dispensed", "disposed",
    "encoded", "expired", "in_progress", "in_transit", "inactive", "mismatch_class",
    "mismatch_instance", "mismatch_quantity", "needs_replacement", "no_pedigree_match",
    "non_conformant", "non_sellable_other", "partially_dispensed", "recalled", "reserved",
    "retail_sold", "returned", "sellable_accessible", "sellable_not_accessible", "stolen",
    "unavailable", "unknown",
)  # fmt: skip
_VIRTUAL = frozenset(map(str, VIRTUAL_LOCATIONS))
_event, _thing = schema.epcis_event.c, schema.epcis_thing.c
_ANY = _thing.kind == "any"


class Kind(NamedTuple):
    """``parameter`` asks the same of a query, ``field`` is what it comes to in ``Wanted``.
    ``words`` are those of the vocabulary ``of``; ``column`` has what others told.
    """

    parameter: str
    field: str
    words: tuple[str, ...] = ()
    of: str = ""
    column: ColumnElement[str] | None = None
    places: bool = False


KINDS: Mapping[str, Kind] = {
    "eventTypes": Kind("eventType", "types", TYPES),
    "epcs": Kind("MATCH_anyEPC", "any_epcs", column=_thing.uri),
    "bizSteps": Kind("EQ_bizStep", "biz_steps", _STEPS, "bizStep", _event.biz_step),
    "bizLocations": Kind(
        "EQ_bizLocation", "biz_locations", column=_event.biz_location, places=True
    ),
    "readPoints": Kind("EQ_readPoint", "read_points", column=_event.read_point, places=True),
    "dispositions": Kind(
        "EQ_disposition", "dispositions", _DISPOSITIONS, "disposition", _event.disposition
    ),
}
"""By the name of the resource."""


class Page(NamedTuple):
    """``key`` is where the next page begins; ``None`` at the end."""

    members: list[str]
    key: tuple[int, str] | None


def narrowed(kind: Kind, wanted: Wanted, value: str) -> Wanted:
    """What is asked for of those events that are about ``value``."""
    return msgspec.structs.replace(wanted, **{kind.field: (value,)})


def members(
    conn: Connection, kind: Kind, names: Names, after: tuple[int, str] | None, limit: int
) -> Page:
    """A page of what is known, behind the key of the last one."""
    parts = _parts(conn, kind, names)
    part, last = after or (0, "")
    told = list[str]()
    while part < len(parts):
        while len(told) < limit:
            some, last, more = parts[part](last, limit - len(told))
            told += some
            if not more:
                break
        else:
            return Page(told, (part, last))
        part, last = part + 1, ""
    return Page(told, None)


def is_known(conn: Connection, kind: Kind, value: str, names: Names) -> bool:
    """Whether there is such a one, as far as whoever asks may see it."""
    full = word(kind.of, value) if kind.of else value
    if full in {word(kind.of, one) if kind.of else one for one in kind.words}:
        return True
    if kind.field == "any_epcs":
        wanted = Wanted(any_epcs=(value,))
        return bool(query.query(conn, wanted, names, after=Place(0, 0, 0), limit=1)[0])
    if kind.places and _is_place(conn, names.code(value)):
        return True
    if kind.column is None or behalf.roots() is not None:
        return False
    its = kind.column == (full if kind.of else canonical(value))
    return bool(full) and conn.execute(select(exists().where(its))).scalar_one()


_Part = Callable[[str, int], tuple[list[str], str, bool]]
"""So many behind a name: them, the name behind which the next ones are, whether there may be any.
"""


def _parts(conn: Connection, kind: Kind, names: Names) -> list[_Part]:
    """What the list is made of, one after another."""
    parts: list[_Part] = []
    if kind.words:
        parts.append(_listed({one: one for one in kind.words}))
    if kind.places:
        parts.append(_listed({code: names.place(code) for code in _places_of(conn)}))
    if kind.field == "any_epcs":
        parts.append(_Lying(conn))
    if kind.column is not None and behalf.roots() is None:
        parts.append(_Others(conn, kind, names))
    return parts


def _listed(named: Mapping[str, str]) -> _Part:
    """What is at hand as a whole, by the keys."""
    keys = sorted(named)

    def part(after: str, limit: int) -> tuple[list[str], str, bool]:
        some = [one for one in keys if one > after][: limit + 1]
        told = some[:limit]
        return [named[one] for one in told], told[-1] if told else after, len(some) > limit

    return part


def _places_of(conn: Connection) -> frozenset[str]:
    """The codes of our places within reach."""
    roots, every = behalf.roots(), tree.spots(conn).keys() - _VIRTUAL
    return frozenset(every if roots is None else tree.codes_under(conn, tuple(sorted(roots))))


def _is_place(conn: Connection, code: str | None) -> bool:
    if code is None or code in _VIRTUAL:
        return False
    try:
        tree.get_location(conn, code)
    except (NotFound, OutOfReach):
        return False
    return True


class _Lying:
    """Tags and units that lie somewhere."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn

    def __call__(self, after: str, limit: int) -> tuple[list[str], str, bool]:
        page, told = found.names_behind(self._conn, after, limit), list[str]()
        before = unit_in([after])
        for name in page:
            unit = unit_in([name])
            if names_pieces([name]) or (unit is not None and unit != before):
                told.append(canonical(epc_uri(unit or name)))
            before = unit
        return told, page[-1] if page else after, len(page) == limit


class _Others:
    """What others' events have beside ours. One look-up each: an index leaps over all events that
    have the same.
    """

    def __init__(self, conn: Connection, kind: Kind, names: Names) -> None:
        assert kind.column is not None
        self._conn, self._kind, self._names = conn, kind, names
        self._next = select(func.min(kind.column))
        if kind.field == "any_epcs":
            self._next = self._next.where(_ANY)
        self._column = kind.column
        self._full = word(kind.of, "x")[:-1] if kind.of else ""
        self._ours = _places_of(conn) if kind.places else frozenset[str]()

    def __call__(self, after: str, limit: int) -> tuple[list[str], str, bool]:
        told = list[str]()
        for _ in range(limit):
            value = self._conn.execute(self._next.where(self._column > after)).scalar()
            if value is None:
                return told, after, False
            after = value
            if not self._is_ours(value):
                told.append(value)
        return told, after, True

    def _is_ours(self, value: str) -> bool:
        """Whether it was listed before."""
        if self._kind.words:
            return value.removeprefix(self._full) in self._kind.words
        if self._kind.places:
            return self._names.code(value) in self._ours
        return found.is_somewhere(self._conn, {*hex_forms(value), value}, [value])
