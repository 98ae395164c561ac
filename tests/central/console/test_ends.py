"""How asks of an edge ended stands in the audit, over a real broker, a restart and a silence."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import text

from central import audit
from central.audit import chain
from central.console.edges import EdgeConsoles
from central.console.ends import Ends
from central.console.kept import ENDED, Begun
from gateway.console import new_id
from tests.central.console.site import Both, both
from tests.edge.waiting import until
from tests.fakes.brokers import Embedded
from tests.fakes.clock import FakeClock


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[Both]:
    broker = Embedded()
    await broker.start_again()
    async with both(tmp_path, broker) as ready:
        yield ready
    await broker.stop()


async def ask(made: Both, op: str, **arguments: object) -> str:
    answer = await made.central.http.post(f"/devices/pi/do/{op}", json=arguments)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


async def end(made: Both, ask_id: str) -> dict[str, object]:
    """The end in the audit, once it is there, and nothing else of this ask."""

    def found() -> list[tuple[str, dict[str, object]]]:
        rows = made.central.database.read_now(
            lambda c: c.execute(
                text("SELECT actor, after FROM audit WHERE action = :a"), {"a": ENDED}
            ).all()
        )
        told = [(row.actor, msgspec.json.decode(row.after)) for row in rows]
        return [one for one in told if one[1]["id"] == ask_id]

    await until(lambda: bool(found()), f"the end of {ask_id}")
    ((actor, after),) = found()
    return {"by": actor} | after


async def test_each_end_is_in_the_chain_and_on_the_page(made: Both) -> None:
    done = await ask(made, "retry", device="gun")
    failed = await ask(made, "retry", device="ghost")
    cancelled = await ask(made, "test_read", device="gun", seconds=60)
    fleet = made.edge.agent.fleet
    assert (await end(made, done))["state"] == "done"
    ended = await end(made, failed)
    assert (ended["state"], ended["code"], ended["by"]) == ("failed", "no-such-device", "edge pi")
    await until(lambda: fleet.held_for("gun") == "a test read")
    listed = (await made.central.http.get("/devices/pi/asked")).json()["asked"]
    assert (listed[0]["id"], listed[0]["state"]) == (cancelled, "")
    await made.central.http.delete(f"/devices/pi/ask/{cancelled}")
    assert (await end(made, cancelled))["state"] == "cancelled"
    listed = (await made.central.http.get("/devices/pi/asked")).json()["asked"]
    assert [(one["id"], one["device"], one["state"], one["code"]) for one in listed] == [
        (cancelled, "gun", "cancelled", ""),
        (failed, "ghost", "failed", "no-such-device"),
        (done, "gun", "done", ""),
    ]
    assert listed[0]["ended_us"] >= listed[0]["at_us"]
    report = made.central.database.read_now(chain.verify)
    assert not report, report


async def test_an_end_that_came_while_central_was_away_is_fetched(made: Both) -> None:
    old = made.central.services.consoles
    asked = await ask(made, "test_read", device="gun", seconds=2)
    await until(lambda: made.edge.desk.newest(asked) is not None)
    # Central is gone: its desks, and all that it remembers. The edge ends what it was asked.
    await old.close()
    fresh = EdgeConsoles(made.client.publish)
    fresh.heard_of("s", "pi")
    old.arrived = lambda *_: None  # type: ignore[method-assign]
    await until(lambda: (told := made.edge.desk.newest(asked)) is not None and told.is_final)
    old.arrived = fresh.arrived  # type: ignore[method-assign]
    clock = FakeClock(wall_us=made.edge.agent._time.now_us() + 60_000_000)
    ends = Ends(made.central.database, made.central.tide, fresh, clock=clock)
    await ends.look()
    ended = await end(made, asked)
    assert (ended["state"], ended["by"]) == ("done", "edge pi")
    await ends.look()
    assert ends.counters == {"done": 1}, "kept once"
    await fresh.close()


async def test_what_nobody_can_tell_is_lost_and_told_when_it_comes_after_all(made: Both) -> None:
    consoles = made.central.services.consoles
    consoles.heard_of("s", "gone")
    consoles.desk("gone")._answer_s = 0.2  # type: ignore[attr-defined]
    answer = await made.central.http.post("/devices/gone/do/retry", json={"device": "x"})
    ended = await end(made, answer.json()["id"])
    assert (ended["state"], ended["code"]) in {("lost", "edge-silent"), ("failed", "edge-away")}

    # An edge that was started anew does not know what it was asked before.
    begun = Begun(
        no=0, id=new_id(), edge="pi", op="retry", subject="device pi/gun", by="ann", at_us=1
    )
    ends = made.central.services.ends
    ends.begun(begun)
    await ends.look()
    ended = await end(made, begun.id)
    assert (ended["state"], ended["code"]) == ("lost", "forgotten")
    assert ends.counters["lost"] >= 1


async def test_an_edge_that_is_never_reached_again_is_given_up(made: Both) -> None:
    consoles = EdgeConsoles(made.client.publish)
    clock = FakeClock(wall_us=700_000_000)
    ends = Ends(made.central.database, made.central.tide, consoles, clock=clock)
    begun = Begun(no=0, id=new_id(), edge="away", op="walk", subject="edge away", by="a", at_us=1)
    ends.begun(begun)
    clock.wall_us = 300_000_000
    await ends.look()
    assert not made.central.database.read_now(lambda c: audit.entries(c, action=ENDED))
    clock.wall_us = 700_000_000
    await ends.look()
    assert (await end(made, begun.id))["state"] == "lost"
