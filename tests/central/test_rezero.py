"""A zero that judging sets anew: in the audit, in the API, at the command line; moves no stock."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from central import audit
from central.cli import app
from central.database.store import Database
from central.reconcile.verdict import Rezeroed
from central.stock import ledger
from central.stock.model import Cause
from gateway.contract import Observation
from tests.central.harness import Bench, bench
from tests.central.reconcile.test_shelf_joint import later, level
from tests.central.reconcile.test_shelf_zero import calibrated
from tests.central.shop import moving
from tests.central.test_one_event import judged, set_up
from tests.fakes.portal_log import moment

REZEROED = Rezeroed(
    read_point="shelf-1", plate=1, sku="SKU-1", event_time=moment(200.0), before_mg=0,
    after_mg=3_000, error_mg=200, unit_mg=20_000,
    cause=Cause(edge="edge-1", epoch="epoch0001", first_seq=6, last_seq=6),
)  # fmt: skip


@pytest.fixture
async def made(tmp_path: Path, books_url: str) -> AsyncIterator[Bench]:
    async with bench(tmp_path, books_url) as opened:
        yield opened


async def rows(made: Bench, query: str) -> list[dict[str, Any]]:
    found = (await made.get(f"/audit{query}"))["rows"]
    assert isinstance(found, list)
    return found


async def test_a_zero_set_anew_is_in_the_audit_and_moves_no_stock(made: Bench) -> None:
    await made.services.write(set_up)
    opening = moving(1, "supplier", "hall", 40, sku="SKU-1")
    await made.services.write(lambda c: ledger.post(c, [opening], record_us=1))
    steps = [level(0, 1, 0), level(20, 1, 40_000, since=19), level(40, 1, 0, since=39)]
    drift = [level(60.0 + 60 * n, 1, 1_500 * n) for n in range(3)]
    seen: list[Observation] = [calibrated(one) for one in [*steps, *drift]]
    await judged(made.database, 1, [*seen, later(200)])
    (row,) = await rows(made, "?action=re-zero")
    assert (row["subject"], row["before"]) == ("plate shelf-1/1", {"zero_mg": 0})
    assert row["actor"].startswith("judging")
    assert row["after"]["zero_mg"] == 3_000
    assert row["after"]["because"] == "the plate was empty"
    assert await rows(made, "?subject=plate%20shelf-1/2") == []
    assert (await made.get("/stock/SKU-1"))["by_location"] == {"hall": 38}


def test_people_read_the_audit(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'central.sqlite'}")
    try:
        database.migrate()
        database.write_now(lambda c: audit.rezeroed(c, [REZEROED], at_us=7))
    finally:
        database.close()
    config = tmp_path / "central.toml"
    config.write_text(f'[central]\ndata_dir = "{tmp_path}"\n')
    told = CliRunner().invoke(app, ["audit", "--config", str(config)])
    assert told.exit_code == 0, told.output
    assert "judging: re-zero plate shelf-1/1: {'zero_mg': 0}" in told.output
    as_json = CliRunner().invoke(app, ["audit", "--config", str(config), "--json"])
    (row,) = msgspec.json.decode(as_json.output)["rows"]
    assert (row["after"]["moved_mg"], row["after"]["cause"]["edge"]) == (3_000, "edge-1")
    none = CliRunner().invoke(app, ["audit", "--config", str(config), "--action", "else"])
    assert "nothing was changed" in none.output
