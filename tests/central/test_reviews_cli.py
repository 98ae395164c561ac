"""``tallyport central why``, ``labels`` and ``calibrate``, as a person types them."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner, Result

from central.cli import app
from central.database.store import Database
from central.reviews import store
from central.reviews.model import Choice
from tests.central.reviews.asking import ask, pallet

REVIEWS = 12


def settled(folder: Path) -> Path:
    """Settings of a database in which a person has decided twelve reviews, the last otherwise."""
    database = Database(f"sqlite:///{folder / 'central.sqlite'}")
    try:
        database.migrate()
        evidence = pallet().evidence
        every = [
            pallet(id=f"review-{n:02}", evidence=evidence | {"pass": f"pass-{n}"})
            for n in range(REVIEWS)
        ]
        database.write_now(lambda c: ask(c, *every))
        for n in range(REVIEWS):
            # The same tags cannot come in twice: only the first is posted.
            choice = Choice(id=f"anna-{n:04}", by="anna", hypothesis=0 if n == 0 else 3)
            database.write_now(
                lambda c, n=n, said=choice: store.resolve(c, f"review-{n:02}", said, at_us=n)  # type: ignore[misc]
            )
    finally:
        database.close()
    config = folder / "central.toml"
    config.write_text(f'[central]\ndata_dir = "{folder}"\n')
    return config


def say(*args: object) -> Result:
    return CliRunner().invoke(app, [str(arg) for arg in args])


def test_why_labels_and_calibrate(tmp_path: Path) -> None:
    config = settled(tmp_path)
    told = say("why", "review-00", "--config", config, "--json")
    assert told.exit_code == 0, told.output
    story = json.loads(told.stdout)
    (posted,) = story["posted"]
    why = say("why", posted["movement"]["id"], "--config", config)
    assert "by anna" in why.stdout
    assert "60.0%  all 3 tags came in" in why.stdout
    unknown = say("why", "nowhere", "--config", config)
    assert (unknown.exit_code, "has the id nowhere" in unknown.stderr) == (1, True)

    file = tmp_path / "labels.jsonl"
    assert f"{4 * REVIEWS} labels" in say("labels", "--out", file, "--config", config).stdout
    head, *labels = [json.loads(line) for line in file.read_text().splitlines()]
    assert (head["tallyport_labels"], len(labels)) == (1, 4 * REVIEWS)
    assert {one["truth"] for one in labels} == {"in", "none"}

    compared = say("calibrate", "--config", config, "--json")
    assert compared.exit_code == 0, compared.output
    figures = json.loads(compared.stdout)
    assert (figures["labels"], figures["reviews"]) == (4 * REVIEWS, REVIEWS)
    assert figures["challenger"]["log_loss"] < figures["champion"]["log_loss"]
    assert "nothing was changed" in say("calibrate", "--config", config).stdout


def test_calibrating_without_labels_says_what_to_do(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'central.sqlite'}")
    database.migrate()
    database.close()
    config = tmp_path / "central.toml"
    config.write_text(f'[central]\ndata_dir = "{tmp_path}"\n')
    told = say("calibrate", "--config", config)
    assert told.exit_code == 1
    assert "resolve reviews" in told.stderr
