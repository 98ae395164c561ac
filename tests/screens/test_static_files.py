"""Static files: kept by browsers under an address that names their content, and packed."""

from __future__ import annotations

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from screens.static_files import STATIC, KeptFiles, static_address


@pytest.fixture
def browser() -> httpx.AsyncClient:
    app = Starlette(routes=[Mount("/static", KeptFiles(directory=STATIC))])
    transport = httpx.ASGITransport(app)
    return httpx.AsyncClient(transport=transport, base_url="http://here")


async def test_a_file_is_packed_and_kept_for_ever_under_its_content(
    browser: httpx.AsyncClient,
) -> None:
    address = static_address("app.css")
    async with browser.stream("GET", address) as packed:
        raw = b"".join([part async for part in packed.aiter_raw()])
    whole = (STATIC / "app.css").read_bytes()
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["vary"] == "accept-encoding"
    assert packed.headers["content-type"].startswith("text/css")
    assert packed.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert int(packed.headers["content-length"]) == len(raw) < len(whole) / 2
    assert (await browser.get(address)).content == whole


async def test_who_does_not_take_packed_ones_or_wants_a_part_gets_it_as_it_is(
    browser: httpx.AsyncClient,
) -> None:
    whole = (STATIC / "app.css").read_bytes()
    plain = await browser.get("/static/app.css", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.headers["vary"] == "accept-encoding"  # or a cache would mix the two up
    assert plain.headers["cache-control"] == "no-cache"
    assert plain.content == whole
    part = await browser.get("/static/app.css", headers={"range": "bytes=0-9"})
    assert (part.status_code, part.content) == (206, whole[:10])


async def test_a_file_that_is_not_there_is_told(browser: httpx.AsyncClient) -> None:
    assert (await browser.get("/static/nothing.css")).status_code == 404


async def test_a_file_that_did_not_change_is_not_sent_again(browser: httpx.AsyncClient) -> None:
    first = await browser.get("/static/app.css")
    since = {"if-modified-since": first.headers["last-modified"]}
    assert (await browser.get("/static/app.css", headers=since)).status_code == 304
