"""What goes the quick way is answered as FastAPI itself answers it, and so is what is wrong."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import httpx
import pytest
from fastapi import (
    APIRouter,
    Depends,
    FastAPI,
    Header,
    HTTPException,
    Query,
    Request,
    Response,
)
from fastapi.routing import APIRoute
from pydantic import AliasChoices, AwareDatetime, BaseModel, Field
from starlette.types import Message, Scope

from central.api import quick
from central.api.quick import QuickRoute
from central.api.services import json_answer

Key = Annotated[str | None, Header(alias="Idempotency-Key", max_length=8)]
Limit = Annotated[int, Query(ge=1, le=10)]


class Goods(BaseModel):
    sku: str
    quantity: Annotated[int, Field(ge=1)]
    to: str = Field("", validation_alias=AliasChoices("to", "destination"))
    when: AwareDatetime | None = None


async def asker(request: Request) -> str:
    return request.headers.get("x-asker", "nobody")


def application(route_class: type[APIRoute]) -> FastAPI:
    made = APIRouter(route_class=route_class)

    @made.get("/things/{number}/{name}")
    async def thing(  # noqa: PLR0917 (all kinds of questions)
        number: int,
        name: str,
        word: str,
        kind: Literal["a", "b"] | None = None,
        wide: bool = False,
        at: AwareDatetime | None = None,
        limit: Limit = 5,
    ) -> Response:
        when: datetime | None = at
        return json_answer([number, name, word, kind, wide, when, limit])

    @made.post("/things", status_code=201)
    async def add(body: Goods, by: Annotated[str, Depends(asker)], key: Key = None) -> Response:
        return json_answer([body.model_dump(), by, key], 201)

    @made.post("/refused/{name}")
    async def refused(name: str, body: Goods) -> Response:
        if name == "here":
            raise HTTPException(418, f"no {body.sku}", {"x-reason": "tea"})
        raise KeyError(name)

    @made.get("/several")
    async def several(one: Annotated[list[str], Query()]) -> Response:
        return json_answer(one)

    app = FastAPI()

    @app.exception_handler(KeyError)
    async def unknown(_request: Request, error: KeyError) -> Response:
        return json_answer({"unknown": str(error)}, 404)

    app.router.routes += made.routes
    return app


BOTH = [application(APIRoute), application(QuickRoute)]
GOOD = '{"sku": "NUT", "quantity": 2, "destination": "dock", "when": "2026-01-05T06:00:00Z"}'


async def ask(app: FastAPI, *said: Any, **more: Any) -> httpx.Response:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
        return await client.request(*said, **more)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("word=x", 200),
        ("word=", 200),
        ("word=x&word=y", 200),
        ("word=%C3%BC%20%2B&kind=b&wide=yes&at=2026-01-05T06:00:00Z&limit=10", 200),
        ("word=x&unknown=1", 200),
        ("", 422),
        ("word=x&kind=c", 422),
        ("word=x&limit=11&at=yesterday", 422),
        ("word=x&limit=", 422),
        ("word=x&at=2026-01-05T06:00:00", 422),
        ("&word=x&&limit=2&", 200),
        ("word&limit=2", 200),
        ("limit=2&=word", 422),
        ("word=a=b;c", 200),
        ("word=a+b", 200),
        ("word=%", 200),
        ("w%6Frd=x", 200),
        ("Word=x", 422),
    ],
)
@pytest.mark.parametrize("path", ["/things/7/n%20m", "/things/seven/n"])
async def test_questions(path: str, query: str, status: int) -> None:
    own, fast = [await ask(app, "GET", f"{path}?{query}") for app in BOTH]
    assert (fast.status_code, fast.text) == (own.status_code, own.text)
    assert own.status_code == (422 if "seven" in path else status)


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (GOOD, {"content-type": "application/json"}, 201),
        (GOOD, {"content-type": "application/json; charset=utf-8"}, 201),
        (GOOD, {"content-type": "application/vnd.goods+json"}, 201),
        (GOOD, {"content-type": "application/json", "x-asker": "anna"}, 201),
        (GOOD, {"content-type": "application/json", "idempotency-key": "k-1"}, 201),
        (GOOD, {"content-type": "application/json", "idempotency-key": "k" * 9}, 422),
        (GOOD, {"content-type": "text/plain"}, 422),
        (GOOD, {}, 422),
        (GOOD[:-1], {"content-type": "application/json"}, 422),
        ('{"sku": "\xff"}'.encode("latin-1"), {"content-type": "application/json"}, 400),
        ('{"sku": "NUT", "quantity": 0}', {"content-type": "application/json"}, 422),
        ('{"sku": "NUT", "quantity": 0.5}', {"content-type": "application/json"}, 422),
        ("[" * 20_000, {"content-type": "application/json"}, 400),
        ('{"sku": "NUT", "quantity": 2e0}', {"content-type": "application/json"}, 201),
        ('{"sku": "A", "sku": "NUT", "quantity": -0}', {"content-type": "application/json"}, 422),
        ('\ufeff{"sku": "NUT", "quantity": 2}', {"content-type": "application/json"}, 201),
        (GOOD.encode("utf-16"), {"content-type": "application/json"}, 201),
        (GOOD, {"content-type": "application/json", "Idempotency-Key": b"\xfc"}, 201),
        ("[]", {"content-type": "application/json"}, 422),
        ("null", {"content-type": "application/json"}, 422),
        ("", {"content-type": "application/json"}, 422),
    ],
)
async def test_bodies(body: str | bytes, headers: dict[str, str | bytes], status: int) -> None:
    said = {"content": body, "headers": headers}
    own, fast = [await ask(app, "POST", "/things", **said) for app in BOTH]
    assert (fast.status_code, fast.text) == (own.status_code, own.text)
    assert own.status_code == status


@pytest.mark.parametrize(("name", "status"), [("here", 418), ("there", 404)])
async def test_what_is_raised(name: str, status: int) -> None:
    said = {"content": GOOD, "headers": {"content-type": "application/json"}}
    own, fast = [await ask(app, "POST", f"/refused/{name}", **said) for app in BOTH]
    assert (fast.status_code, fast.text, fast.headers) == (own.status_code, own.text, own.headers)
    assert own.status_code == status


@pytest.mark.parametrize("good", [True, False])
@pytest.mark.parametrize("traced", [True, False])
async def test_a_body_comes_in_parts(good: bool, traced: bool) -> None:
    whole = (GOOD if good else GOOD.replace("2,", "0,")).encode()
    own, fast = [await heard(app, [whole[:9], b"", whole[9:]], traced) for app in BOTH]
    assert fast == own
    assert own[0] == (201 if good else 422)


async def test_who_goes_away_in_the_middle_of_a_body_does_nothing() -> None:
    own, fast = [await heard(app, [GOOD[:9].encode()], False, whole=False) for app in BOTH]
    assert fast == own
    assert own[0] == 400


async def heard(
    app: FastAPI, parts: list[bytes], traced: bool, *, whole: bool = True
) -> tuple[int, bytes]:
    """What is answered to a body in these parts."""
    told: list[Message] = [
        {"type": "http.request", "body": part, "more_body": True} for part in parts
    ]
    told.append({"type": "http.request"} if whole else {"type": "http.disconnect"})
    answered: list[Message] = []

    async def receive() -> Message:
        return told.pop(0) if told else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        answered.append(message)

    headers = [(b"content-type", b"application/json")]
    scope: Scope = {
        "type": "http", "method": "POST", "path": "/things", "query_string": b"",
        "headers": headers, **({"fastapi.telemetry": object()} if traced else {}),
    }  # fmt: skip
    await app(scope, receive, send)
    return answered[0]["status"], answered[1]["body"]


async def test_what_is_unusual_goes_the_way_of_fastapi() -> None:
    own, fast = [await ask(app, "GET", "/several?one=a&one=b") for app in BOTH]
    assert own.json() == fast.json() == ["a", "b"]
    planned = {
        route.path: isinstance(route.app, quick._Quick)
        for route in BOTH[1].routes
        if isinstance(route, QuickRoute)
    }
    assert planned == {
        "/things/{number}/{name}": True, "/things": True, "/refused/{name}": True,
        "/several": False,
    }  # fmt: skip


def test_it_is_described_all_the_same() -> None:
    assert BOTH[0].openapi() == BOTH[1].openapi()
