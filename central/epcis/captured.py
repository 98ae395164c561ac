"""Events that others told us, as a query finds them: narrowed by indexes, then looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Exists, Select, exists, func, select

from central import schema
from central.database.moments import from_us
from central.epcis.errors import key_of
from central.epcis.extending import keys_asked
from central.epcis.from_ledger import moment
from central.epcis.hashing import word
from central.epcis.identifiers import canonical
from central.epcis.model import Place, Told, Wanted, bare_reason
from central.epcis.narrowing import narrows

__all__ = ["found", "newest"]

_LOOKED_AT = 200
"""Events that are read at a time where few of them may be what is asked for."""
_event, _thing = schema.epcis_event, schema.epcis_thing
_FIELDS = (
    ("biz_steps", "bizStep", "biz_step"),
    ("dispositions", "disposition", "disposition"),
)


def newest(conn: Connection) -> int:
    """The number of the last one; 0 before the first."""
    return int(conn.execute(select(func.coalesce(func.max(_event.c.id), 0))).scalar_one())


def found(
    conn: Connection, wanted: Wanted, shows: Callable[[Mapping[str, Any]], bool], *, after: int,
    limit: int,
) -> list[Told]:  # fmt: skip
    """At most ``limit`` events behind number ``after``, of those that somebody may be shown."""
    told = list[Told]()
    rare = wanted.added or wanted.typed or wanted.attributes
    size = max(limit, _LOOKED_AT) if rare else limit
    while True:
        asked = select(_event).where(_event.c.id > after).order_by(_event.c.id).limit(size)
        page = conn.execute(_narrowed(asked, wanted)).mappings().all()
        for row in page:
            after, body = row["id"], msgspec.json.decode(row["body"])
            if not (narrows(body, wanted) and shows(body)):
                continue
            event = {**body, "recordTime": moment(from_us(row["record_us"]))}
            told.append(Told(row["record_us"], row["event_us"], Place(0, row["id"], 0), event))
        if len(told) >= limit or len(page) < size:
            return told[:limit]


def _narrowed(asked: Select[Any], wanted: Wanted) -> Select[Any]:
    its = _event.c
    if wanted.types:
        asked = asked.where(its.type.in_(wanted.types))
    for value, compare in (
        (wanted.ge_event_us, its.event_us.__ge__), (wanted.lt_event_us, its.event_us.__lt__),
        (wanted.ge_record_us, its.record_us.__ge__), (wanted.lt_record_us, its.record_us.__lt__),
        (wanted.ge_declared_us, its.declared_us.__ge__),
        (wanted.lt_declared_us, its.declared_us.__lt__),
    ):  # fmt: skip
        if value is not None:
            asked = asked.where(compare(value))
    for field, name, column in _FIELDS:
        words = [word(name, one) for one in getattr(wanted, field)]
        if words:
            asked = asked.where(its[column].in_(words))
    if wanted.event_ids:
        keys = [*wanted.event_ids, *map(key_of, wanted.event_ids)]
        asked = asked.where(its.event_id.in_(keys))
    asked = _of_errors(asked, wanted)
    for uris, column in (
        (wanted.read_points, "read_point"), (wanted.biz_locations, "biz_location"),
    ):  # fmt: skip
        if uris:
            asked = asked.where(its[column].in_([canonical(uri) for uri in uris]))
    return _about(asked, wanted)


def _about(asked: Select[Any], wanted: Wanted) -> Select[Any]:
    """What it is about, by the table of these."""
    for kind, uris in (
        ("epc", wanted.epcs), ("any", wanted.any_epcs), ("class", wanted.classes),
        ("corrective", wanted.correctives), ("parent", wanted.parents),
        *((f"paper:{kind}", named) for kind, named in wanted.papers.items()),
    ):  # fmt: skip
        if uris:
            asked = asked.where(_has(_thing.c.kind == kind, map(canonical, uris)))
    for field, _, uris in wanted.typed:
        if field == "bizTransactionList":
            kinds = _thing.c.kind.startswith("paper:", autoescape=True)
            asked = asked.where(_has(kinds, map(canonical, uris)))
    for one in wanted.added:
        if keys := keys_asked(one):
            asked = asked.where(_has(_thing.c.kind == keys[0], keys[1]))
    return asked


def _has(kind: ColumnElement[bool], uris: Iterable[str]) -> Exists:
    return exists().where(_thing.c.event == _event.c.id, kind, _thing.c.uri.in_([*uris]))


def _of_errors(asked: Select[Any], wanted: Wanted) -> Select[Any]:
    its = _event.c
    if wanted.of_errors:
        asked = asked.where(its.declared_us.is_not(None))
    if wanted.error_reasons:
        words = [bare_reason(one) for one in wanted.error_reasons]
        asked = asked.where(its.error_reason.in_(words))
    return asked
