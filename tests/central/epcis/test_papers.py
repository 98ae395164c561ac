"""Events of what came name the orders and the shipping notices that it settled."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from central.access.behalf import reaching
from central.database.store import Database
from central.documents import books
from central.epcis import query
from central.epcis.model import Wanted
from central.epcis.names import Names
from central.epcis.query import Place
from tests.central.api.test_documents import scanned
from tests.central.harness import Bench
from tests.central.receiving.test_receiving import GTIN, begin, made, take
from tests.central.reconcile.test_documents import CASES, asn, passing
from tests.central.test_one_event import CLOSED, judged, set_up

__all__ = ["made"]


def _events(conn: Connection, wanted: Wanted) -> list[dict[str, Any]]:
    return query.query(conn, wanted, Names({}), after=Place(0, 0, 0), limit=100)[0]


def _papers(event: dict[str, Any]) -> list[tuple[str, str]]:
    told = event.get("bizTransactionList", [])
    return [(one["type"], one["bizTransaction"].rpartition(":")[2]) for one in told]


async def test_what_was_scanned_and_taken_in_names_its_papers(made: Bench) -> None:
    await begin(made)
    lines = [{"sku": "OAT", "quantity": 12}]
    await made.post("/api/orders/inbound/po-00001/asns", id="asn-0001", lines=lines)
    await scanned(made, 1, f"01{GTIN}217")
    await take(made, 1, sku="NUT", quantity=2, lot="L1")
    await made.post("/stock/receive", sku="OAT", quantity=1, location="hall")

    async def found(**asked: str) -> list[dict[str, Any]]:
        answer = await made.http.get("/epcis/events", params={"EQ_bizStep": "receiving", **asked})
        assert answer.status_code == 200, answer.text
        return list(answer.json()["epcisBody"]["queryResults"]["resultsBody"]["eventList"])

    whole = await found()
    assert [_papers(one) for one in whole] == [
        [("desadv", "asn-0001"), ("po", "PO-1")], [("po", "PO-1")], [],
    ]  # fmt: skip
    name = "urn:tallyport:reference:"
    assert await found(EQ_bizTransaction_desadv=f"{name}asn-0001") == whole[:1]
    assert await found(EQ_bizTransaction_po=f"{name}PO-1") == whole[:2]
    assert await found(EQ_bizTransaction_po=f"{name}asn-0001") == []
    assert await found(EQ_bizTransaction_desadv=f"{name}asn-0002") == []


async def test_what_a_pass_brought_names_its_notice_to_whoever_asks(database: Database) -> None:
    await database.write(set_up)
    await database.write(lambda c: books.add_document(c, asn(), at_us=1))
    await judged(database, 1, [*passing(CASES), CLOSED])
    wanted = Wanted(papers={"desadv": ("urn:tallyport:reference:asn-00001",)})
    events = await database.read(lambda c: _events(c, Wanted(types=("ObjectEvent",))))
    assert events
    assert {tuple(_papers(one)) for one in events} == {(("desadv", "asn-00001"),)}
    assert await database.read(lambda c: _events(c, wanted)) == events

    def partly(conn: Connection) -> list[dict[str, Any]]:
        with reaching(frozenset({"hall"})):
            return _events(conn, wanted)

    assert await database.read(partly) == events, "an event is the same for all who see it"
