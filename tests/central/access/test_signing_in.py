"""People log in by the page, and what keeps others from it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from central.access.model import Grant, Role
from tests.central.access.people import HOUR_US, PASSWORD, Clock, hire, log_in, staffed, visitor
from tests.central.harness import Bench


@pytest.fixture
async def staff(tmp_path: Path, books_url: str) -> AsyncIterator[tuple[Bench, Clock]]:
    async with staffed(tmp_path, books_url) as opened:
        yield opened


async def test_a_person_logs_in_works_and_logs_out(staff: tuple[Bench, Clock]) -> None:
    made, _ = staff
    async with visitor(made) as browser:
        asked = await browser.get("/accuracy?days=3")
        assert (asked.status_code, asked.headers["location"]) == (
            303,
            "/login?next=/accuracy%3Fdays%3D3",
        )
        page = await browser.get(asked.headers["location"])
        assert 'value="/accuracy?days=3"' in page.text
        done = await log_in(browser, "root")
        assert done.status_code == 303
        cookie = done.headers.get_list("set-cookie")[0]
        assert cookie.endswith("; HttpOnly; Max-Age=1209600; Path=/; SameSite=lax")
        assert (await browser.get("/")).status_code == 200
        assert (await browser.get("/whoami")).json()["name"] == "root"
        added = await browser.post("/items", json={"sku": "NUT", "name": "Nut"})
        assert added.status_code == 201
        account = (await browser.get("/account")).text
        (csrf,) = set(re.findall(r'name="csrf" value="([0-9a-f]+)"', account))
        out = await browser.post("/logout", data={"csrf": csrf})
        assert out.status_code == 303
        assert (await browser.get("/whoami")).status_code == 303
    (change,) = await entries(made, "add item")
    assert change["actor"].startswith("root")
    assert [one["subject"] for one in await entries(made, "log in")] == ["user:root"]
    assert len(await entries(made, "log out")) == 1


async def entries(made: Bench, action: str) -> list[Any]:
    from central import audit

    found = await made.database.read(lambda c: audit.entries(c, action=action))
    return [{"actor": one.actor, "subject": one.subject, "after": one.after} for one in found]


async def test_a_session_cannot_be_used_by_another_sites_page(staff: tuple[Bench, Clock]) -> None:
    made, _ = staff
    async with visitor(made) as browser:
        await log_in(browser, "root")
        token = browser.headers.pop("x-csrf-token")
        item = {"sku": "NUT", "name": "Nut"}
        for headers in (
            {}, {"x-csrf-token": "guess"}, {"x-csrf-token": token, "sec-fetch-site": "cross-site"},
            {"x-csrf-token": token, "origin": "http://evil.example"},
        ):  # fmt: skip
            refused = await browser.post("/items", json=item, headers=headers)
            assert refused.status_code == 403, headers
        assert (await browser.post("/logout", data={"csrf": "guess"})).status_code == 403
        elsewhere = {"sec-fetch-site": "cross-site"}
        forged = {"name": "root", "password": PASSWORD}
        assert (await browser.post("/login", data=forged, headers=elsewhere)).status_code == 403
        headers = {"x-csrf-token": token, "sec-fetch-site": "same-origin"}
        assert (await browser.post("/items", json=item, headers=headers)).status_code == 201


async def test_wrong_names_and_passwords_are_answered_alike_and_counted(
    staff: tuple[Bench, Clock],
) -> None:
    made, clock = staff
    asked: list[str | None] = []
    check = made.entrance.signing_in.passwords.check

    async def watched(password: str, kept: str | None) -> Any:
        asked.append(kept)
        return await check(password, kept)

    made.entrance.signing_in.passwords.check = watched  # type: ignore[method-assign]
    async with visitor(made) as browser:
        wrong = await log_in(browser, "root", "wrong password")
        unknown = await log_in(browser, "nobody", "wrong password")
        assert (wrong.status_code, unknown.status_code) == (401, 401)
        assert wrong.text.replace("root", "nobody") == unknown.text
        assert len(asked) == 2, "a hash is compared for a name that is not there, too"
        for _ in range(9):
            assert (await log_in(browser, "root", "wrong password")).status_code == 401
        locked = await log_in(browser, "root")
        assert locked.status_code == 429
        wait_s = int(locked.headers["retry-after"])
        assert 0 < wait_s <= 90
        assert len(asked) == 11, "what comes too often is not even compared"
        clock.now_us += wait_s * 1_000_000
        assert (await log_in(browser, "root")).status_code == 303
    failed = await entries(made, "failed log-in")
    assert [one["subject"] for one in failed] == ["user:root"] * 9 + ["user:unknown", "user:root"]


async def test_many_names_from_one_address_are_slowed_down(staff: tuple[Bench, Clock]) -> None:
    made, _ = staff
    async with visitor(made) as browser:
        told = [(await log_in(browser, f"name{n}", "x")).status_code for n in range(31)]
    assert told == [401] * 30 + [429]


async def test_a_session_ends_by_itself_and_by_hand(staff: tuple[Bench, Clock]) -> None:
    made, clock = staff
    async with visitor(made) as here, visitor(made) as there:
        await log_in(here, "root")
        await log_in(there, "root")
        mine: Any = (await here.get("/sessions")).json()["rows"]
        assert len(mine) == 2
        account = (await here.get("/account")).text
        (other,) = re.findall(r'name="session" value="(\w+)"', account)
        token = here.headers["x-csrf-token"]
        ended = await here.post("/account/sessions", data={"csrf": token, "session": other})
        assert ended.status_code == 303
        assert (await there.get("/whoami")).status_code == 303
        clock.now_us += 11 * HOUR_US
        made.entrance.keeper.forget()
        assert (await here.get("/whoami")).status_code == 200
        clock.now_us += 11 * HOUR_US
        made.entrance.keeper.forget()
        assert (await here.get("/whoami")).status_code == 200, "it was used meanwhile"
        clock.now_us += 13 * HOUR_US
        made.entrance.keeper.forget()
        assert (await here.get("/whoami")).status_code == 303


async def test_a_user_is_added_sets_a_password_once_and_is_disabled(
    staff: tuple[Bench, Clock],
) -> None:
    made, _ = staff
    async with visitor(made) as root, visitor(made) as anna:
        await log_in(root, "root")
        added = await root.post("/users", json={"name": "anna", "full_name": "Anna Berg"})
        assert added.status_code == 201
        link: str = added.json()["password_link"]
        token = link.rpartition("=")[2]
        assert (await anna.get(link)).status_code == 200
        for password, status in (
            ("short", 422),
            ("anna anna anna!", 422),
            ("a fine long one", 303),
        ):
            form = {"name": "anna", "token": token, "password": password}
            assert (await anna.post("/password", data=form)).status_code == status
        form = {"name": "anna", "token": token, "password": "another long one"}
        assert (await anna.post("/password", data=form)).status_code == 401
        await log_in(anna, "anna", "a fine long one")
        assert (await anna.get("/stock/NUT")).status_code == 403
        granted = await root.post("/grants", json={"subject": "user:anna", "role": "manager"})
        assert granted.status_code == 201
        assert (await anna.get("/api/inventory")).status_code == 200
        number = granted.json()["id"]
        assert (await root.delete(f"/grants/{number}")).status_code == 200
        assert (await anna.get("/api/inventory")).status_code == 403
        csrf = {"csrf": anna.headers["x-csrf-token"]}
        change = {**csrf, "before": "a fine long one", "password": "yet another long one"}
        wrong = await anna.post("/account/password", data={**change, "before": "no"})
        assert (wrong.status_code, "is wrong" in wrong.text) == (422, True)
        assert (await anna.post("/account/password", data=change)).status_code == 303
        assert (await anna.get("/whoami")).status_code == 303
        await log_in(anna, "anna", "yet another long one")
        assert (await anna.get("/whoami")).status_code == 200
        out = await root.patch("/users/anna", json={"status": "disabled"})
        assert out.status_code == 200
        assert (await anna.get("/whoami")).status_code == 303
        assert (await log_in(anna, "anna", "yet another long one")).status_code == 401


async def test_the_last_administrator_stays(staff: tuple[Bench, Clock]) -> None:
    made, _ = staff
    async with visitor(made) as root:
        await log_in(root, "root")
        (grant,) = (await root.get("/grants?subject=user:root")).json()["rows"]
        for refused in (
            await root.delete(f"/grants/{grant['id']}"),
            await root.patch("/users/root", json={"status": "disabled"}),
        ):
            assert refused.status_code == 409
            assert "last administrator" in refused.json()["detail"]
        await hire(made, "eve", Grant(role=Role.ADMIN))
        assert (await root.delete(f"/grants/{grant['id']}")).status_code == 200
        assert (await root.get("/users")).status_code == 403


async def test_the_first_administrator_is_made_by_the_token_of_the_first_start(
    tmp_path: Path,
) -> None:
    from central.api.access.door import LoginDoor
    from tests.central.harness import bench

    async with bench(tmp_path, door=LoginDoor) as made, visitor(made) as browser:
        token = await made.entrance.keeper.change(made.entrance.signing_in.setup_token)
        assert token is not None
        form = {"token": "guess", "name": "olga", "password": "a fine long one"}
        assert (await browser.get("/setup")).status_code == 200
        assert (await browser.post("/setup", data=form)).status_code == 401
        assert (await browser.post("/setup", data={**form, "token": token})).status_code == 303
        again = await browser.post("/setup", data={**form, "token": token, "name": "eve"})
        assert again.status_code == 401
        assert await made.entrance.keeper.change(made.entrance.signing_in.setup_token) is None
        await log_in(browser, "olga", "a fine long one")
        assert (await browser.get("/users")).json()["rows"][0]["name"] == "olga"


async def test_nobody_is_sent_elsewhere_after_logging_in(tmp_path: Path) -> None:
    async with staffed(tmp_path) as (made, _), visitor(made) as browser:
        for next_ in ("//evil.example", "http://evil.example/", "/\\evil.example", "x"):
            form = {"name": "root", "password": PASSWORD, "next": next_}
            assert (await browser.post("/login", data=form)).headers["location"] == "/", next_
