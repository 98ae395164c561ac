"""Print jobs, and printers that are emulated on the wire."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import Connection

from central.access.behalf import reaching
from central.catalogue.changes import Told
from central.labels import jobs, printers
from central.labels.desk import Wish
from central.labels.host_status import parse
from central.labels.model import Subject
from central.labels.spooler import Spooler
from central.stock.model import OutOfReach
from drivers.emulators.label_printer import EmulatedPrinter
from gateway.gs1.epc import decode_epc
from tests.central.harness import Bench
from tests.central.labels.conftest import spooler_of

PRINT = {"kind": "item", "printer": "dock-1", "labels": [{"sku": "ABC-12345"}]}


async def queue(made: Bench, name: str, **more: Any) -> dict[str, Any]:
    return await made.post("/labels/print", **PRINT | {"id": name} | more)


async def job(made: Bench, name: str) -> dict[str, Any]:
    return await made.get(f"/labels/jobs/{name}")


async def test_labels_come_out_once_however_often_they_are_asked_for(
    made: Bench, printer: EmulatedPrinter
) -> None:
    spooler = spooler_of(made)
    assert (await queue(made, "job-00001", copies=3))["state"] == "queued"
    answer = await made.http.post("/labels/print", json=PRINT | {"id": "job-00001", "copies": 3})
    assert (answer.status_code, answer.json()["labels"]) == (200, 3)
    clash = await made.http.post("/labels/print", json=PRINT | {"id": "job-00001"})
    assert (clash.status_code, "fresh id" in clash.json()["detail"]) == (409, True)
    assert await spooler.step() == 0
    assert (await job(made, "job-00001"))["state"] == "sent"
    assert len(printer.labels) == 3
    sent = await made.http.get("/labels/jobs/job-00001/document")
    assert sent.text.count("^XA") == 1
    assert sent.text.strip().endswith("^PQ3^XZ")
    assert await spooler.step() > 1, "nothing is left to do"
    assert len(printer.labels) == 3


Trouble = Callable[[EmulatedPrinter], None]


def _paper(printer: EmulatedPrinter) -> None:
    printer.paper = 0 if printer.paper is None else None


def _head(printer: EmulatedPrinter) -> None:
    printer.head_open = not printer.head_open


def _ribbon(printer: EmulatedPrinter) -> None:
    printer.ribbon_out = not printer.ribbon_out


def _pause(printer: EmulatedPrinter) -> None:
    printer.paused = not printer.paused


@pytest.mark.parametrize(
    ("turn", "says"),
    [
        (_paper, "it has no labels left: put in a new roll"),
        (_head, "its head is open: close it"),
        (_ribbon, "it has no ribbon left"),
        (_pause, "it is paused"),
    ],
)
async def test_a_printer_in_trouble_is_waited_for(
    shop: Bench, printer: EmulatedPrinter, turn: Trouble, says: str
) -> None:
    spooler = spooler_of(shop)
    turn(printer)
    rows: Any = (await shop.get("/labels/printers"))["rows"]
    (dock,) = [row for row in rows if row["name"] == "dock-1"]
    assert (dock["state"], says in dock["says"]) == ("trouble", True)
    await queue(shop, "job-00001")
    await queue(shop, "job-00002")
    await spooler.step()
    waiting = await job(shop, "job-00001")
    assert (waiting["state"], waiting["tries"]) == ("queued", 1)
    assert says in waiting["why"]
    assert printer.labels == []
    assert 1 < await spooler.step() <= 5, "again in some seconds, and no other job before it"
    turn(printer)
    await _due(shop)
    await spooler.step()
    assert [(await job(shop, f"job-0000{n}"))["state"] for n in (1, 2)] == ["sent", "queued"]
    await spooler.step()
    assert len(printer.labels) == 2


async def _due(made: Bench) -> None:
    """Let the time of waiting be over."""
    await made.database.write(
        lambda c: c.exec_driver_sql("UPDATE label_job SET next_us = 0").rowcount
    )


async def test_one_printer_that_is_away_holds_up_no_other(
    made: Bench, printer: EmulatedPrinter
) -> None:
    spooler = spooler_of(made)
    await queue(made, "job-00001", printer="away")
    await queue(made, "job-00002")
    await spooler.step()
    assert len(printer.labels) == 1
    waiting = await job(made, "job-00001")
    assert "cannot be reached" in waiting["why"]
    rows: Any = (await made.get("/labels/printers"))["rows"]
    assert {row["name"]: row["state"] for row in rows} == {
        "dock-1": "ready", "away": "away", "office": "unknown",
    }  # fmt: skip
    opened: Any = (await made.get("/labels/jobs?state=open"))["rows"]
    assert [row["id"] for row in opened] == ["job-00001"]


async def test_what_broke_off_is_not_printed_again_by_itself(
    shop: Bench, printer: EmulatedPrinter
) -> None:
    spooler = spooler_of(shop)
    printer.breaks_after = 100
    await queue(shop, "job-00001", rfid=True)
    await spooler.step()
    failed = await job(shop, "job-00001")
    assert failed["state"] == "failed"
    assert "throw away what came out" in failed["why"]
    printer.breaks_after = None
    await _due(shop)
    await spooler.step()
    assert printer.labels == []
    again = await shop.http.post("/labels/jobs/job-00001/reprint", headers=_key("job-00002"))
    assert again.status_code == 201, again.text
    await spooler.step()
    assert [decode_epc(one.epc).serial for one in printer.labels] == ["1"], "the same EPC"
    twice = await shop.http.post("/labels/jobs/job-00001/reprint", headers=_key("job-00002"))
    assert twice.json()["state"] == "sent", "the same command"


def _key(name: str) -> dict[str, str]:
    return {"Idempotency-Key": name}


async def test_what_was_being_sent_when_central_stopped_is_for_a_person(
    shop: Bench, printer: EmulatedPrinter
) -> None:
    spooler = spooler_of(shop)
    await queue(shop, "job-00001")
    await shop.database.write(lambda c: jobs.begin(c, "job-00001", 1))
    await spooler.step()
    failed = await job(shop, "job-00001")
    assert (failed["state"], failed["why"]) == ("failed", jobs.INTERRUPTED)
    assert printer.labels == []


async def test_what_is_cancelled_is_not_printed(made: Bench, printer: EmulatedPrinter) -> None:
    spooler = spooler_of(made)
    await queue(made, "job-00001")
    for _ in range(2):
        done = await made.http.post("/labels/jobs/job-00001/cancel")
        assert done.json()["state"] == "cancelled"
    await spooler.step()
    assert printer.labels == []
    await queue(made, "job-00002")
    await spooler.step()
    late = await made.http.post("/labels/jobs/job-00002/cancel")
    assert (late.status_code, "is sent" in late.json()["detail"]) == (409, True)


async def test_tags_stand_for_goods_once_they_are_printed(
    shop: Bench, printer: EmulatedPrinter
) -> None:
    spooler = spooler_of(shop)
    label = {"sku": "ABC-12345", "lot": "L-1"}
    await queue(shop, "job-00001", kind="lot", labels=[label], copies=2, rfid=True, bind=True)
    bound = "/tag-bindings?sku=ABC-12345"
    assert (await shop.get(bound))["rows"] == []
    await spooler.step()
    rows: Any = (await shop.get(bound))["rows"]
    assert {row["epc"] for row in rows} == {one.epc for one in printer.labels}
    assert {row["lot"] for row in rows} == {"L-1"}
    assert (await job(shop, "job-00001"))["why"] == ""


async def test_a_printer_that_writes_no_tags_or_is_not_there_is_refused(shop: Bench) -> None:
    async def why(**more: Any) -> tuple[int, str]:
        answer = await shop.http.post("/labels/print", json=PRINT | more)
        return answer.status_code, answer.json()["detail"]

    status, says = await why(printer="away", rfid=True)
    assert (status, "writes no tags" in says) == (422, True)
    status, says = await why(printer="kitchen")
    assert (status, says) == (404, "there is no printer kitchen; there are dock-1, away, office")
    missing = await shop.http.get("/labels/jobs/job-00009")
    assert missing.status_code == 404


async def test_a_printer_of_pdf_gets_pdf(shop: Bench, printer: EmulatedPrinter) -> None:
    spooler = spooler_of(shop)
    await queue(shop, "job-00001", printer="office")
    content = (await shop.http.get("/labels/jobs/job-00001/document")).content
    assert content.startswith(b"%PDF-")
    await _within(spooler.step)
    assert (await job(shop, "job-00001"))["state"] == "sent"
    assert printer.labels == [], "this one understands ZPL alone"


async def _within(step: Callable[[], Awaitable[float]]) -> None:
    async with asyncio.timeout(10):
        await step()


async def test_a_printer_that_does_not_answer_is_sent_its_labels(
    shop: Bench, printer: EmulatedPrinter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(printers, "_ANSWER_S", 0.1)
    printer.silent = True
    rows: Any = (await shop.get("/labels/printers"))["rows"]
    assert {row["name"]: row["state"] for row in rows}["dock-1"] == "unknown"
    await queue(shop, "job-00001")
    await spooler_of(shop).step()
    assert (await job(shop, "job-00001"))["state"] == "sent"
    assert len(printer.labels) == 1


async def test_a_slow_printer_holds_up_no_other(shop: Bench, printer: EmulatedPrinter) -> None:
    over, reached, came_out = asyncio.Event(), asyncio.Event(), asyncio.Event()
    printer._on_label = lambda _: came_out.set()

    async def say_nothing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reached.set()
        await over.wait()
        writer.close()

    deaf = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    table = shop.services.labels.printers
    port = deaf.sockets[0].getsockname()[1]
    table["away"] = table["away"].model_copy(update={"port": port})
    await queue(shop, "job-00001", printer="away")
    running = asyncio.create_task(Spooler(shop.database, shop.tide, table.values()).run())
    try:
        async with asyncio.timeout(5):
            await reached.wait()
            await queue(shop, "job-00002")
            await came_out.wait()
        assert (await job(shop, "job-00001"))["state"] == "sending"
    finally:
        over.set()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        deaf.close()
        await deaf.wait_closed()


async def test_a_job_whose_printer_is_gone_says_so(shop: Bench) -> None:
    await queue(shop, "job-00001", printer="away")
    del shop.services.labels.printers["away"]
    assert "no printer of the settings any more" in (await job(shop, "job-00001"))["why"]


async def test_jobs_are_listed_newest_first_a_page_at_a_time(made: Bench) -> None:
    for number in range(3):
        await queue(made, f"job-{number:05}")
    first: Any = await made.get("/labels/jobs?limit=2")
    assert [row["id"] for row in first["rows"]] == ["job-00002", "job-00001"]
    rest: Any = await made.get(f"/labels/jobs?limit=2&after={first['next']}")
    assert [row["id"] for row in rest["rows"]] == ["job-00000"]
    dropped = await made.database.write(lambda c: jobs.drop_old(c, 2**60))
    assert dropped == 0, "what waits is not forgotten"


@pytest.mark.parametrize(("granted", "there"), [("WH-01", True), ("WH-01-A", False)])
async def test_who_was_granted_some_places_prints_there(
    shop: Bench, granted: str, there: bool
) -> None:
    await queue(shop, "job-00001")
    await queue(shop, "job-00002", printer="office")
    desk = shop.services.labels
    dock = Wish(kind="place", subjects=(Subject(place="WH-01-DOCK"),))

    async def may(work: Callable[[Connection], object]) -> bool:
        with reaching(frozenset({granted})):
            try:
                await shop.services.read(work)
            except OutOfReach:
                return False
        return True

    with reaching(frozenset({granted})):
        seen = await shop.services.read(jobs.listing)
    assert [one.id for one in seen] == (["job-00001"] if there else [])
    assert await may(lambda c: jobs.get(c, "job-00001")) is there
    assert not await may(lambda c: jobs.get(c, "job-00002")), "it stands at no place"
    assert await may(lambda c: jobs.check_place(c, "WH-01")) is there
    assert await may(lambda c: desk.gather(c, dock, "", Told(by="x", at_us=0))) is there


# The sample of the ZPL II Programming Guide (~HS), and what else a printer may say.
_SAMPLE = (
    b"\x02030,0,0,1245,000,0,0,0,000,0,0,0\x03\r\n\x02000,0,0,0,1,2,6,0,00000000,1,000\x03\r\n"
    b"\x021234,0\x03\r\n"
)


@pytest.mark.parametrize(
    ("answer", "trouble"),
    [
        (_SAMPLE, ""),
        (_SAMPLE.replace(b"030,0,0", b"030,1,0"), "no labels left"),
        (_SAMPLE.replace(b"030,0,0", b"030,0,1"), "paused"),
        (_SAMPLE.replace(b"000,0,0,0,1", b"000,0,1,0,1"), "head is open"),
        (_SAMPLE.replace(b"000,0,0,0,1", b"000,0,0,1,1"), "no ribbon"),
        (_SAMPLE.replace(b"000,0,0,0\x03", b"000,1,0,0\x03"), "memory is damaged"),
        (_SAMPLE.replace(b"000,0,0,0\x03", b"000,0,0,1\x03"), "too hot"),
        (_SAMPLE.replace(b"000,0,0,0\x03", b"000,0,1,0\x03"), "too cold"),
        (_SAMPLE.replace(b"1245,000,0", b"1245,012,1"), "more to print"),
    ],
)
def test_a_status_says_what_is_to_be_done(answer: bytes, trouble: str) -> None:
    status = parse(answer)
    assert status is not None
    assert trouble in status.trouble
    assert bool(trouble) == bool(status.trouble)


@pytest.mark.parametrize(
    "answer",
    [b"", _SAMPLE[:40], b"HTTP/1.1 400 Bad Request\r\n", _SAMPLE.replace(b"000,0", b"x,0")],
)
def test_what_is_no_status_is_none(answer: bytes) -> None:
    assert parse(answer) is None
