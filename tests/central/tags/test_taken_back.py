"""What late data take back of goods that had left from elsewhere than where they were heard."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection

from central.judging import amendments
from central.judging.amendments import Applied
from central.reconcile.verdict import Amendment
from central.stock import queries, rows
from tests.central.tags.dock import CASES, Dock


async def test_it_goes_back_to_where_it_was_taken_from(dock: Dock) -> None:
    """It went to where its tags had been heard, and what was picked stayed short."""
    await dock.passes(CASES, "in")
    await dock.moves("0001", 60, "dock>bin-1")
    await dock.picks("order-001", 24)
    await dock.passes(CASES[3:7], "out")

    def taken_back(conn: Connection) -> Applied:
        (left,) = [one for one in queries.movements(conn) if one.movement.destination == "customer"]
        told = rows.as_judged(left.movement)
        back = msgspec.structs.replace(
            told, id="undo-0001", source=told.destination, destination=told.source,
            corrects=told.id, reason="observations that came late say otherwise",
        )  # fmt: skip
        amendment = Amendment(
            id="late-0001", read_point="dock-1", event_time=told.event_time,
            originals=(told.id,), movements=(back,),
        )  # fmt: skip
        applied = amendments.apply(conn, amendment, record_us=1, log_id=0)
        (posted,) = applied.posted
        assert rows.judged(posted.movement) == rows.judged(back)
        return applied

    applied = await dock.made.database.write(taken_back)
    assert applied.asked is None
    assert await dock.held() == {"bin-1": 36, "pack": 24}
    assert await dock.lie() == {"bin-1": 6, "pack": 4}
