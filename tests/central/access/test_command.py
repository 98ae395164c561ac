"""The command that makes the first administrator, and which door the settings ask for."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from central.access.keeper import Keeper
from central.api.access.door import LocalDoor, LoginDoor
from central.api.access.entrance import Entrance, entrance_for, open_or_closed
from central.cli import app
from central.config import CentralSettings, ConfigError, load_settings
from central.database.store import Database
from tests.central.access.people import visitor
from tests.central.harness import bench
from tests.fakes.books import sqlite_books

run = CliRunner().invoke


def settings_in(folder: Path, more: str = "") -> Path:
    sqlite_books(folder / "central.sqlite")
    path = folder / "central.toml"
    path.write_text(f'[central]\ndata_dir = "{folder}"\n{more}')
    return path


def test_the_first_administrator_sets_a_password_by_a_link(tmp_path: Path) -> None:
    config = str(settings_in(tmp_path))
    assert "nobody has an account" in run(app, ["users", "list", "-c", config]).stdout
    told = run(app, ["users", "add", "--admin", "olga", "-c", config])
    assert told.exit_code == 0, told.output
    assert "http://127.0.0.1:8080/password?name=olga&token=" in told.stdout
    again = run(app, ["users", "add", "olga", "-c", config])
    assert (again.exit_code, "already" in again.stderr) == (1, True)
    asked = ["users", "add", "pia", "--prompt", "-c", config]
    assert "can log in" in run(app, asked, input="a fine long one\na fine long one\n").stdout
    weak = ["users", "add", "eve", "--prompt", "-c", config]
    assert run(app, weak, input="short\nshort\n").exit_code == 1
    assert run(app, ["users", "link", "nobody", "-c", config]).exit_code == 1
    rows = json.loads(run(app, ["users", "list", "--json", "-c", config]).stdout)["rows"]
    assert [(row["name"], row["grants"]) for row in rows] == [
        ("olga", [{"role": "admin", "location": None}]), ("pia", []),
    ]  # fmt: skip


def door_of(folder: Path, more: str, setup: str | None) -> Entrance:
    settings = load_settings(settings_in(folder, more))
    made = entrance_for(settings, Database(settings.database_url))
    return open_or_closed(made, settings, setup)


@pytest.mark.parametrize(
    ("more", "setup", "door"),
    [
        ("", "token", LocalDoor),
        ("", None, LoginDoor),  # somebody has an account: the door is closed
        ('[access]\nmode = "required"\n', "token", LoginDoor),
        ('[access]\nmode = "open"\n', None, LocalDoor),
        ('[http]\nhost = "0.0.0.0"\n', "token", LoginDoor),
        ('[http]\nhost = "::1"\n', "token", LocalDoor),
    ],
)
def test_which_door_the_settings_ask_for(
    tmp_path: Path, more: str, setup: str | None, door: type[LoginDoor]
) -> None:
    made = door_of(tmp_path, more, setup)
    assert type(made.door) is door
    assert isinstance(made.keeper, Keeper)
    secret = tmp_path / "access.secret"
    assert (len(secret.read_text()), secret.stat().st_mode & 0o077) == (64, 0)


def test_open_to_the_network_must_be_said_twice(tmp_path: Path) -> None:
    once = '[http]\nhost = "0.0.0.0"\n[access]\nmode = "open"\n'
    with pytest.raises(ConfigError, match="open_to_network = true"):
        load_settings(settings_in(tmp_path, once))
    settings = load_settings(settings_in(tmp_path, once + "open_to_network = true\n"))
    assert isinstance(settings, CentralSettings)
    assert isinstance(door_of(tmp_path, once + "open_to_network = true\n", None).door, LocalDoor)


async def test_the_open_door_is_open_to_this_machine_only(tmp_path: Path) -> None:
    async with bench(tmp_path, door=LocalDoor) as made, visitor(made) as browser:

        async def told(method: str = "GET", **headers: str) -> int:
            answer = await browser.request(method, "/locations", headers=headers, json={})
            return answer.status_code

        for host in ("127.0.0.1:8080", "localhost", "[::1]:8080"):
            assert await told(host=host) == 200
        for host in ("evil.example", "evil.example:8080", "127.0.0.1.evil.example"):
            assert await told(host=host) == 403, "a name that was bent to this machine"
        mine = {"host": "localhost:8080"}
        assert await told(**mine, **{"x-forwarded-for": "203.0.113.7"}) == 303, "a proxy's visitor"
        assert await told("POST", **mine) == 422
        assert await told("POST", **mine, origin="http://localhost:8080") == 422
        assert await told("POST", **mine, origin="http://evil.example") == 403
        assert await told("POST", **mine, **{"sec-fetch-site": "cross-site"}) == 403
        assert await told(**mine, authorization="Bearer tp_no_key") == 401
        assert await told(**mine, cookie="tp_session=over") == 200


async def test_a_central_that_is_open_says_so(tmp_path: Path) -> None:
    async with bench(tmp_path) as made:
        page: httpx.Response = await made.http.get("/account")
        assert "open to everybody" in page.text
