"""Hostile messages into a whole central: received, judged, charted, shown; then all is well.

The input is lines of a word and a payload: ``observations {...}``, ``status {...}``,
``live {...}``. Whatever they say, each message is stored, dropped as a repeat, refused, or
counted in quarantine; judging never fails; every screen and listing can still be drawn; the
ledger is what a replay of the log says; and a good edge that comes afterwards is served.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
from sqlalchemy import Connection, text

from central.api.application import build
from central.api.services import Services
from central.attachments.desk import AttachmentDesk
from central.attachments.folder import Folder
from central.catalogue import items, packs, places
from central.config import AttachmentsSection
from central.database.store import Database
from central.database.tide import Tide
from central.insight.follow import Follower, LedgerSource, ObservationSource
from central.intake import quarantine
from central.intake.ingest import Ingest
from central.intake.live_lane import LiveLane
from central.judging import replay
from central.judging.judge import Judge
from central.reconcile.verdict import PlatePlan, ReadPoint
from central.reports.desk import ReportDesk
from central.stock import chain, ledger, projection
from central.stock.model import Movement
from central.web.pages import Pages
from fuzz.series import CheckedSeries

GTIN = "09506000134352"
_GOOD = (
    b'{"v":1,"edge":"good-edge","epoch":"goodepoch1","first_seq":1,'
    b'"sent_at":"2026-03-14T10:00:00Z","observations":[{"kind":"code_scanned","device":"scanner",'
    b'"read_point":"desk","event_time":"2026-03-14T10:00:00Z","data":"010950600013435210AB",'
    b'"symbology":"]C1"},{"kind":"gate_window","device":"dock-reader","read_point":"dock-1",'
    b'"event_time":"2026-03-14T10:00:00Z","closed_at":"2026-03-14T10:00:03Z","closed_by":"quiet"},'
    b'{"kind":"weight_settled","device":"plate-1","read_point":"shelf-7",'
    b'"event_time":"2026-03-14T10:00:09Z","plate":1,"gross_mg":5000}]}'
)
"""What a good edge says at last: one case received, an empty window, a plate at rest."""

_PAGES = (
    "/",
    "/road",
    "/devices",
    "/passes",
    "/presence",
    "/presence/events",
    "/reviews",
    "/movements",
    "/metrics",
    "/series/feeds",
)
_EDGE = re.compile(rb'"edge": ?"([^"/\\]{1,64})"')
_LEAVES = {b"observations", b"status", b"live"}
_TOGETHER = 3
_runner = asyncio.Runner()


def central_road(data: bytes) -> None:
    """A central of its own for these messages."""
    _runner.run(_road(_messages(data)))


def _messages(data: bytes) -> list[tuple[str, bytes]]:
    """Topic and payload of each line, on the topic of the edge it says it is from."""
    found = []
    for line in data.split(b"\n"):
        leaf, _, payload = line.partition(b" ")
        if leaf not in _LEAVES:
            leaf, payload = b"observations", line
        named = _EDGE.search(payload)
        edge = named[1].decode("utf-8", "replace") if named else "dock-pi"
        found.append((f"tp/v1/site/{edge}/up/{leaf.decode()}", payload))
    return found


async def _road(messages: Sequence[tuple[str, bytes]]) -> None:
    with TemporaryDirectory(prefix="tallyport-fuzz-", ignore_cleanup_errors=True) as folder:
        path = Path(folder) / "central.sqlite"
        path.write_bytes(_template())
        database = Database(f"sqlite:///{path}")
        try:
            await _Central(database, Path(folder)).live_through(messages)
        finally:
            database.close()


class _Central:
    """The parts of central, wired as in production, with points that are checked and dropped."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        tide = Tide()
        self._series = CheckedSeries()
        self._lane = LiveLane(self._series)
        self._ingest = Ingest(database, tide)
        self._judge = Judge(database, tide)
        self._followers = [
            Follower(database=database, tide=tide, store=self._series, target="fuzz", source=source)
            for source in (ObservationSource(), LedgerSource())
        ]
        services = Services(
            database=database, tide=tide, series=self._series, live=self._lane.heard,
            reports=ReportDesk(folder / "extract", database.read_now),
            attachments=AttachmentDesk(Folder(folder / "attachments"), AttachmentsSection()),
        )  # fmt: skip
        self._app = build(services, Pages(database=database, tide=tide))

    async def live_through(self, messages: Sequence[tuple[str, bytes]]) -> None:
        """Take everything, and then a good edge's word."""
        await self._preview([one for one in messages if one[0].endswith("/live")])
        told = [one for one in messages if not one[0].endswith("/live")]
        for at in range(0, len(told), _TOGETHER):
            await self._receive(told[at : at + _TOGETHER])
        await self._judge_all()
        scanned = await self._count("movement WHERE origin = 'scan'")
        await self._receive([("tp/v1/site/good-edge/up/observations", _GOOD)])
        await self._judge_all()
        if not any("good-edge" in topic for topic, _ in messages):
            assert await self._count("movement WHERE origin = 'scan'") == scanned + 1
        await self._show()
        wrong = await self._database.read(_wrong)
        assert not wrong, wrong

    async def _preview(self, messages: Sequence[tuple[str, bytes]]) -> None:
        for topic, payload in messages:
            self._lane.take(topic, payload)
        writing = asyncio.create_task(self._lane.run())
        for _ in range(3):
            await asyncio.sleep(0)
        assert not writing.done(), writing.exception()
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)

    async def _receive(self, messages: Sequence[tuple[str, bytes]]) -> None:
        """Every message comes to something that is counted."""
        before, aside = await self._count("observation"), await self._set_aside()
        counted = (await self._ingest.receive(messages)).counted
        assert counted["messages"] == len(messages)
        assert await self._count("observation") == before + counted["observations"]
        assert await self._set_aside() == aside + counted["quarantined"]

    async def _set_aside(self) -> int:
        return (await self._database.read(quarantine.standing)).times

    async def _judge_all(self) -> None:
        while await self._judge.step():
            pass
        failed = await self._database.read(_faults)
        assert not failed, failed
        for follower in self._followers:
            while await follower.step():
                pass

    async def _show(self) -> None:
        transport = httpx.ASGITransport(self._app)
        async with httpx.AsyncClient(transport=transport, base_url="http://central") as http:
            for path in _PAGES:
                answer = await http.get(path)
                assert answer.status_code == 200, (path, answer.text)
            feeds = (await http.get("/series/feeds")).json()["feeds"]
            for feed in feeds[:3]:
                answer = await http.get("/series", params={"feed": feed["key"]})
                assert answer.status_code in {200, 422}, (feed, answer.text)

    async def _count(self, what: str) -> int:
        query = text(f"SELECT count(*) FROM {what}")
        return int(await self._database.read(lambda conn: conn.execute(query).scalar_one()))


