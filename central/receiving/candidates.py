"""Places that goods may be put away to, in the database: the best few by each rule.

However many places there are, at most ``MOST`` come from each of four questions: where the item
lies, which free places its rules and which its category's lead to, and which free ones are near.
They are sought in the warehouse where the goods are; places that lie in no warehouse are together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    case,
    exists,
    func,
    literal,
    select,
    true,
)

from central import schema
from central.access import reach
from central.catalogue import items, tree
from central.catalogue.errors import NotValid
from central.database.moments import from_us
from central.lots import store as lots
from central.orders.route import walked
from central.receiving.putaway import (
    STORING,
    Candidate,
    Goods,
    Proposal,
    propose,
    steps_between,
)
from central.stock.model import LocationKind, Movement
from central.stock.room import ItemFacts, Room

__all__ = ["MOST", "proposals"]

MOST = 50
"""Places that one question asks for."""
_NEVER = ("warehouse", "dock")
"""Types of places that goods only pass."""
_place, _balance = schema.location.c, schema.balance.c
_encode = msgspec.json.Encoder().encode


class _Site(NamedTuple):
    """Where goods are: the codes from there upwards, and whether that ends in a warehouse."""

    path: list[str]
    warehouse: bool

    def far(self, code: ColumnElement[Any]) -> ColumnElement[int]:
        """Steps up to where one turns off to a place, for those of the way up."""
        known = {one: number for number, one in enumerate(self.path)}
        return case(known, value=code, else_=len(self.path))

    def turnings(self) -> ColumnElement[bool]:
        """Of a location: one turns off there, on the way up, or to what lies in nothing beside."""
        upwards = _place.code.in_(self.path)
        if self.warehouse:
            return upwards
        internal = _place.kind == LocationKind.INTERNAL
        return upwards | and_(_place.parent.is_(None), internal, _place.type != "warehouse")


def proposals(
    conn: Connection, sku: str, lot: str, quantity: int, here: str, *, most: int
) -> list[Proposal]:
    """Where so many units that are ``here`` should be put away, the best place first.

    Raises ``NotFound``, ``NotValid`` and ``OutOfReach``.
    """
    item = items.get_item(conn, sku)
    place = tree.get_location(conn, here)
    if place.kind != LocationKind.INTERNAL:
        raise NotValid(f"{here} is no place: goods are put away from where they were received")
    path = tree.path_of(conn, place)[::-1]
    root = conn.execute(select(_place.type).where(_place.code == path[-1])).scalar_one()
    site = _Site(path, root == "warehouse")
    codes = _holding(conn, site, sku, lot)
    for word in (sku, item.category):
        if word and (roots := _named(conn, site, word)):
            steps = case(roots, value=_place.code).label("steps")
            start = select(_place.code, steps).where(_place.code.in_(roots))
            codes += _free(conn, site, start, roots)
    start = select(_place.code, site.far(_place.code).label("steps"))
    codes += _free(conn, site, start.where(site.turnings()), path)
    facts = ItemFacts(item.status, item.family, item.category, item.tracking, item.size)
    wanted = Movement(
        id="putaway", sku=sku, lot=lot, quantity=quantity, source=here, destination=here,
        event_time=from_us(0), biz_step="storing",
    )  # fmt: skip
    expiries = {one: str(day) for (_, one), day in lots.expiring(conn, [sku]).items()}
    goods = Goods(sku, lot, quantity, item.category, expiries.get(lot, ""))
    found = _described(conn, list(dict.fromkeys(codes)), wanted, facts, expiries)
    return propose(goods, found, most)


def _climbed(site: _Site, start: Select[Any]) -> Select[Any]:
    """Those of some places that lie on the site, and how many steps each is away; what else is
    said of each comes along.
    """
    found = start.subquery()
    said = [one for one in found.c if one is not found.c.code]
    up = select(found.c.code.label("place"), found.c.code.label("at"), literal(0).label("n"), *said)
    ways = up.cte("ways", recursive=True)
    on, along = _place.code == ways.c.at, [ways.c[one.name] for one in said]
    further = select(ways.c.place, _place.parent, ways.c.n + 1, *along).join(schema.location, on)
    ways = ways.union_all(further.where(_place.parent.is_not(None)))
    steps = func.min(ways.c.n + site.far(ways.c.at)).label("steps")
    told = [func.max(ways.c[one.name]).label(one.name) for one in said]
    ends = select(ways.c.place.label("code"), steps, *told)
    ends = ends.join(schema.location, _place.code == ways.c.at)
    return ends.where(site.turnings()).group_by(ways.c.place)


def _holding(conn: Connection, site: _Site, sku: str, lot: str) -> list[str]:
    """Where the item lies: its lot first, then the places with the fewest of it."""
    same = func.max(case((_balance.lot == lot, 1), else_=0)).label("same")
    units = func.sum(_balance.on_hand).label("units")
    lying = (
        select(_balance.location.label("code"), same, units)
        .join(schema.location, _place.code == _balance.location)
        .where(_balance.sku == sku, _balance.on_hand > 0, _usable(site))
        .group_by(_balance.location)
    )
    near = _climbed(site, lying).subquery()
    order = (near.c.same.desc(), near.c.units, near.c.steps, near.c.code)
    return list(conn.execute(select(near.c.code).order_by(*order).limit(MOST)).scalars())


def _named(conn: Connection, site: _Site, word: str) -> dict[str, int]:
    """The nearest places whose rules name an item or a category, and their steps."""
    said = _encode(word).decode()
    naming = select(_place.code).where(
        _place.rules.contains(said, autoescape=True), _place.kind == LocationKind.INTERNAL
    )
    near = _climbed(site, naming).subquery()
    query = select(near.c.code, near.c.steps).order_by(near.c.steps, near.c.code).limit(MOST)
    return {row.code: row.steps for row in conn.execute(query)}


def _free(conn: Connection, site: _Site, start: Select[Any], stops: Collection[str]) -> list[str]:
    """Places without any below them, from these downwards: empty ones first, those that are made
    to store goods, the nearest. The way down does not enter ``stops``: it starts there.

    It goes through what is retired, too, below which nothing is active: asked for only what is, a
    PostgreSQL without statistics expects a handful of rows, and compares every place with every.
    """
    down = start.cte("down", recursive=True)
    child = schema.location.alias("child")
    further = select(child.c.code, down.c.steps + 1).join(down, child.c.parent == down.c.code)
    down = down.union_all(further.where(child.c.code.not_in(list(stops))))
    inside = schema.location.alias("inside")
    below = (inside.c.parent == down.c.code, inside.c.status == "active")
    more = exists().where(*below).correlate(down)
    lying = (_balance.location == down.c.code, _balance.on_hand > 0)
    used = exists().where(*lying).correlate(down)
    query = (
        select(down.c.code)
        .join(schema.location, _place.code == down.c.code)
        .where(~more, _usable(site))
        .order_by(
            case((used, 1), else_=0),
            case((_place.type.in_(STORING), 0), else_=1),
            down.c.steps,
            func.length(down.c.code),
            down.c.code,
        )
        .limit(MOST)
    )
    return list(conn.execute(query).scalars())


def _usable(site: _Site) -> ColumnElement[bool]:
    """Of a location: goods may be put there, by whoever asks."""
    granted = reach.within(_place.code)
    return and_(
        _place.kind == LocationKind.INTERNAL,
        _place.status == "active",
        _place.type.not_in(_NEVER),
        _place.code.not_in(site.path),
        true() if granted is None else granted,
    )


def _described(
    conn: Connection,
    codes: Sequence[str],
    wanted: Movement,
    facts: ItemFacts,
    expiries: dict[str, str],
) -> list[Candidate]:
    """What the rules must know of some places; ``expiries`` are those of the item's lots."""
    moves = [msgspec.structs.replace(wanted, destination=code) for code in codes]
    room = Room(conn, moves, {wanted.sku: facts})
    here = list(room.upwards(wanted.source))
    ways = {code: list(room.upwards(code)) for code in codes}
    walk = {
        code: no for no, code in enumerate(walked(codes, {c: w[::-1] for c, w in ways.items()}))
    }
    mine, others = _lying(conn, codes, wanted.sku)
    types = select(_place.code, _place.type).where(_place.code.in_(codes))
    kinds = {row.code: row.type for row in conn.execute(types)}
    made = []
    for code, move in zip(codes, moves, strict=True):
        rules = [room.rules_of(one) for one in ways[code]]
        made.append(
            Candidate(
                code,
                room.fits(move),
                type=kinds[code],
                fixed=any(wanted.sku in one.items for one in rules),
                meant=any(facts.category in one.categories for one in rules),
                lots=tuple((lot, expiries.get(lot, "")) for lot in sorted(mine[code])),
                others=code in others,
                steps=steps_between(here, ways[code]),
                walk=walk[code],
            )
        )
    return made


def _lying(
    conn: Connection, codes: Sequence[str], sku: str
) -> tuple[defaultdict[str, set[str]], set[str]]:
    """The item's lots by place, and the places where something else lies."""
    there = (_balance.location.in_(codes), _balance.on_hand > 0)
    mine: defaultdict[str, set[str]] = defaultdict(set)
    of_it = select(_balance.location, _balance.lot).where(_balance.sku == sku, *there)
    for row in conn.execute(of_it):
        mine[row.location].add(row.lot)
    other = select(_balance.location).distinct().where(_balance.sku != sku, *there)
    return mine, set(conn.execute(other).scalars())
