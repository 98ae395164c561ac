"""What whoever stands in front of central's terminal is told of devices."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from sqlalchemy import insert

from central import schema
from central.terminal.now import Parts, Vitals
from tests.central.harness import bench

DEVICES = (
    ("pi-1", "dock-1", "running", "the reader tells no signal levels"),
    ("pi-1", "dock-2", "running", ""),
    ("pi-1", "shelf-7", "stopped", ""),
    ("pi-1", "pi-1", "running", "its journal fills up"),
    ("pi-2", "desk", "failing", "no answer"),
)
PARTS = Parts(
    url=str, ingest=Counter(), judged=int, series=dict, screens=int, visitors=int
)  # fmt: skip


async def test_devices_that_fail_and_that_complain_are_named(tmp_path: Path) -> None:
    async with bench(tmp_path) as made:
        for edge, device, state, cause in DEVICES:
            row = {"edge": edge, "device": device, "read_point": "", "state": state, "cause": cause}
            await made.database.write(
                lambda c, row=row: c.execute(insert(schema.device).values(row))
            )
        now = await Vitals(made.database, PARTS).now()
    assert now.devices == 5
    assert sorted(now.devices_bad) == [
        ("pi-1", "dock-1", "the reader tells no signal levels"), ("pi-2", "desk", "no answer"),
    ]  # fmt: skip
