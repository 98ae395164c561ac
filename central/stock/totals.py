"""What places with a capacity hold, kept as totals that move along with the balances.

A total is of the place and all that lies below it: posting asks for one row of each place around
the goods instead of adding up what lies in a warehouse. Only places whose rules limit how much
they take have one. It is counted when such a rule is made and when places move in the tree,
measured anew when an item gets another size, and can be held against the balances at any time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from operator import add
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, text

from central.database.bulk import BulkInsert, BulkLookup
from central.stock.rules import Rules, Size

__all__ = [
    "Total", "check", "count_anew", "counted", "different", "kept", "measure_anew", "put",
    "rebuild",
]  # fmt: skip

_MOST = 2**63 - 1
_MOST_TOLD = 100
_KEPT = BulkLookup(
    "SELECT t.place, t.units, t.mass_mg, t.volume_mm3 "
    "FROM {keys} JOIN place_total t ON t.place = k.place",
    (("place", "text"),),
)
_ALL_KEPT = text("SELECT place, units, mass_mg, volume_mm3 FROM place_total ORDER BY place")
_PUT = BulkInsert(
    "place_total",
    (("place", "text"), *((name, "bigint") for name in ("units", "mass_mg", "volume_mm3"))),
    "ON CONFLICT (place) DO UPDATE SET units = excluded.units, mass_mg = excluded.mass_mg, "
    "volume_mm3 = excluded.volume_mm3",
)
_RULED = text("SELECT code, rules FROM location WHERE rules <> '{}' ORDER BY code")
_RULES = BulkLookup(
    "SELECT l.code, l.rules FROM {keys} JOIN location l ON l.code = k.code", (("code", "text"),)
)
_BELOW = (
    "WITH RECURSIVE below(code) AS (SELECT k.code FROM {keys} "
    "UNION SELECT l.code FROM below b JOIN location l ON l.parent = b.code) "
)
_PARENTS = BulkLookup(
    _BELOW + "SELECT l.code, l.parent FROM below b JOIN location l ON l.code = b.code",  # noqa: S608 (our own words)
    (("code", "text"),),
)
_LYING = BulkLookup(
    _BELOW + "SELECT h.location, h.on_hand, i.unit_mg, "  # noqa: S608
    "i.length_mm * i.width_mm * i.height_mm FROM below b "
    "JOIN location l ON l.code = b.code AND l.kind = 'internal' "
    "JOIN balance h ON h.location = b.code JOIN item i ON i.sku = h.sku WHERE h.on_hand > 0",
    (("code", "text"),),
)
_BEARING = BulkLookup(
    "WITH RECURSIVE up(sku, units, code) AS (SELECT h.sku, h.on_hand, h.location "
    "FROM {keys} JOIN balance h ON h.sku = k.sku AND h.on_hand > 0 "
    "JOIN location l ON l.code = h.location AND l.kind = 'internal' "
    "UNION ALL SELECT u.sku, u.units, l.parent FROM up u JOIN location l ON l.code = u.code "
    "WHERE l.parent IS NOT NULL) "
    "SELECT u.code, u.sku, u.units FROM up u JOIN place_total t ON t.place = u.code",
    (("sku", "text"),),
)
_decode = msgspec.json.Decoder(Rules).decode


class Total(NamedTuple):
    """All units of a place and what is below it, their mass in milligrams and their volume in
    cubic millimetres; an item of unknown size weighs nothing and takes no room.
    """

    units: int = 0
    mass_mg: int = 0
    volume_mm3: int = 0

    def plus(self, units: int, size: Size) -> Total:
        """With so many more units of this size each."""
        return Total(
            self.units + units,
            self.mass_mg + units * (size.mg or 0),
            self.volume_mm3 + units * (size.mm3 or 0),
        )


def kept(conn: Connection, places: Collection[str]) -> dict[str, Total]:
    """The totals of these places; one that is too large to be kept is counted."""
    rows = _KEPT.run(conn, [(place,) for place in places])
    found = {row[0]: Total(*row[1:]) for row in rows if row[1] is not None}
    missing = [place for place in places if place not in found]
    return found | counted(conn, missing) if missing else found


def put(conn: Connection, totals: Mapping[str, Total]) -> None:
    """Keep these totals."""
    _PUT.run(conn, [(place, *_storable(total)) for place, total in totals.items()])


def counted(conn: Connection, places: Collection[str]) -> dict[str, Total]:
    """The same from the balances: exact, and as slow as there are many."""
    keys = [(place,) for place in places]
    parents: dict[str, str | None] = {row[0]: row[1] for row in _PARENTS.run(conn, keys)}
    lying = dict.fromkeys(parents, Total())
    for place, on_hand, mg, mm3 in _LYING.run(conn, keys):
        lying[place] = lying[place].plus(on_hand, Size(mg, mm3))
    found = dict.fromkeys(places, Total())
    for place, held in lying.items():
        for at in _upwards(place, parents) if held.units else ():
            if at in found:
                found[at] = Total(*map(add, found[at], held))
    return found


def _upwards(place: str, parents: Mapping[str, str | None]) -> Iterator[str]:
    """It and what encloses it, as far as that is known; damaged books may say that in circles."""
    at: str | None = place
    for _ in parents:
        if at is None:
            return
        yield at
        at = parents.get(at)


def count_anew(conn: Connection, places: Collection[str]) -> None:
    """Some places have other rules, or others lie below them: those with a capacity are counted,
    the others have no total.
    """
    rows = _RULES.run(conn, [(place,) for place in places])
    limited = [code for code, rules in rows if _decode(rules).limits]
    gone = [{"place": place} for place in places if place not in limited]
    if gone:
        conn.execute(text("DELETE FROM place_total WHERE place = :place"), gone)
    put(conn, counted(conn, limited))


def measure_anew(conn: Connection, sizes: Mapping[str, tuple[Size, Size]]) -> None:
    """Items get another size (from, to): called before the catalogue says so."""
    if not sizes or conn.execute(text("SELECT 1 FROM place_total LIMIT 1")).first() is None:
        return
    more: dict[str, Total] = {}
    for place, sku, units in _BEARING.run(conn, [(sku,) for sku in sizes]):
        before, after = sizes[sku]
        more[place] = more.get(place, Total()).plus(-units, before).plus(units, after)
    for place, total in kept(conn, sorted(more)).items():
        put(conn, {place: Total(*map(add, total, more[place]))})


def check(conn: Connection) -> list[str]:
    """Compare the totals with the balances; a sentence for each that is wrong, at most 100."""
    faults = []
    for place, said, truth in different(conn):
        if truth is None:
            faults.append(f"a total is kept of {place}, whose rules limit nothing")
        else:
            told = "no total is kept" if said is None else f"the total says {_named(said)}"
            faults.append(f"{place} holds {_named(truth)} by its balances, and {told}")
    return faults[:_MOST_TOLD]


def different(conn: Connection) -> Iterator[tuple[str, Total | None, Total | None]]:
    """Each total that is not what lies there: what is kept, what it is. ``None``: there is none."""
    said = {row.place: tuple(row[1:]) for row in conn.execute(_ALL_KEPT)}
    for place, truth in counted(conn, _limited(conn)).items():
        values = said.pop(place, None)
        if values is None:
            yield place, None, truth
        elif values != _storable(truth):
            yield place, Total(*values), truth
    for place, values in said.items():
        yield place, Total(*values), None


def rebuild(conn: Connection) -> int:
    """Throw the totals away and count them from the balances; returns how many there are."""
    conn.execute(text("DELETE FROM place_total"))
    truth = counted(conn, _limited(conn))
    put(conn, truth)
    return len(truth)


def _limited(conn: Connection) -> list[str]:
    return [code for code, rules in conn.execute(_RULED) if _decode(rules).limits]


def _named(total: Total) -> str:
    return f"{total.units} units of {total.mass_mg} mg and {total.volume_mm3} mm3"


def _storable(total: Total) -> tuple[int | None, ...]:
    return total if max(total) <= _MOST else (None,) * len(total)
