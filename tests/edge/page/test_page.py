"""The edge's page as programs and browsers may and may not use it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from edge.config import ConfigError, PageSection, check
from edge.page.entry import COOKIE, Entry
from tests.edge.console.bench import Site, site
from tests.fakes.clock import FakeClock

PIN = "4711-0815"


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[Site]:
    async with site(tmp_path) as ready:
        yield ready


@pytest.fixture
async def pinned(tmp_path: Path) -> AsyncIterator[Site]:
    async with site(tmp_path, page={"port": 0, "pin": PIN}) as ready:
        yield ready


async def test_pages_have_no_way_out_and_nothing_inline(made: Site) -> None:
    async with httpx.AsyncClient(base_url=made.url) as http:
        for path in ("/", "/device/dock", "/health", "/logs"):
            page = await http.get(path)
            assert page.status_code == 200
            assert "script-src 'self'" in page.headers["content-security-policy"]
            assert " style=" not in page.text
            assert "<script>" not in page.text
            assert "http://" not in page.text
            assert page.headers["cache-control"] == "no-store"
            assert "server" not in page.headers


async def test_programs_of_this_machine_ask_how_it_is_without_the_pin(pinned: Site) -> None:
    async with httpx.AsyncClient(base_url=pinned.url) as http:
        told = await http.get("/now.json")
        assert told.status_code == 200
        assert {one["name"] for one in told.json()["devices"]} == {"dock", "plate", "gun"}


async def test_another_sites_page_cannot_ask(made: Site) -> None:
    async with httpx.AsyncClient(base_url=made.url) as http:
        for headers in ({"origin": "http://evil.example"}, {"sec-fetch-site": "cross-site"}):
            answer = await http.post("/do/retry", json={"device": "dock"}, headers=headers)
            assert answer.status_code == 403
        # A name that was made to point here (DNS rebinding).
        answer = await http.get("/", headers={"host": "evil.example:8081"})
        assert answer.status_code == 403
    assert made.desk.counters["asks"] == 0


async def test_what_changes_something_goes_its_own_way(made: Site) -> None:
    async with httpx.AsyncClient(base_url=made.url) as http:
        assert (await http.post("/ask/retry", json={"device": "dock"})).status_code == 405
        assert (await http.post("/ask/devices", json={})).status_code == 202
        assert (await http.post("/ask/devices", content=b"no json")).status_code == 422
        assert (await http.get("/ask/unknown/live")).status_code == 404


async def test_two_browsers_that_watch_the_same_share_one_ask(made: Site) -> None:
    async with httpx.AsyncClient(base_url=made.url) as http:
        ids = {(await http.post("/ask/watch", json={"device": "dock"})).json()["id"] for _ in "12"}
        assert len(ids) == 1
        (ask_id,) = ids
        await http.delete(f"/ask/{ask_id}")
        assert (await http.get(f"/ask/{ask_id}")).json()["state"] == "running"


async def test_the_pin_opens_the_page_and_nothing_else_does(pinned: Site) -> None:
    async with httpx.AsyncClient(base_url=pinned.url) as http:
        shown = await http.get("/", headers={"accept": "text/html"})
        assert (shown.status_code, shown.headers["location"]) == (303, "/pin")
        assert (await http.post("/ask/devices", json={})).status_code == 401
        wrong = await http.post("/pin", data={"pin": "guess"})
        assert wrong.status_code == 403
        assert "This is not the pin." in wrong.text
        opened = await http.post("/pin", data={"pin": PIN})
        cookie = opened.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert (await http.get("/")).status_code == 200
        value = http.cookies[COOKIE]
    until, signature = value.split(".")
    forged = f"{int(until) + 1}.{signature}"
    async with httpx.AsyncClient(base_url=pinned.url, cookies={COOKIE: forged}) as http:
        assert (await http.post("/ask/devices", json={})).status_code == 401


def test_guessing_pins_gets_slower_and_slower() -> None:
    clock = FakeClock()
    entry = Entry(PageSection(pin=PIN), b"k" * 32, edge="pi", clock=clock)
    waits = []
    for _ in range(12):
        assert entry.open("guess") is None
        waits.append(entry.wait_s())
        if entry.wait_s():
            assert entry.open(PIN) is None, "even the right one waits"
        clock.pass_s(entry.wait_s())
    assert waits[:4] == [0, 0, 0, 0]
    assert waits[4:8] == [2, 4, 8, 16]
    assert max(waits) == 60
    assert entry.open(PIN) is not None
    assert entry.wrong == 0


def test_beyond_this_machine_a_pin_is_needed() -> None:
    base = {"edge": {"name": "pi", "site": "s"}, "mqtt": {}}
    for host in ("0.0.0.0", "192.0.2.1", "pi.local"):
        with pytest.raises(ConfigError, match="needs a pin"):
            check({**base, "page": {"host": host}})
        assert check({**base, "page": {"host": host, "pin": PIN}}).page.pin == PIN
    assert check({**base, "page": {"host": "::1"}}).page.pin is None
    assert check({**base, "page": {"host": "0.0.0.0", "enabled": False}}).page.enabled is False