def _faults(conn: Connection) -> list[str]:
    query = text("SELECT reason FROM review WHERE id LIKE 'fault-%'")
    return [str(reason) for reason in conn.execute(query).scalars()]


def _wrong(conn: Connection) -> list[str]:
    return [*replay.differences(conn), *chain.verify(conn), *projection.check_balances(conn)]


# ---- a database that is new each time ------------------------------------------------------
@cache
def _template() -> bytes:
    """A migrated database with a catalogue, nothing received yet."""
    with TemporaryDirectory(prefix="tallyport-fuzz-") as folder:
        path = Path(folder) / "template.sqlite"
        template = Database(f"sqlite:///{path}")
        try:
            template.migrate()
            template.write_now(_set_up)
        finally:
            template.close()
        return path.read_bytes()


def _set_up(conn: Connection) -> None:
    for code in ("hall", "shelf-7"):
        places.add_location(conn, places.Location(code=code, name=code))
    for sku in ("CASE", "SCREW"):
        items.add_item(conn, items.Item(sku=sku, name=sku))
    packs.put_pack(conn, GTIN, "CASE", 12)
    places.put_read_point(conn, ReadPoint(code="dock-1", kind="portal", location="hall"))
    places.put_read_point(conn, ReadPoint(code="desk", kind="scan", location="hall"))
    places.put_read_point(conn, ReadPoint(code="shelf-7", kind="shelf", location="shelf-7"))
    places.put_read_point(conn, ReadPoint(code="aisle", kind="zone", location="hall"))
    places.put_plate(conn, PlatePlan(read_point="shelf-7", plate=1, sku="SCREW", unit_mg=1_000))
    opening = Movement(
        id="opening", sku="SCREW", quantity=500, source="adjustment", destination="shelf-7",
        biz_step="stocking", event_time=datetime(2026, 1, 1, tzinfo=UTC), origin="person",
    )  # fmt: skip
    ledger.post(conn, [opening], record_us=1_770_000_000_000_000)
