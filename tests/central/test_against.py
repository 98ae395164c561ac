"""A challenger on the stored log, beside what was posted."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from central.commands.replay import app
from central.database.store import Database
from central.database.tide import Tide
from central.intake.ingest import Ingest
from central.judging.challenge import Comparison, challenge
from central.reconcile.portal import crossing
from central.stock import ledger
from tallyport import cli
from tests.central.shop import moving
from tests.central.test_ingest_and_judge import facts, judge_all, road, set_up, wire


def blind() -> dict[str, Any]:
    """Weights by which nothing ever crosses."""
    weights: dict[str, Any] = crossing.weights()
    for stage in ("tag", "group", "member"):
        weights[stage] |= {"stretch": 0.0, "shift": -12.0}
    return weights


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("against")


@pytest.fixture(scope="module")
def judged(folder: Path) -> Iterator[Database]:
    """A dock's morning, judged and posted, with something that a person moved."""
    database = Database(f"sqlite:///{folder / 'central.sqlite'}")
    database.migrate()
    asyncio.run(morning(database))
    yield database
    database.close()


async def morning(database: Database) -> None:
    await database.write(set_up)
    seen, ingest = road(), Ingest(database, Tide())
    await ingest.receive([wire(n + 1, seen[n : n + 500]) for n in range(0, len(seen), 500)])
    await judge_all(database)
    move = moving(1, "supplier", "hall", 3, sku="SKU-1")
    await database.write(lambda c: ledger.post(c, [move], record_us=1))


def test_the_same_judging_differs_in_nothing(judged: Database) -> None:
    before = judged.read_now(facts)
    heard: list[int] = []
    found = judged.read_now(lambda c: challenge(c, nullcontext, heard.append))
    assert not found.differs
    assert found.same_movements > 3
    assert found.same_passes >= 2
    assert found.entries == heard[-1] == len(before["observation"])
    assert judged.read_now(facts) == before


def test_what_a_challenger_would_not_have_posted_is_listed(judged: Database) -> None:
    found = judged.read_now(lambda c: challenge(c, partial(crossing.using, blind())))
    posted = [one for one in found.only_posted if one.origin == "portal"]
    assert posted == found.only_posted
    assert posted
    assert not found.only_challenger
    expected: dict[str, dict[str, int]] = {}
    for one in posted:
        places = expected.setdefault(one.sku, {})
        places[one.destination] = places.get(one.destination, 0) - one.quantity
        places[one.source] = places.get(one.source, 0) + one.quantity
    assert found.net == {
        sku: {place: n for place, n in places.items() if n} for sku, places in expected.items()
    }
    assert {change.posted.rpartition(", ")[2] for change in found.passes} >= {"moved"}
    assert all(change.posted != change.challenger for change in found.passes)


def test_the_command_tells_it_and_its_status_says_so(judged: Database, folder: Path) -> None:
    assert judged
    settings = folder / "central.toml"
    settings.write_text(f'[database]\nurl = "sqlite:///{folder / "central.sqlite"}"\n')
    weights = folder / "blind.json"
    weights.write_text(json.dumps(blind()))
    run = partial(CliRunner().invoke, app)
    same = run(["-c", str(settings), "--against", "current"])
    assert same.exit_code == 0, same.output
    assert "0 only posted, 0 only by the challenger" in same.stdout
    other = run(["-c", str(settings), "--against", str(weights)])
    assert other.exit_code == 1
    assert "only posted: 2026-" in other.stdout
    told = json.loads(run(["-c", str(settings), "--against", str(weights), "--json"]).stdout)
    assert (told["ok"], told["against"]) == (False, str(weights))
    assert told["only_posted"]
    assert set(told) >= set(Comparison.__struct_fields__)
    shown = folder / "shown.json"
    shown.write_text(run(["--weights"]).stdout)
    assert run(["-c", str(settings), "--against", str(shown)]).exit_code == 0
    assert "replay" in cli.ROOMS


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "No such file"),
        ("no json", "malformed"),
        ('{"crossed": {"bias": 1}}', "missing required field"),
    ],
)
def test_a_file_without_weights_is_refused(tmp_path: Path, content: str | None, why: str) -> None:
    file = tmp_path / "weights.json"
    if content is not None:
        file.write_text(content)
    told = CliRunner().invoke(app, ["--against", str(file)])
    assert told.exit_code == 2
    assert why in told.stderr
    assert "holds no weights" in told.stderr


def test_other_weights_are_for_a_while() -> None:
    before = crossing.model()
    with crossing.using(blind()):
        assert crossing.model() != before
        assert crossing.weights() == blind()
    assert crossing.model() == before
