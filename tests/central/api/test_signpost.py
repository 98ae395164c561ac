"""Behind the signpost every request finds the route that it found without."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from starlette.routing import Match, Route

from central.api.application import build
from central.api.services import Services
from central.api.signpost import Signpost
from central.attachments.desk import AttachmentDesk
from central.attachments.folder import Folder
from central.config import AttachmentsSection
from central.database.store import Database
from central.database.tide import Tide
from central.insight.series_duckdb import DuckDBSeries
from central.reports.desk import ReportDesk
from central.web.pages import Pages


@pytest.fixture
def application(tmp_path: Path) -> FastAPI:
    """Central's, on books that nobody opens."""
    database, tide = Database(f"sqlite:///{tmp_path / 'central.sqlite'}"), Tide()
    services = Services(
        database=database, tide=tide, series=DuckDBSeries(tmp_path / "s.duckdb"),
        reports=ReportDesk(tmp_path / "extract", database.read_now),
        attachments=AttachmentDesk(Folder(tmp_path / "attachments"), AttachmentsSection()),
    )  # fmt: skip
    return build(services, Pages(database=database, tide=tide))


def filled(path: str) -> str:
    """A request's path for a route."""
    return "/".join("x-1" if word.startswith("{") else word for word in path.split("/"))


def test_every_route_is_found_that_the_whole_list_would_find(application: FastAPI) -> None:
    routes = [one for one in application.router.routes if isinstance(one, Route)]
    signpost = Signpost(application.router, routes)
    for route in routes:
        for method in route.methods or ():
            scope = {"type": "http", "method": method, "path": filled(route.path), "headers": []}
            first = next(one for one in routes if one.matches(dict(scope))[0] is Match.FULL)
            among = signpost.routes_for(scope["path"])
            fits = (one for one in among if one.matches(dict(scope))[0] is Match.FULL)
            found = next(fits, None)
            if found is None:  # then the whole list is tried, which only these may need
                assert ":path}" in route.path
                continue
            assert found is first, (method, route.path)


def test_who_names_a_thing_passes_by_the_paths_that_are_written_out(
    application: FastAPI,
) -> None:
    routes = [one for one in application.router.routes if isinstance(one, Route)]
    tried = Signpost(application.router, routes).routes_for("/stock/ABC-12345")
    assert {one.path for one in tried if isinstance(one, Route)} == {"/stock/{sku}"}


def small() -> FastAPI:
    made = APIRouter()

    @made.get("/things/{name}")
    async def thing(name: str) -> str:
        return name

    @made.put("/things/{name}")
    async def put(name: str) -> str:
        return f"put {name}"

    @made.get("/files/{name:path}")
    async def file(name: str) -> str:
        return name

    @made.get("/fr/{what}/x")
    async def french(what: str) -> str:
        return what

    @made.get("/fr/help")
    async def help_in_french() -> str:
        return "aide"

    @made.get("/{lang}/about")
    async def about(lang: str) -> str:
        return f"about {lang}"

    app = FastAPI()
    app.router.routes += made.routes
    app.router.middleware_stack = Signpost(app.router.middleware_stack, app.router.routes)
    return app


@pytest.mark.parametrize(
    ("method", "path", "status", "body"),
    [
        ("GET", "/things/a", 200, '"a"'),
        ("PUT", "/things/a", 200, '"put a"'),
        ("DELETE", "/things/a", 405, None),
        ("GET", "/things/a/b", 404, None),
        ("GET", "/nowhere", 404, None),
        ("GET", "/files/a/b", 200, '"a/b"'),
        ("GET", "/en/about", 200, '"about en"'),
        ("GET", "/files/about", 200, '"about"'),
        ("GET", "/fr/about", 200, '"about fr"'),
        ("GET", "/fr/help", 200, '"aide"'),
        ("GET", "/things/about", 200, '"about"'),
        ("GET", "/", 404, None),
    ],
)
async def test_what_is_found_and_what_is_not(
    method: str, path: str, status: int, body: str | None
) -> None:
    transport = httpx.ASGITransport(small())
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
        answer = await client.request(method, path)
    assert answer.status_code == status
    if body is not None:
        assert answer.text == body


async def test_a_slash_at_the_end_leads_to_the_path_without() -> None:
    transport = httpx.ASGITransport(small())
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
        answer = await client.get("/things/a/")
    assert (answer.status_code, answer.headers["location"]) == (307, "http://here/things/a")
