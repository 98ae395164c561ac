"""Orders as files: taken once, whole, and put away with their reasons, whoever dies in between."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from central.database.enduring import AT_ONCE
from central.database.store import Database
from central.erp.desk import ErpDesk
from central.erp.folder import ErpFolder
from tests.central.erp.desks import EXAMPLES, Office, example, opened
from tests.central.erp.test_inbox import LINE, ORDER
from tests.central.harness import Bench
from tests.fakes.books import sqlite_books
from tests.fakes.clock import FakeClock


class Died(BaseException):
    """The process was killed here."""


class Yard:
    """A connection's folder, and a desk that looks into it."""

    def __init__(self, made: Bench, root: Path, *, settle_s: float = 0) -> None:
        self.made, self.root = made, root
        self.clock = FakeClock(wall_us=1_000_000_000)
        self.settings = example("ours.toml", folder=str(root), settle_s=settle_s)
        self.office = Office(made.database, self.settings, made.tide, self.clock)

    @property
    def desk(self) -> ErpDesk:
        return self.office.erp.desk

    def lay(self, name: str, content: bytes | str) -> Path:
        inbox = self.root / "inbox"
        inbox.mkdir(parents=True, exist_ok=True)
        path = inbox / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    async def look(self) -> None:
        """Once, whenever the last time was."""
        self.clock.pass_s(self.settings.look_every_s)
        while await self.desk.step() == AT_ONCE:
            pass

    def restart(self) -> None:
        self.office = Office(self.made.database, self.settings, self.made.tide, self.clock)

    def names(self, folder: str) -> list[str]:
        there = self.root / folder
        return sorted(one.name for one in there.iterdir()) if there.exists() else []


@pytest.fixture
async def yard(tmp_path: Path, books_url: str) -> AsyncIterator[Yard]:
    async with opened(tmp_path, books_url, example("ours.toml")) as made:
        yield Yard(made, tmp_path / "erp")


def orders(*found: dict[str, Any]) -> str:
    return json.dumps({"orders": found})


async def test_files_of_every_kind_are_taken_and_put_away(yard: Yard) -> None:
    yard.lay("a.json", (EXAMPLES / "ours.json").read_bytes())
    yard.lay("b.csv", "number,supplier,sku,quantity\nPO-2,Acme Ltd,OAT,24\n")
    yard.lay("c.json", orders(ORDER | {"number": "PO-3", "lines": [LINE | {"sku": "NOBODY"}]}))
    with xlsxwriter.Workbook(str(yard.lay("d.xlsx", ""))) as book:
        sheet = book.add_worksheet()
        for row, cells in enumerate(
            [("number", "supplier", "sku", "quantity"), ("PO-4", "Acme Ltd", "OAT", 6)]
        ):
            sheet.write_row(row, 0, cells)
    yard.lay(".hidden.json", "{")
    yard.lay("half.json.part", "{")
    await yard.look()
    assert yard.names("inbox") == [".hidden.json", "half.json.part"]
    assert yard.names("done") == ["1-a.json", "2-b.csv", "4-d.xlsx"]
    assert yard.names("failed") == ["3-c.json", "3-c.json.why.txt"]
    why = (yard.root / "failed" / "3-c.json.why.txt").read_text()
    assert "message 3 is dead" in why
    assert "orders[0].lines[0].sku: there is no item NOBODY" in why
    assert await yard.office.listed() == ["main-PO-2", "main-PO-4", "main-PO-7890"]


async def test_the_same_content_again_changes_nothing(yard: Yard) -> None:
    content = orders(ORDER)
    for name in ("a.json", "a.json", "b.json"):
        yard.lay(name, content)
        await yard.look()
    assert yard.names("done") == ["1-a.json", "1-b.json"]
    assert len(await yard.office.messages()) == 1


async def test_another_content_under_a_message_s_id_is_refused(yard: Yard) -> None:
    for name, supplier in (("a.json", "Acme Ltd"), ("b.json", "Other")):
        told = {"message": "m-1", "orders": [ORDER | {"supplier": supplier}]}
        yard.lay(name, json.dumps(told))
        await yard.look()
    (_, why) = yard.names("failed")
    assert why.endswith("-b.json.why.txt")
    assert "came before with other content" in (yard.root / "failed" / why).read_text()


