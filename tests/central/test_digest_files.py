"""What was published outlives many files, by a stated bound, and knows of restores."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from typer.testing import CliRunner

from central.cli import app
from central.database.store import Database
from central.keeping import digest_files
from central.keeping.digest_files import append, generations, read_digests, restores, say_restored
from central.stock import chain
from gateway import codec
from gateway.contract import Digest
from tests.central.test_digests import fill, forge, post


def digest(no: int, hash_: str | None = None) -> Digest:
    known = hash_ or hashlib.sha256(str(no).encode()).hexdigest()
    return Digest(no=no, last_seq=3 * no, hash=known, at=datetime.now(UTC))


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of three lines, and four of them."""
    monkeypatch.setattr(digest_files, "LARGEST", 400)
    monkeypatch.setattr(digest_files, "KEPT", 4)


def test_the_newest_files_are_kept_and_read_in_order(small: None, tmp_path: Path) -> None:
    file = tmp_path / "digests.jsonl"
    with capture_logs() as told:
        for no in range(1, 41):
            append(file, codec.encode_digest(digest(no)))
    names = [path.name for path in generations(file)]
    numbers = [int(name.rpartition(".")[2]) for name in names]
    assert len(names) == 4
    assert numbers == list(range(numbers[0], numbers[0] + 4))
    assert numbers[0] > 1
    assert [each["event"] for each in told] == ["digests_forgotten"] * (numbers[0] - 1)
    read = [head.no for head in read_digests(file)]
    assert read == list(range(read[0], 41))
    assert len(read) > 12


def test_the_bound_is_what_the_page_says() -> None:
    lines = digest_files.LARGEST * digest_files.KEPT / len(codec.encode_digest(digest(10**6)))
    assert digest_files.LARGEST * digest_files.KEPT == 2**30
    assert lines / (60 * 24 * 365) > 10  # years of one a minute


def test_a_forged_chain_shows_though_only_an_old_file_knew_it(
    database: Database, small: None, tmp_path: Path
) -> None:
    file = tmp_path / "digests.jsonl"
    database.write_now(fill)
    for first in range(20, 50, 3):
        head = database.read_now(chain.head)
        append(file, codec.encode_digest(Digest(**head._asdict(), at=datetime.now(UTC))))
        database.write_now(lambda c, first=first: post(c, first))  # type: ignore[misc]
    assert len(generations(file)) > 1
    file.unlink()
    assert database.read_now(lambda c: chain.compare(c, read_digests(file))) == []
    database.write_now(forge)
    (fault,) = database.read_now(lambda c: chain.compare(c, read_digests(file)))
    assert "block 4" in fault


def test_what_a_restore_took_back_is_void_and_what_came_after_counts(tmp_path: Path) -> None:
    file = tmp_path / "digests.jsonl"
    for no in (1, 2, 3, 4, 5):
        append(file, codec.encode_digest(digest(no)))
    say_restored(file, digest(3))
    for no in (4, 5, 6):
        append(file, codec.encode_digest(digest(no, "b" * 64)))
    say_restored(file, digest(5, "b" * 64))
    append(file, codec.encode_digest(digest(6, "c" * 64)))
    read = [(head.no, head.hash[0]) for head in read_digests(file)]
    first = [(no, digest(no).hash[0]) for no in (1, 2, 3)]
    assert read == [*first, first[2], (4, "b"), (5, "b"), (5, "b"), (6, "c")]
    assert [mark.no for mark in restores(file)] == [3, 5]


def test_the_command_reads_all_files_and_tells_of_restores(small: None, tmp_path: Path) -> None:
    settings, file = tmp_path / "central.toml", tmp_path / "digests.jsonl"
    settings.write_text(f'[central]\ndata_dir = "{tmp_path}"\n')
    database = Database(f"sqlite:///{tmp_path / 'central.sqlite'}")
    database.migrate()
    database.write_now(fill)
    head = database.read_now(chain.head)
    database.close()
    asked = ["verify", "-c", str(settings), "--digests", str(file), "--json"]
    for no in range(8, 16):
        append(file, codec.encode_digest(digest(no)))
    told = CliRunner().invoke(app, asked)
    assert told.exit_code == 1
    assert "block 8 was published" in json.loads(told.stdout)["faults"][0]
    say_restored(file, Digest(**head._asdict(), at=datetime.now(UTC)))
    told = CliRunner().invoke(app, asked)
    assert (told.exit_code, json.loads(told.stdout)["ok"]) == (0, True)
    assert "a restore put the books back to block 4" in told.stderr
    assert CliRunner().invoke(app, [*asked[:-2], str(tmp_path / "none")]).exit_code == 2
