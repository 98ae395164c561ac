"""The screens: what they render, what they stream, and that nothing comes from elsewhere."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from central.web import pages
from screens.static_files import STATIC
from tests.central import scene
from tests.central.harness import Bench, bench, served


@pytest.fixture
async def made(tmp_path: Path, books_url: str) -> AsyncIterator[Bench]:
    async with bench(tmp_path, books_url) as opened:
        yield opened


def test_vendored_files_are_what_they_say() -> None:
    vendor = STATIC / "vendor"
    rows = re.findall(
        r"^\| (\S+) \|.*`([0-9a-f]{64})` \|$", (vendor / "VENDOR.md").read_text(), re.MULTILINE
    )
    assert {name for name, _ in rows} == {
        path.name for path in vendor.iterdir() if path.suffix in {".js", ".css", ".wasm"}
    }
    for name, digest in rows:
        assert hashlib.sha256((vendor / name).read_bytes()).hexdigest() == digest, name


def test_templates_hold_no_inline_script_or_style() -> None:
    ours = (STATIC.parent / "templates", Path(pages.__file__).parent / "templates")
    for path in (each for folder in ours for each in folder.rglob("*.html")):
        text = path.read_text()
        assert not re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son[a-z]+=", text), path
        assert "//" not in re.sub(r"\{#.*?#\}|at_us // 1000", "", text), path


async def test_an_empty_central_shows_what_to_do(made: Bench) -> None:
    page = (await made.http.get("/")).text
    for hint in (
        "Nothing needs you",
        "No items yet",
        "No pass yet",
        "The ledger is empty",
        "No device has reported",
    ):
        assert hint in page


async def test_the_first_screen_and_its_links(made: Bench) -> None:
    await scene.set_up(made)
    await scene.play(made)
    page = (await made.http.get("/")).text
    assert "Durum pasta 1 kg" in page
    assert "/dev/ttyACM0 does not exist" in page
    assert "hand on it" in page
    assert 'id="plate-shelf-7-3"' in page
    for link in set(re.findall(r'(?:hx-get|href|src)="(/[^"]+)"', page)):
        if link.startswith("/devices/"):
            continue  # an edge's console, over a broker that this bench has not
        answer = await made.http.get(link)
        assert answer.status_code == 200, link
    assert (await made.http.get("/screen/movements/unknown")).status_code == 404
    assert (await made.http.get("/screen/passes/unknown")).status_code == 404


async def test_the_accuracy_screen_tells_what_was_judged(made: Bench) -> None:
    empty = (await made.http.get("/accuracy")).text
    assert "Nothing was judged in these days" in empty
    await scene.set_up(made)
    await scene.play(made)
    page = (await made.http.get("/accuracy?days=31")).text
    (figures,) = re.findall(r"<section class=.figures.*?</section>", page, re.DOTALL)
    posted = (await made.get("/kpis?days=31"))["overall"]["auto_posted"]
    assert posted > 0
    assert f"{posted} of {posted}; 95 %" in re.sub("<[^>]+>", "", figures)
    assert '<a href="/accuracy?days=7">' in page
    assert "By read point" in page
    assert (await made.http.get("/accuracy?days=0")).status_code == 422


async def test_hostile_names_are_text(made: Bench) -> None:
    await made.post("/locations", code="a", name="<b>A</b>")
    await made.post("/items", sku="X", name="<script>alert(1)</script>")
    await made.post("/stock/receive", sku="X", quantity=1, location="a")
    page = (await made.http.get("/")).text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


async def _next_event(stream: AsyncIterator[bytes]) -> str:
    async with asyncio.timeout(60):
        async for chunk in stream:
            if b"data:" in chunk:
                return chunk.decode()
    raise AssertionError("the stream ended")


async def test_the_stream_sends_what_changed_and_only_that(made: Bench) -> None:
    await scene.set_up(made)
    following = asyncio.create_task(made.pages.live.run())
    stream = made.pages.live.stream()
    first = await _next_event(stream)
    assert all(f'hx-target="#{name}"' in first for name in ("stock", "passes", "devices"))
    await made.post("/stock/receive", id="late-0001", sku="SCR-M4", quantity=7, location="backroom")
    second = await _next_event(stream)
    assert second.startswith("id: ")
    assert 'hx-target="#stock"' in second
    assert 'hx-target="#devices"' not in second
    late = made.pages.live.stream()
    assert 'hx-target="#devices"' in await _next_event(late)
    made.pages.live.stop()
    await stream.aclose()
    await late.aclose()
    assert made.pages.live.clients == 0
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)


async def test_many_screens_share_one_rendering(made: Bench) -> None:
    await scene.set_up(made)
    following = asyncio.create_task(made.pages.live.run())
    streams = [made.pages.live.stream() for _ in range(150)]
    firsts = await asyncio.gather(*(_next_event(stream) for stream in streams))
    assert len(set(firsts)) <= 2
    for number in range(20):
        await made.post("/stock/receive", sku="SCR-M4", quantity=1 + number, location="backroom")

    total = (await made.get("/stock/SCR-M4"))["on_hand"]
    assert total == 425 + 72 + 210

    async def until_current(stream: AsyncIterator[bytes]) -> None:
        while f">{total}<" not in await _next_event(stream):
            pass

    await asyncio.gather(*(until_current(stream) for stream in streams))
    for stream in streams:
        await stream.aclose()
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)


async def test_the_server_stops_while_screens_are_open(made: Bench) -> None:
    async with asyncio.timeout(60):
        async with served(made) as url:
            port = int(url.rpartition(":")[2])
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET /live HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b"200 OK" in await reader.readuntil(b"data:")
        await reader.read()
        writer.close()
        await writer.wait_closed()
