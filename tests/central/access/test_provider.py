"""People log in by an OpenID Connect provider, over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from central.access import accounts
from central.access.provider import Provider
from central.api.access.door import LoginDoor
from central.api.access.entrance import Entrance, open_entrance
from central.api.application import build
from central.config import load_settings
from tests.central.access.people import hire, visitor
from tests.central.harness import Bench, bench
from tests.fakes.oidc_provider import CLIENT_ID, CLIENT_SECRET, FakeProvider, running_provider

BACK = "http://central/login/callback"
ROLES = {"bosses": "admin", "dock": "operator@WH-1"}


class Scene(NamedTuple):
    made: Bench
    fake: FakeProvider

    async def log_in(self, browser: httpx.AsyncClient, path: str = "/login/provider") -> Any:
        """There and back again: the answer to coming back."""
        away = await browser.get(path)
        assert away.status_code == 303, away.text
        async with httpx.AsyncClient() as there:
            login = await there.get(away.headers["location"])
        assert login.status_code == 302, login.text
        return await browser.get(login.headers["location"])


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with running_provider() as fake, bench(tmp_path) as made:
        await made.post("/warehouses", code="WH-1", name="x")
        fake.redirect_uris = {BACK}
        fake.person = {"sub": "42", "preferred_username": "Anna", "groups": ["dock", "choir"]}
        provider = Provider(
            issuer=fake.issuer, client_id=CLIENT_ID, client_secret=CLIENT_SECRET,
            groups_claim="groups",
        )  # fmt: skip
        made.entrance = entrance_of(made, provider)
        made.app = build(made.services, made.pages, made.entrance)
        yield Scene(made, fake)


def entrance_of(made: Bench, provider: Provider) -> Entrance:
    plain = open_entrance(made.database)
    door = LoginDoor(plain.keeper)
    return plain._replace(door=door, provider=provider, roles=ROLES, label="Ask the company")


async def whoami(browser: httpx.AsyncClient) -> Any:
    return (await browser.get("/whoami", headers={"accept": "application/json"})).json()


async def test_a_person_comes_by_the_provider_and_gets_what_their_groups_give(scene: Scene) -> None:
    async with visitor(scene.made) as browser:
        assert "Ask the company" in (await browser.get("/login?next=/accuracy")).text
        back = await scene.log_in(browser, "/login/provider?next=/account")
        assert (back.status_code, back.headers["location"]) == (303, "/account"), back.text
        mine = await whoami(browser)
        assert mine["name"] == "anna"
        assert mine["grants"] == [{"role": "operator", "location": "WH-1"}]
        scene.fake.person |= {"groups": ["bosses"]}
        scene.fake.rotate()
        await scene.log_in(browser)
        assert (await whoami(browser))["grants"] == [{"role": "admin", "location": None}]
        scene.fake.person |= {"groups": []}
        refused = await scene.log_in(browser)
        assert (refused.status_code, "none of your groups" in refused.text) == (401, True)


async def test_a_name_that_is_somebodys_here_is_not_given_to_who_comes(scene: Scene) -> None:
    await hire(scene.made, "anna")
    async with visitor(scene.made) as browser:
        await scene.log_in(browser)
        assert (await whoami(browser))["name"] == "anna-2"
    keeper = scene.made.entrance.keeper
    told = keeper.told("test")
    await keeper.change(lambda c: accounts.change(c, "anna-2", {"status": "disabled"}, told))
    async with visitor(scene.made) as browser:
        assert (await scene.log_in(browser)).status_code == 401


@pytest.mark.parametrize(
    "spoilt",
    [
        {"nonce": "of another log-in"}, {"aud": "another client"}, {"iss": "http://evil.example"},
        {"exp": 1_000}, {"sub": None},
    ],
)  # fmt: skip
async def test_a_token_that_is_not_for_this_log_in_is_refused(
    scene: Scene, spoilt: dict[str, Any]
) -> None:
    scene.fake.spoil = lambda claims: claims.update(spoilt)
    async with visitor(scene.made) as browser:
        answer = await scene.log_in(browser)
        assert (answer.status_code, "cannot be believed" in answer.text) == (401, True)
        assert "tp_session" not in browser.cookies


async def test_an_answer_that_was_not_asked_for_lets_nobody_in(scene: Scene) -> None:
    async with visitor(scene.made) as mine, visitor(scene.made) as other:
        away = await mine.get("/login/provider")
        async with httpx.AsyncClient() as there:
            login = await there.get(away.headers["location"])
        answer = login.headers["location"]
        assert (await other.get(answer)).status_code == 401, "begun in another browser"
        await other.get("/login/provider")
        assert (await other.get(answer)).status_code == 401, "another state"
        denied = await mine.get(f"{BACK}?error=access_denied&state=x")
        assert denied.status_code == 401
        assert (await mine.get(answer)).status_code == 303
        await mine.get("/login/provider")
        assert (await mine.get(answer)).status_code == 401, "a code is good once"


async def test_a_provider_that_is_away_is_a_sentence(tmp_path: Path, free_port: int) -> None:
    provider = Provider(
        issuer=f"http://127.0.0.1:{free_port}", client_id="x", client_secret=None,
        groups_claim="groups",
    )  # fmt: skip
    async with bench(tmp_path) as made:
        made.entrance = entrance_of(made, provider)
        made.app = build(made.services, made.pages, made.entrance)
        async with visitor(made) as browser:
            answer = await browser.get("/login/provider")
            assert (answer.status_code, "cannot be reached" in answer.text) == (502, True)
    folder = tmp_path / "other"
    folder.mkdir()
    async with bench(folder) as made, visitor(made) as browser:
        assert (await browser.get("/login/provider")).status_code == 404


def test_the_settings_of_a_provider(tmp_path: Path) -> None:
    file = tmp_path / "central.toml"
    file.write_text(
        '[access.oidc]\nissuer = "https://id.example/realms/x"\nclient_id = "tallyport"\n'
        'client_secret = "s"\nroles = { bosses = "admin", dock = "operator@WH-1" }\n'
    )
    oidc = load_settings(file).access.oidc
    assert oidc is not None
    assert oidc.roles == ROLES
