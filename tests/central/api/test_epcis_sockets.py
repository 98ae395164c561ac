"""Standing queries over a WebSocket, by a client of a library, over a real connection."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from central.access.model import Role
from central.api.epcis.sockets import SocketRoute, Sockets
from tests.central.access.test_gate import Somebody
from tests.central.harness import Bench, bench, served

LISTEN = "/epcis/queries/arrivals/events"
PATIENCE_S = 60.0


class Scene(NamedTuple):
    made: Bench
    url: str
    sockets: Sockets

    def listen(self, said: str, **more: Any) -> connect:
        return connect(f"{self.url}{LISTEN}?{said}", proxy=None, **more)

    async def refused(self, said: str, **more: Any) -> tuple[int, Any]:
        """The status of a handshake that is not taken, and what it says."""
        with pytest.raises(InvalidStatus) as caught:
            async with self.listen(said, **more):
                pass
        answer = caught.value.response
        return answer.status_code, json.loads(answer.body or b"{}")


@pytest.fixture
def door() -> Somebody:
    return Somebody()


@pytest.fixture
async def scene(tmp_path: Path, books_url: str, door: Somebody) -> AsyncIterator[Scene]:
    async with bench(tmp_path, books_url, door) as made:
        for code in ("WEST", "EAST"):
            await made.post("/locations", code=code, name=code)
        await made.post("/items", sku="NUT", name="Nut")
        await made.post("/epcis/queries", name="arrivals", query={"EQ_bizStep": ["receiving"]})
        async with served(made) as url:
            yield Scene(made, url.replace("http", "ws", 1), sockets_of(made))


def sockets_of(made: Bench) -> Sockets:
    """The part of a bench that listeners speak to."""
    for route in made.app.router.routes:
        if isinstance(route, SocketRoute):
            found = route.endpoint.__self__  # type: ignore[attr-defined]
            assert isinstance(found, Sockets)
            return found
    raise AssertionError("there is no such route")


async def told(socket: ClientConnection) -> Any:
    async with asyncio.timeout(PATIENCE_S):
        return json.loads(await socket.recv())


async def places(socket: ClientConnection, count: int) -> list[str]:
    """Where so many events happened."""
    found: list[str] = []
    while len(found) < count:
        results = (await told(socket))["epcisBody"]["queryResults"]
        assert results["queryName"] == "arrivals"
        assert results["subscriptionID"]
        found += [one["bizLocation"]["id"][-4:] for one in results["resultsBody"]["eventList"]]
    return found


async def end(socket: ClientConnection) -> tuple[int, str]:
    """How it is ended from the other side."""
    async with asyncio.timeout(PATIENCE_S):
        await socket.wait_closed()
    assert socket.close_code is not None
    return socket.close_code, socket.close_reason or ""


async def arrive(scene: Scene, *codes: str) -> None:
    for code in codes:
        await scene.made.post("/stock/receive", sku="NUT", quantity=1, location=code)


async def test_a_stream_tells_what_comes_from_then_on(scene: Scene) -> None:
    await arrive(scene, "WEST")
    async with scene.listen("stream=true") as first, scene.listen("stream=true") as second:
        await arrive(scene, "EAST", "WEST")
        await scene.made.post(
            "/stock/move", sku="NUT", quantity=1, **{"from": "EAST", "to": "WEST"}
        )
        await arrive(scene, "EAST")
        for socket in (first, second):
            assert await places(socket, 3) == ["EAST", "WEST", "EAST"]
        await first.send("thank you")  # is passed over
        await arrive(scene, "WEST")
        assert await places(first, 1) == ["WEST"]


async def test_what_was_missed_is_asked_for_by_the_time_of_its_record(scene: Scene) -> None:
    await arrive(scene, *["WEST"] * 60)
    since = (datetime.now(UTC) - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    async with scene.listen(f"stream=true&initialRecordTime={since}") as socket:
        assert await places(socket, 60) == ["WEST"] * 60
        await arrive(scene, "EAST")
        assert await places(socket, 1) == ["EAST"]


async def test_a_schedule_tells_at_its_times_also_that_there_was_nothing(scene: Scene) -> None:
    async with scene.listen("second=*&reportIfEmpty=true") as socket:
        empty = await told(socket)
        assert empty["epcisBody"]["queryResults"]["resultsBody"]["eventList"] == []
        await arrive(scene, "WEST")
        assert await places(socket, 1) == ["WEST"]


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("", "stream"), ("stream=true&second=5", "stream"), ("stream=perhaps", "stream"),
        ("hour=25", "hour"), ("dayOfMonth=31&month=2", "never"),
        ("stream=true&perPage=3", "perPage"), ("stream=true&reportIfEmpty=true", "reportIfEmpty"),
        ("stream=true&initialRecordTime=x", "initialRecordTime"),
    ],
)  # fmt: skip
async def test_what_says_no_time_is_refused_before_it_begins(
    scene: Scene, said: str, why: str
) -> None:
    status, body = await scene.refused(said)
    assert (status, body["type"]) == (400, "epcisException:SubscriptionControlsException")
    assert why in body["detail"]


async def test_over_http_controls_are_told_to_come_as_a_socket(scene: Scene) -> None:
    answer = await scene.made.http.get(f"{LISTEN}?stream=true")
    assert answer.status_code == 400
    assert "Upgrade: websocket" in answer.json()["detail"]


async def test_a_query_that_is_gone_ends_what_it_tells(scene: Scene) -> None:
    async with scene.listen("stream=true") as socket:
        await scene.made.http.delete("/epcis/queries/arrivals")
        assert await end(socket) == (1000, "no query stands under the name arrivals")
    status, body = await scene.refused("stream=true")
    assert (status, body["type"]) == (404, "epcisException:NoSuchNameException")


async def test_who_was_granted_some_places_hears_of_those(scene: Scene, door: Somebody) -> None:
    door.is_(Role.MANAGER, "WEST")
    async with scene.listen("stream=true") as socket:
        door.is_(Role.MANAGER)
        await arrive(scene, "EAST", "WEST", "EAST", "WEST")
        assert await places(socket, 2) == ["WEST", "WEST"]
    door.is_(Role.OPERATOR)
    status, body = await scene.refused("stream=true")
    assert (status, body["needed"]) == (403, "read:epcis")
    door.actor = None
    assert (await scene.refused("stream=true"))[0] == 401


async def test_nobody_listens_for_ever_nor_are_there_more_than_can_be(scene: Scene) -> None:
    scene.sockets.most = 1
    async with scene.listen("stream=true"):
        assert (await scene.refused("stream=true"))[0] == 503
    scene.sockets.most, scene.sockets.longest_s = 100, 0.05
    async with scene.listen("stream=true") as socket:
        assert (await end(socket))[0] == 1001


async def test_the_server_stops_with_listeners(tmp_path: Path) -> None:
    async with bench(tmp_path) as made:
        await made.post("/epcis/queries", name="arrivals", query={})
        async with served(made) as url:
            socket = await connect(
                f"{url.replace('http', 'ws', 1)}{LISTEN}?stream=true", proxy=None
            )
        assert (await end(socket))[0] == 1012