async def test_what_is_no_plain_file_or_too_large_is_put_aside(yard: Yard) -> None:
    yard.lay("x", "")
    (yard.root / "inbox" / "link.json").symlink_to(yard.root / "inbox" / "x")
    (yard.root / "inbox" / "x").unlink()
    with yard.lay("large.json", "").open("wb") as file:
        file.truncate((8 << 20) + 1)
    await yard.look()
    whys = [(yard.root / "failed" / one).read_text() for one in yard.names("failed")
            if one.endswith(".why.txt")]  # fmt: skip
    assert sorted(whys) == ["the file is larger than 8 MiB\n", "this is no plain file\n"]
    assert await yard.office.messages() == []


async def test_a_file_that_still_grows_is_left_alone(yard: Yard) -> None:
    yard.settings = example("ours.toml", folder=str(yard.root), settle_s=10)
    yard.restart()
    whole = orders(ORDER)
    path = yard.lay("slow.json", whole[:20])
    await yard.look()
    yard.clock.pass_s(9)
    path.write_text(whole[:40])
    await yard.look()
    yard.clock.pass_s(9)
    path.write_text(whole)
    await yard.look()
    assert yard.names("inbox") == ["slow.json"]
    yard.clock.pass_s(10)
    await yard.look()
    assert yard.names("done") == ["1-slow.json"]


async def test_a_folder_that_is_away_is_looked_for_again(yard: Yard) -> None:
    yard.root.write_text("in the way")
    await yard.look()
    assert yard.desk.counters["unreadable"] == 1
    yard.root.unlink()
    yard.lay("a.json", orders(ORDER))
    await yard.look()
    assert yard.names("done") == ["1-a.json"]


async def dies(
    yard: Yard, monkeypatch: pytest.MonkeyPatch, owner: type, name: str, nth: int
) -> bool:
    """Let the process be killed at a call, before it (``nth`` is odd) or behind it; whether it came
    so far.
    """
    real = getattr(owner, name)
    calls = 0

    def counted(*args: Any, **more: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == (nth + 1) / 2:
            raise Died
        found = real(*args, **more)
        if calls == nth / 2:
            raise Died
        return found

    monkeypatch.setattr(owner, name, counted)
    try:
        await yard.look()
    except Died:
        return True
    finally:
        monkeypatch.setattr(owner, name, real)
    return False


@pytest.mark.parametrize(
    ("owner", "step"),
    [
        (Database, "write_now"), (Path, "rename"), (Path, "replace"), (ErpFolder, "failed"),
        (ErpFolder, "done"), (ErpFolder, "look"),
    ],
)  # fmt: skip
async def test_no_file_is_lost_or_doubled_wherever_it_dies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: type, step: str
) -> None:
    url = sqlite_books(tmp_path / "books.sqlite")
    async with opened(tmp_path, url, example("ours.toml")) as made:
        await die_everywhere(Yard(made, tmp_path / "erp"), monkeypatch, owner, step)


async def die_everywhere(
    yard: Yard, monkeypatch: pytest.MonkeyPatch, owner: type, step: str
) -> None:
    died = 0
    for nth in range(1, 9):
        good, bad = f"PO-{nth}-good", f"PO-{nth}-bad"
        yard.lay("good.json", orders(ORDER | {"number": good}))
        yard.lay("worse.json", orders(ORDER | {"number": bad, "warehouse": "NOWHERE"}))
        died += await dies(yard, monkeypatch, owner, step, nth)
        yard.restart()
        await yard.look()
        assert yard.names("inbox") == []
    assert died, "nothing was ever interrupted"
    listed = await yard.office.listed()
    assert sorted(listed) == [f"main-PO-{nth}-good" for nth in range(1, 9)]
    found = await yard.office.messages()
    assert [one.state for one in found] == ["applied", "dead"] * 8
    assert len(yard.names("done")) == 8
    assert len(yard.names("failed")) == 16
