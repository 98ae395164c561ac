"""What can happen to a phone: central dies, two tabs are open, the session runs out, the clock is
wrong, a new version comes. Nothing is lost, nothing is doubled, and people are told.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from central.access.model import Grant, Role
from central.web.scan import pages as scan_pages
from tests.central.access.people import PASSWORD, hire, log_in, staffed
from tests.central.harness import Bench, bench, served
from tests.central.scan.floor import BOLT, NUT, furnish, units
from tests.central.scan.phone import NEEDS_BROWSER, Phone, phone

pytestmark = NEEDS_BROWSER
ROOT = Path(__file__).parents[3]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


@asynccontextmanager
async def central(folder: Path, port: int) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process of its own, answering."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.central.scan.dying_central", str(folder), str(port),
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as asking:
            async with asyncio.timeout(60):
                while not await answers(asking):
                    assert process.returncode is None, "central did not begin"
                    await asyncio.sleep(0.1)
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def answers(asking: httpx.AsyncClient) -> bool:
    try:
        return (await asking.get("/healthz")).status_code == 200
    except httpx.TransportError:
        return False


async def test_a_central_that_dies_before_it_answers_doubles_nothing(tmp_path: Path) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    async with central(tmp_path, port) as first, phone(url) as one:
        await one.ready()
        await one.go("order/po-12345")
        (tmp_path / "die").touch()
        await one.scan(NUT)
        await one.told("Taken")
        await first.wait()
        await one.shows("#link", "No network")
        await one.scan(NUT)
        await one.shows("#queue", "2 to send")
        # Not the network is away, but central: the page comes from the phone all the same.
        await one.page.reload()
        await one.shows("[data-line='1']", "2 / 10")
        async with central(tmp_path, port):
            await one.go("waiting")
            await one.page.click("#send-now")
            await one.sent()
            async with httpx.AsyncClient(base_url=url) as asking:
                order = (await asking.get("/api/orders/inbound/po-12345")).json()
                moved = (await asking.get("/movements")).json()["rows"]
    assert order["lines"][0]["received"] == 2
    assert [row["quantity"] for row in moved if row["destination"] == "DOCK"] == [1, 1]


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench(tmp_path) as opened:
        await furnish(opened)
        yield opened


async def test_two_tabs_send_each_thing_once(made: Bench) -> None:
    async with served(made) as url, phone(url) as one:
        await one.ready()
        other = Phone(await one.page.context.new_page(), url)
        await other.open("order/po-12345")
        await one.page.context.set_offline(True)
        await one.go("order/po-12345")
        for _ in range(3):
            await one.scan(NUT)
            await other.scan(NUT)
        await one.shows("[data-line='1']", "6 / 10")
        await other.shows("[data-line='1']", "6 / 10")
        await one.page.context.set_offline(False)
        await one.sent()
        await other.sent()
        order: Any = await made.get("/api/orders/inbound/po-12345")
        assert order["lines"][0]["received"] == 6
        assert await units(made, "NUT", "DOCK") == 6


async def test_two_phones_on_one_walk_pick_it_once(made: Bench) -> None:
    async with served(made) as url, phone(url) as one, phone(url) as other:
        for each in (one, other):
            await each.ready()
            await each.page.context.set_offline(True)
            await each.go("walk/walk-12345")
            await each.scan("A-2")
            await each.scan(BOLT)
            await each.press("OK")
            await each.told("Taken")
        await one.page.context.set_offline(False)
        await one.sent()
        await other.page.context.set_offline(False)
        await other.told("this pick is done", "bad")
        assert await units(made, "BOLT", "SHIP") == 2
        await other.go("waiting")
        await other.press("Discard")
        await other.page.locator("dialog").get_by_role("button", name="Discard").click()
        await other.sent()


async def test_who_is_signed_out_signs_in_and_goes_on(tmp_path: Path) -> None:
    async with staffed(tmp_path) as (made, _clock), served(made) as url:
        await log_in(made.http, "root")
        await furnish(made)
        await hire(made, "olga", Grant(role=Role.OPERATOR))
        await hire(made, "bert", Grant(role=Role.OPERATOR))
        async with phone(url) as one:
            await one.shows("#screen", "Sign in to get your tasks")
            await sign_in(one, "olga")
            await one.ready()
            await one.page.context.set_offline(True)
            await one.go("order/po-12345")
            await one.scan(NUT)
            await one.told("Taken")
            # The session ends while nobody can tell the phone.
            await made.database.write(
                lambda c: (
                    c.exec_driver_sql("DELETE FROM login_session WHERE account = 'olga'") and None
                )
            )
            made.entrance.keeper.forget()
            await one.page.context.set_offline(False)
            await one.shows("#screen", "Sign in to send 2 things")
            # Somebody else's hands did it: nothing is sent in the wrong name.
            await sign_in(one, "bert")
            await one.shows("#screen", "2 of somebody else wait here")
            assert await units(made, "NUT", "DOCK") == 0
            await leave(one)
            await sign_in(one, "olga")
            await one.sent()
            moved: Any = await made.get("/movements")
            assert (moved["rows"][0]["actor"], await units(made, "NUT", "DOCK")) == ("olga", 1)


async def sign_in(one: Phone, name: str) -> None:
    await one.page.goto(f"{one.url}/login?next=/scan")
    await one.page.fill("input[name=name]", name)
    await one.page.fill("input[name=password]", PASSWORD)
    await one.page.click("main button[type=submit], main button")
    await one.page.wait_for_url("**/scan")
    await one.page.wait_for_selector("#link.good")


async def leave(one: Phone) -> None:
    """Log out, though something waits: it says so first, wherever one does."""
    await one.page.goto(f"{one.url}/account")
    asked = asyncio.get_running_loop().create_future()

    async def dismiss(dialog: Any) -> None:
        await dialog.dismiss()  # the click may last until somebody answers
        asked.set_result(dialog.message)

    one.page.once("dialog", dismiss)
    await one.page.click("form[action='/logout'] button")
    assert "2 scans are not with central yet" in await asked
    await one.open("")
    await one.press("Log out")
    await one.shows("dialog", "2 things are not with central yet")
    await one.press("Log out all the same")
    await one.page.wait_for_url("**/login*")


async def test_a_wrong_clock_is_put_right(made: Bench) -> None:
    async with served(made) as url, phone(url) as one:
        await one.page.add_init_script(
            "const real = Date.now.bind(Date); Date.now = () => real() + 3 * 3600e3;"
        )
        await one.page.reload()
        await one.ready()
        await one.page.click("#get-newest")
        await one.shows("#screen", "3 h ahead")
        await one.page.context.set_offline(True)
        await one.go("order/po-12345")
        await one.scan(NUT)
        await one.told("Taken")
        scanned = datetime.now(UTC)
        await one.page.context.set_offline(False)
        await one.sent()
        moved: Any = await made.get("/movements")
        at = datetime.fromisoformat(moved["rows"][0]["event_time"])
        assert abs(at - scanned) < timedelta(seconds=20)


async def test_a_new_version_is_offered(made: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    async with served(made) as url, phone(url) as one:
        await one.ready()
        before = scan_pages.shell
        monkeypatch.setattr(
            scan_pages, "shell", lambda page: before(page) | {"build": "another-build"}
        )
        await one.page.evaluate(
            "navigator.serviceWorker.getRegistration('/scan').then((one) => one.update())"
        )
        await one.shows("#screen", "There is a new version")
        async with one.page.expect_navigation():
            await one.press("Reload")
        await one.ready()
        caches = await one.page.evaluate("caches.keys()")
        assert caches == ["scan-another-build"]


async def test_the_shell_is_small_and_all_of_it_is_kept(made: Bench) -> None:
    """Below 200 KiB with everything that the page loads; the decoder is another matter."""
    async with served(made) as url, phone(url) as one:
        await one.ready()
        sizes = await one.page.evaluate(
            """async () => {
              const [name] = await caches.keys();
              const cache = await caches.open(name);
              const found = {};
              for (const asked of await cache.keys()) {
                const answer = await cache.match(asked);
                found[new URL(asked.url).pathname] = (await answer.arrayBuffer()).byteLength;
              }
              return found;
            }"""
        )
        assert sum(sizes.values()) < 200 * 1024, sizes
        loaded = await one.page.evaluate(
            "performance.getEntriesByType('resource').map((one) => new URL(one.name).pathname)"
        )
        told = {path for path in loaded if path.startswith("/static/")}
        assert told <= sizes.keys() | {"/static/favicon.svg"}
        manifest = (await made.http.get("/scan/manifest.webmanifest")).json()
        for icon in manifest["icons"]:
            assert (await made.http.get(icon["src"])).status_code == 200
