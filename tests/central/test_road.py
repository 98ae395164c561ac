"""How far everything has come, told in a bounded answer, with what edges complain of."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from central.api.road import Road
from central.database.store import Database
from central.database.tide import Tide
from central.intake.ingest import Ingest
from central.web.views.devices import devices
from gateway import codec
from gateway.contract import DeviceHealth, Presence
from tests.central.harness import Bench, bench
from tests.central.test_ingest_and_judge import TOPIC, scan, set_up, wire

STATUS = TOPIC.replace("observations", "status")
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
FULL = "the journal is 83% full; at the present rate 5.0 hours are left"


def presence(state: str, reason: str, edge: str = "edge-1") -> tuple[str, bytes]:
    told = Presence(edge=edge, state=state, since=NOON, reason=reason)
    return STATUS.replace("edge-1", edge), codec.encode_presence(told)


async def test_every_start_counts_and_only_the_newest_are_told_one_by_one(
    database: Database,
) -> None:
    await database.write(set_up)
    ingest = Ingest(database, Tide())
    for start in range(1, 31):
        # Each start declares the first of its three numbers lost.
        await ingest.receive([wire(2, [scan("1"), scan("2")], epoch=f"epoch{start:04}", lost=1)])
    road: dict[str, Any] = await database.read(Road().counts)
    edges = road["edges"]
    assert [(one["epoch"], one["starts"]) for one in edges] == [
        ("", 26), ("epoch0027", 1), ("epoch0028", 1), ("epoch0029", 1), ("epoch0030", 1),
    ]  # fmt: skip
    assert [one["fenced"] for one in edges] == [True, True, True, True, False]
    assert sum(one["lost"] for one in edges) == 30
    assert sum(one["upto_seq"] for one in edges) == sum(one["committed_seq"] for one in edges) == 90


async def test_an_edge_that_complains_is_an_alarm_until_it_is_well(database: Database) -> None:
    await database.write(set_up)
    ingest = Ingest(database, Tide())
    health = DeviceHealth(device="edge-1", read_point="edge-1", event_time=NOON, state="running")
    await ingest.receive([wire(1, [health]), presence("online", "")])
    assert (await database.read(Road().counts))["alarms"] == []
    await ingest.receive([presence("online", FULL), presence("offline", "stopped", edge="edge-2")])
    (alarm,) = (await database.read(Road().counts))["alarms"]  # type: ignore[misc, attr-defined]
    assert (alarm["edge"], alarm["alarm"]) == ("edge-1", FULL)
    (shown,) = await database.read(devices)
    assert (shown.device, shown.level, shown.cause) == ("edge-1", "warn", FULL)
    await ingest.receive([presence("offline", "the connection was lost")])
    assert (await database.read(Road().counts))["alarms"] == []


@pytest.fixture
async def made(tmp_path_factory: pytest.TempPathFactory) -> Any:
    async with bench(tmp_path_factory.mktemp("central")) as ready:
        yield ready


async def test_an_alarm_is_a_metric(made: Bench) -> None:
    await Ingest(made.database, Tide()).receive([presence("online", FULL)])
    told = (await made.http.get("/metrics")).text
    assert 'tallyport_edge_alarm{edge="edge-1"} 1.0' in told
    assert "tallyport_quarantine_gone 0.0" in told
