"""Attached files go with the books: into the backup, proved, and back; what is missing is named."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from central.attachments import store
from central.attachments.folder import Folder
from central.attachments.model import Attachment
from central.catalogue.changes import Told
from central.catalogue.items import Item, add_item
from central.cli import app
from central.database.store import Database
from central.keeping.backup import backup
from central.keeping.backup_attachments import folder_of
from central.keeping.backup_files import BackupFailed, Incomplete
from central.keeping.restore import restore
from tests.central.test_backup import needs_programs, opened

NOTE, PICTURE = b"the delivery note", b"a damaged pallet"


def name_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class House:
    """Books with an item, and files that belong to it."""

    def __init__(self, database: Database, path: Path) -> None:
        self.database = database
        self.folder = Folder(path)
        self.path = path
        database.write_now(lambda c: add_item(c, Item(sku="NUT", name="Nut")))

    def attach(self, content: bytes, name: str) -> None:
        made = Attachment(
            kind="items", subject="NUT", sha256=name_of(content), name=name, media="text",
            bytes=len(content), added_us=1, added_by="anna",
        )  # fmt: skip
        with self.folder.coming(1 << 20) as coming:
            coming.take(content)
            coming.finish()
            self.folder.place(coming, made.sha256)
        self.database.write_now(lambda c: store.add(c, made, 100))

    def remove(self, content: bytes) -> None:
        told = Told(by="anna", at_us=2)
        self.database.write_now(lambda c: store.remove(c, "items", "NUT", name_of(content), told))

    def file(self, content: bytes) -> Path:
        name = name_of(content)
        return self.path / name[:2] / name


def test_files_go_into_the_backup_and_back(database_url: str, tmp_path: Path) -> None:
    needs_programs(database_url)
    live, copy = tmp_path / "attachments", tmp_path / "backup" / "copy"
    copy.parent.mkdir()
    with opened(database_url) as database:
        house = House(database, live)
        house.attach(NOTE, "note.txt")
        house.attach(PICTURE, "picture.txt")
        assert backup(database_url, copy, live).endswith("; 2 attached files")
        house.remove(PICTURE)
        house.attach(b"later", "later.txt")
        assert sorted(folder_of(copy).names()) == sorted(map(name_of, (NOTE, PICTURE)))
    for path in (house.file(NOTE), house.file(PICTURE)):
        path.unlink()
    _, said = restore(copy, database_url, force=True, attachments=live)
    assert "2 attached files were put back, 0 were there" in said
    assert house.folder.read(name_of(PICTURE)) == PICTURE
    with opened(database_url) as database:
        assert database.read_now(lambda c: len(list(store.every(c)))) == 2


def test_the_next_backup_proves_what_is_there_and_lets_go_of_what_is_not_named(
    database_url: str, tmp_path: Path
) -> None:
    needs_programs(database_url)
    live, copy = tmp_path / "attachments", tmp_path / "copy"
    with opened(database_url) as database:
        house = House(database, live)
        house.attach(NOTE, "note.txt")
        house.attach(PICTURE, "picture.txt")
        backup(database_url, copy, live)
        name = name_of(NOTE)
        kept = tmp_path / "copy.attachments" / name[:2] / name
        before = kept.stat().st_ino
        house.remove(PICTURE)
        backup(database_url, copy, live)
        assert folder_of(copy).names() == [name_of(NOTE)]
        assert kept.stat().st_ino == before, "it is proved, and not copied again"
        kept.write_bytes(b"rotten")
        backup(database_url, copy, live)
        assert folder_of(copy).read(name_of(NOTE)) == NOTE


def test_what_is_missing_is_named_by_the_backup_and_refused_by_the_restore(
    database_url: str, tmp_path: Path
) -> None:
    needs_programs(database_url)
    live, copy = tmp_path / "attachments", tmp_path / "copy"
    with opened(database_url) as database:
        house = House(database, live)
        house.attach(NOTE, "note.txt")
        house.attach(PICTURE, "picture.txt")
        house.file(NOTE).write_bytes(b"rotten")
        named = rf"note\.txt of items NUT \({name_of(NOTE)}\)"
        with pytest.raises(Incomplete, match=rf"is made, but it lacks 1 attachments: {named}"):
            backup(database_url, copy, live)
        house.remove(PICTURE)
    with pytest.raises(BackupFailed, match=rf"nothing is restored: .* has 1 attachments: {named}"):
        restore(copy, database_url, force=True, attachments=live)
    with opened(database_url) as database:
        assert database.read_now(lambda c: len(list(store.every(c)))) == 1, "as it was"
    _, said = restore(copy, database_url, force=True, attachments=live, without_missing=True)
    assert any(one.startswith("missing are 1 attachments: note.txt") for one in said)
    with opened(database_url) as database:
        assert database.read_now(lambda c: len(list(store.every(c)))) == 2
    house.file(NOTE).write_bytes(NOTE)
    assert restore(copy, database_url, force=True, attachments=live)[0].ledger_seq == 0


def test_the_command_line_copies_them_from_the_folder_of_the_settings(
    database_url: str, tmp_path: Path
) -> None:
    needs_programs(database_url)
    settings = tmp_path / "central.toml"
    settings.write_text(
        f'[central]\ndata_dir = "{tmp_path}"\n[database]\nurl = "{database_url}"\n',
        encoding="utf-8",
    )
    with opened(database_url) as database:
        house = House(database, tmp_path / "attachments")
        house.attach(NOTE, "note.txt")
    copy, runner = tmp_path / "copy", CliRunner()
    done = runner.invoke(app, ["backup", str(copy), "-c", str(settings)])
    assert (done.exit_code, "1 attached files" in done.stdout) == (0, True), done.output
    house.file(NOTE).unlink()
    (tmp_path / "copy.attachments").rename(tmp_path / "aside")
    words = ["restore", str(copy), "-c", str(settings), "--force"]
    done = runner.invoke(app, words)
    assert (done.exit_code, "note.txt of items NUT" in done.output) == (1, True), done.output
    (tmp_path / "aside").rename(tmp_path / "copy.attachments")
    assert runner.invoke(app, words).exit_code == 0
    assert house.folder.read(name_of(NOTE)) == NOTE
