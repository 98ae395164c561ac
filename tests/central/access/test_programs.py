"""Keys, and tokens by OAuth 2."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest

from central.access import accounts
from central.access.model import Grant, Role
from central.access.rates import Rate
from central.access.tokens import Claims
from tests.central.access.people import HOUR_US, Clock, hire, log_in, staffed, visitor
from tests.central.harness import Bench


@pytest.fixture
async def staff(tmp_path: Path, books_url: str) -> AsyncIterator[tuple[Bench, Clock]]:
    async with staffed(tmp_path, books_url) as opened:
        yield opened


@pytest.fixture
async def root(staff: tuple[Bench, Clock]) -> AsyncIterator[httpx.AsyncClient]:
    async with visitor(staff[0]) as browser:
        await log_in(browser, "root")
        yield browser


async def key(root: httpx.AsyncClient, **wanted: object) -> tuple[str, str]:
    """Its id, and what its program sends."""
    made = await root.post("/keys", json={"name": "shop", **wanted})
    assert made.status_code == 201, made.text
    return made.json()["key"]["id"], made.json()["secret"]


async def asked(made: Bench, bearer: str, path: str = "/api/inventory") -> httpx.Response:
    return await made.http.get(path, headers={"authorization": f"Bearer {bearer}"})


async def token(made: Bench, status: int = 200, **form: str) -> dict[str, Any]:
    answer = await made.http.post("/oauth/token", data=form)
    assert answer.status_code == status, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return dict(answer.json())


async def test_a_key_may_what_its_grants_and_scopes_both_give(
    staff: tuple[Bench, Clock], root: httpx.AsyncClient
) -> None:
    made, clock = staff
    key_id, secret = await key(root, scopes=["read:stock", "read:audit"])
    assert (await asked(made, secret)).status_code == 200
    assert (await asked(made, secret, "/items")).status_code == 403, "not in its scopes"
    assert (await asked(made, secret, "/audit")).status_code == 403, "not in its role"
    assert (await asked(made, f"{secret}x")).status_code == 401
    unknown = await root.post("/keys", json={"name": "x", "scopes": ["read:minds"]})
    assert unknown.status_code == 422
    (shown,) = (await root.get("/keys")).json()["rows"]
    assert shown["id"] == key_id
    assert shown["used_us"] == clock.now_us
    assert secret.split("_", 2)[2] not in str(shown)


async def test_a_key_expires_is_rotated_and_revoked(
    staff: tuple[Bench, Clock], root: httpx.AsyncClient
) -> None:
    made, clock = staff
    soon = datetime.fromtimestamp(clock.now_us / 1e6, UTC) + timedelta(hours=3)
    key_id, first = await key(root, expires_at=soon.isoformat())
    rotated = await root.post(f"/keys/{key_id}/rotate", json={"overlap_h": 1})
    second: str = rotated.json()["secret"]
    for secret in (first, second):
        assert (await asked(made, secret)).status_code == 200
    clock.now_us += HOUR_US
    made.entrance.keeper.forget()
    assert (await asked(made, first)).status_code == 401
    assert (await asked(made, second)).status_code == 200
    clock.now_us += 2 * HOUR_US
    made.entrance.keeper.forget()
    assert (await asked(made, second)).status_code == 401
    key_id, third = await key(root)
    assert (await asked(made, third)).status_code == 200
    assert (await root.delete(f"/keys/{key_id}")).status_code == 200
    assert (await asked(made, third)).status_code == 401
    assert (await root.post(f"/keys/{key_id}/rotate")).status_code == 409


async def test_a_key_is_exchanged_for_a_token_that_dies_with_it(
    staff: tuple[Bench, Clock], root: httpx.AsyncClient
) -> None:
    made, _ = staff
    key_id, secret = await key(root)
    client = {"client_id": key_id, "client_secret": secret.split("_", 2)[2]}
    grant: dict[str, Any] = {"grant_type": "client_credentials", **client}
    narrow = await token(made, **grant, scope="read:stock")
    assert (narrow["token_type"], narrow["scope"], narrow["expires_in"]) == (
        "Bearer", "read:stock", 900,
    )  # fmt: skip
    assert (await asked(made, narrow["access_token"])).status_code == 200
    assert (await asked(made, narrow["access_token"], "/items")).status_code == 403
    pair = (key_id, client["client_secret"])
    form = {"grant_type": "client_credentials"}
    basic = await made.http.post("/oauth/token", data=form, auth=pair)
    assert (await asked(made, basic.json()["access_token"], "/items")).status_code == 200
    for wrong, error, status in (
        ({**grant, "client_secret": "guess"}, "invalid_client", 401),
        ({**grant, "scope": "read:minds"}, "invalid_scope", 400),
        ({"grant_type": "password", "username": "root", "password": "x"},
         "unsupported_grant_type", 400),
        ({"grant_type": "refresh_token", "refresh_token": "guess"}, "invalid_grant", 400),
    ):  # fmt: skip
        assert (await token(made, status, **wrong))["error"] == error
    await root.delete(f"/keys/{key_id}")
    assert (await asked(made, narrow["access_token"])).status_code == 401


async def test_a_token_that_is_forged_or_old_lets_nobody_in(staff: tuple[Bench, Clock]) -> None:
    made, _ = staff
    claims = {"iss": "tallyport", "sub": "user:root", "exp": 4_000_000_000}
    forged = [
        jwt.encode(claims, "another key that is long enough for this", algorithm="HS256"),
        jwt.encode(claims, "", algorithm="none"),
        "nonsense",
    ]
    signer = made.entrance.keeper.signer
    forged.append(signer.sign(Claims("user:root", None), now_us=0))  # of 1970
    for one in forged:
        refused = await asked(made, one)
        assert refused.status_code == 401
        assert "invalid_token" in refused.headers["www-authenticate"]


async def test_a_refresh_token_is_good_once_and_ends_all_when_it_comes_twice(
    staff: tuple[Bench, Clock],
) -> None:
    made, _ = staff
    await hire(made, "anna", Grant(role=Role.OPERATOR))
    async with visitor(made) as anna:
        await log_in(anna, "anna")
        first = (await anna.post("/tokens", json={"scopes": ["read:stock"]})).json()
        assert (await asked(made, first["access_token"])).status_code == 200
        again = await made.http.post(
            "/tokens", json={}, headers={"authorization": f"Bearer {first['access_token']}"}
        )
        assert again.status_code == 403, "a token makes no tokens"
        grant: dict[str, Any] = {"grant_type": "refresh_token"}
        wider: dict[str, Any] = {**grant, "scope": "write:stock"}
        wider["refresh_token"] = first["refresh_token"]
        assert (await token(made, 400, **wider))["error"] == "invalid_scope"
        first = (await anna.post("/tokens", json={"scopes": ["read:stock"]})).json()
        second = await token(made, **grant, refresh_token=first["refresh_token"])
        assert second["scope"] == "read:stock"
        assert (await asked(made, second["access_token"])).status_code == 200
        stolen = await token(made, 400, **grant, refresh_token=first["refresh_token"])
        assert stolen["error"] == "invalid_grant"
        await token(made, 400, **grant, refresh_token=second["refresh_token"])
    told = made.entrance.keeper.told("test")
    await made.entrance.keeper.change(
        lambda c: accounts.change(c, "anna", {"status": "disabled"}, told)
    )
    assert (await asked(made, second["access_token"])).status_code == 401


async def test_who_asks_too_often_is_told_when_to_come_back(
    staff: tuple[Bench, Clock], root: httpx.AsyncClient
) -> None:
    made, clock = staff
    keeper = made.entrance.keeper
    keeper.limit_requests(3)
    _, secret = await key(root)
    answers = [await asked(made, secret) for _ in range(4)]
    assert [one.status_code for one in answers] == [200, 200, 200, 429]
    assert answers[-1].headers["retry-after"] == "20"
    clock.now_us += 20_000_000
    assert (await asked(made, secret)).status_code == 200
    wrong = [(await asked(made, "tp_no_key")).status_code for _ in range(61)]
    assert wrong == [401] * 60 + [429]


def test_a_rate_is_a_burst_and_then_one_by_one() -> None:
    rate = Rate(3, per_s=60)
    assert [rate.take("a", 0.0) for _ in range(4)] == [0, 0, 0, 20]
    assert rate.take("b", 0.0) == 0
    assert rate.take("a", 19.5) == 1
    assert rate.take("a", 20.0) == 0
    rate.give_back("a")
    assert rate.take("a", 20.0) == 0
    rate.forget("a")
    assert [rate.take("a", 20.0) for _ in range(4)] == [0, 0, 0, 20]
