"""A central where people log in, with an administrator, and a clock that is moved by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from central.access import accounts, grants
from central.access.model import Grant, Role
from central.api.access.door import LoginDoor
from central.catalogue.changes import Told
from tests.central.harness import Bench, bench

PASSWORD = "correct horse battery"
HOUR_US = 3_600_000_000


class Clock:
    """Microseconds since 1970."""

    def __init__(self) -> None:
        self.now_us = 1_800_000_000_000_000

    def __call__(self) -> int:
        return self.now_us


@asynccontextmanager
async def staffed(folder: Path, books_url: str | None = None) -> AsyncIterator[tuple[Bench, Clock]]:
    """A bench with the administrator ``root``."""
    async with bench(folder, books_url, door=LoginDoor) as made:
        clock = Clock()
        made.entrance.keeper.clock_us = clock
        await hire(made, "root", Grant(role=Role.ADMIN))
        yield made, clock


async def hire(made: Bench, name: str, *given: Grant) -> None:
    """An account with a password and grants."""
    told = Told(by="test", at_us=made.entrance.keeper.clock_us())
    kept = await made.entrance.signing_in.passwords.hash(PASSWORD)

    def work(conn: Any) -> None:
        accounts.add(conn, accounts.Account(name=name), told)
        accounts.set_password(conn, name, kept, told)
        for one in given:
            grants.grant(conn, f"user:{name}", one, told)

    await made.entrance.keeper.change(work)


def visitor(made: Bench) -> httpx.AsyncClient:
    """A browser of its own."""
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(made.app), base_url="http://central",
        headers={"accept": "text/html"},
    )  # fmt: skip


async def log_in(browser: httpx.AsyncClient, name: str, password: str = PASSWORD) -> httpx.Response:
    """Through the page's form; afterwards scripts of the page may send its token."""
    answer = await browser.post("/login", data={"name": name, "password": password})
    if token := browser.cookies.get("tp_csrf"):
        browser.headers["x-csrf-token"] = token
    return answer
