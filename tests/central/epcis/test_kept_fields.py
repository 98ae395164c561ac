"""By which fields events can be found, and that this is known of events of before it was kept."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, select, text

from central import schema
from central.database.store import Database
from central.epcis import query, store
from central.epcis.model import Added, Wanted
from central.epcis.names import Names
from central.epcis.query import Place

MANY = 1_203
"""More than the upgrade reads at a time, and more than a query does."""


def _event(number: int) -> dict[str, Any]:
    odd = {"ex:odd": {"ex:number": [number]}} if number % 2 else {}
    return {
        "type": "ObjectEvent", "eventID": f"urn:uuid:{number}", "action": "OBSERVE",
        "eventTime": "2026-01-31T08:00:00Z", "eventTimeZoneOffset": "+00:00",
        "epcList": ["urn:epc:id:sscc:4012345.0000000333"], **odd,
    }  # fmt: skip


def _capture(conn: Connection) -> None:
    context = {"ex": "https://ns.example.com/epcis/"}
    for number in range(MANY):
        event = _event(number)
        store.take(conn, event, context, Names({}), record_us=number, actor="us")


def _kept(conn: Connection) -> list[tuple[str, int]]:
    thing = schema.epcis_thing.c
    kinds = thing.kind.in_(("field", "value"))
    rows = conn.execute(select(thing.uri, thing.event).where(kinds))
    return sorted((row.uri, row.event) for row in rows)


def _found(conn: Connection, *added: Added) -> list[str]:
    """All pages, of seven."""
    told, after = list[str](), Place(0, 0, 0)
    while True:
        some, more = query.query(conn, Wanted(added=added), Names({}), after=after, limit=7)
        told += [one["eventID"] for one in some]
        if more is None:
            return told
        assert sum(more) > sum(after), "it goes on"
        after = more


async def test_an_upgrade_reads_the_fields_of_the_events_that_are_there(database: Database) -> None:
    await database.write(_capture)
    kept = await database.read(_kept)
    assert len(kept) == 3 * (MANY // 2)
    database.migrate("0060")
    before = text("SELECT count(*) FROM epcis_thing WHERE kind IN ('field', 'value')")
    assert database.read_now(lambda c: c.execute(before).scalar_one()) == 0
    database.migrate()
    assert await database.read(_kept) == kept


async def test_rare_ones_are_found_in_pages_that_end(database: Database) -> None:
    await database.write(_capture)
    name = "https://ns.example.com/epcis#number"
    rare = Added(how="GE", name=name, inner=True, values=("1100",))
    expected = [f"urn:uuid:{number}" for number in range(1_101, MANY, 2)]
    assert await database.read(lambda c: _found(c, rare)) == expected
    one = msgspec.structs.replace(rare, how="EQ", values=("1101.0", "1102"))
    assert await database.read(lambda c: _found(c, one)) == ["urn:uuid:1101"]
    many = msgspec.structs.replace(one, values=tuple(map(str, range(1_101, 1_120))))
    assert await database.read(lambda c: _found(c, many)) == expected[:10]
    none = msgspec.structs.replace(rare, values=("9999",))
    assert await database.read(lambda c: _found(c, none)) == []
    lacks = Added(how="LACKS", name="https://ns.example.com/epcis#odd")
    even = [f"urn:uuid:{number}" for number in range(0, MANY, 2)]
    assert await database.read(lambda c: _found(c, lacks)) == even
