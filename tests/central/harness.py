"""Central's API and screens over a temporary database, without a broker."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import uvicorn
from fastapi import FastAPI

from central.api.access.door import LoginDoor
from central.api.access.entrance import open_entrance
from central.api.access.gate import Door
from central.api.application import build
from central.api.services import Services
from central.attachments.desk import AttachmentDesk
from central.attachments.folder import Folder
from central.config import AttachmentsSection
from central.database.store import Database
from central.database.tide import Tide
from central.erp.config import ErpSection
from central.insight.follow import Follower, LedgerSource, ObservationSource
from central.insight.series_duckdb import DuckDBSeries
from central.reports.desk import ReportDesk
from central.sending import MOST_HEARD, SOCKETS, InOnePiece
from central.web.pages import Pages
from tests.fakes import routes_again
from tests.fakes.books import sqlite_books

routes_again.keep()


class Bench:
    """The parts that tell, wired as in production."""

    def __init__(
        self,
        folder: Path,
        database_url: str,
        door: Door | type[LoginDoor] | None = None,
        erp: ErpSection | None = None,
    ) -> None:
        self.database = Database(database_url)
        self.tide = Tide()
        self.series = DuckDBSeries(folder / "series.duckdb")
        self.services = Services(
            database=self.database,
            tide=self.tide,
            series=self.series,
            reports=ReportDesk(folder / "extract", self.database.read_now),
            attachments=AttachmentDesk(Folder(folder / "attachments"), AttachmentsSection()),
            erp=erp,
        )
        self.pages = Pages(database=self.database, tide=self.tide)
        entrance = open_entrance(self.database)
        if isinstance(door, type):
            door = door(entrance.keeper)
        self.entrance = entrance if door is None else entrance._replace(door=door)
        self.app: FastAPI = build(self.services, self.pages, self.entrance)
        self.followers = [
            Follower(
                database=self.database,
                tide=self.tide,
                store=self.series,
                target="duckdb",
                source=source,
            )
            for source in (ObservationSource(), LedgerSource())
        ]
        transport = httpx.ASGITransport(self.app)
        self.http = httpx.AsyncClient(transport=transport, base_url="http://central")

    async def post(self, path: str, status: int = 201, **body: object) -> dict[str, object]:
        answer = await self.http.post(path, json=body)
        assert answer.status_code == status, answer.text
        return dict(answer.json())

    async def put(self, path: str, **body: object) -> None:
        answer = await self.http.put(path, json=body)
        assert answer.status_code == 200, answer.text

    async def get(self, path: str, status: int = 200) -> dict[str, object]:
        answer = await self.http.get(path)
        assert answer.status_code == status, answer.text
        return dict(answer.json())


@asynccontextmanager
async def bench(
    folder: Path,
    books_url: str | None = None,
    door: Door | type[LoginDoor] | None = None,
    erp: ErpSection | None = None,
) -> AsyncIterator[Bench]:
    """A bench over migrated books, closed at the end; on SQLite's of its own without a URL, open
    to everybody without a door.
    """
    made = Bench(folder, books_url or sqlite_books(folder / "central.sqlite"), door, erp)
    await made.series.open()
    try:
        async with made.http:
            yield made
    finally:
        await made.series.close()
        await asyncio.to_thread(made.database.close)


@asynccontextmanager
async def served(made: Bench) -> AsyncIterator[str]:
    """The bench on a free port of the loopback, with its screens live."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        made.app, loop="asyncio", http=InOnePiece, ws=SOCKETS, ws_max_size=MOST_HEARD,
        lifespan="off", log_config=None, timeout_graceful_shutdown=3,
    )  # fmt: skip
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup(sockets=[listening])
    tasks = [asyncio.create_task(made.pages.run()), asyncio.create_task(server.main_loop())]
    tasks += [asyncio.create_task(follower.run()) for follower in made.followers]
    for stream in made.pages.streams:
        stream.resume()  # a bench that was served before has stopped them
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        made.pages.stop()
        await server.shutdown(sockets=[listening])
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
