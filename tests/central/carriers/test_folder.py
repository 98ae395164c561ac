"""A carrier that reads and writes files: whole ones, torn ones, and those of others."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from central.carriers.folder import FolderCarrier, Folders
from central.carriers.model import CarrierUnavailable, Consignment, Goods
from tests.fakes.clock import FakeClock

SAID = {
    "shipment": "truck-1-load-1",
    "tracking": "PX-1",
    "event": "in_transit",
    "at": "2030-02-02T17:00:00Z",
}
ONE = Consignment(
    shipment="truck-1-load-1", order="so-1001", reference="PO-7890", carrier="parcels",
    service="", customer="Jane Doe", ship_to={"city": "Leeds"},
    shipped_at="2030-02-02T16:00:00+00:00",
    lines=(Goods(line="1", sku="ABC-12345", quantity=150),),
)  # fmt: skip


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    made = Folders(tmp_path / "out", tmp_path / "in", tmp_path / "in" / "quarantine")
    made.tracking.mkdir()
    return made


def aside(folders: Folders) -> dict[str, str]:
    """What lies in the quarantine, without its mark, and why."""
    return {
        one.name.removesuffix(".why").partition("-")[2]: one.read_text()
        for one in folders.quarantine.glob("*.why")
        if one.with_suffix("").is_file() or one.with_suffix("").is_symlink()
    }


async def test_a_shipment_is_one_file_however_often_it_is_told(folders: Folders) -> None:
    carrier = FolderCarrier(folders)
    for _ in range(2):
        await carrier.hand_over(ONE)
    (file,) = folders.shipments.iterdir()
    assert file.name == "truck-1-load-1.json"
    told = json.loads(file.read_text())
    assert told["lines"] == [{"line": "1", "sku": "ABC-12345", "quantity": 150}]


async def test_no_shipment_is_written_outside_its_folder(folders: Folders) -> None:
    carrier = FolderCarrier(folders)
    for name in ("../../etc/passwd", "..", "a/b", "\x00" * 8):
        await carrier.hand_over(Consignment(**{**_fields(), "shipment": name}))  # type: ignore[arg-type]
    assert len(list(folders.shipments.iterdir())) == 4
    assert sorted(one.name for one in folders.shipments.parent.iterdir()) == ["in", "out"]


def _fields() -> dict[str, object]:
    return {name: getattr(ONE, name) for name in ONE.__struct_fields__}


async def test_messages_come_in_the_order_in_which_they_happened_until_taken(
    folders: Folders,
) -> None:
    carrier = FolderCarrier(folders)
    later = SAID | {"event": "delivered", "at": "2030-02-03T09:00:00Z"}
    (folders.tracking / "a.json").write_text(json.dumps(later))
    (folders.tracking / "b.json").write_text(json.dumps(SAID))
    first, second = await carrier.told()
    assert (first.key, second.key) == ("b.json", "a.json")
    await carrier.settle(first)
    await carrier.settle(first)
    assert await carrier.told() == [second]
    await carrier.settle(second, refused="there is no such shipment")
    assert await carrier.told() == []
    assert aside(folders) == {"a.json": "there is no such shipment\n"}


async def test_what_is_torn_may_still_be_written_and_what_is_foreign_is_put_aside(
    folders: Folders,
) -> None:
    clock = FakeClock()
    carrier = FolderCarrier(folders, torn_after_s=60, clock=clock)
    whole = json.dumps(SAID)
    torn, foreign = folders.tracking / "torn.json", folders.tracking / "foreign.json"
    for path, content in ((torn, whole[:20]), (foreign, '{"hello": 1}')):
        path.write_text(content)
        os.utime(path, (clock.now_us() / 1e6, clock.now_us() / 1e6))
    (folders.tracking / "letter.txt").write_text("hello")
    (folders.tracking / "secret.json").symlink_to("/etc/hostname")
    for left_alone in ("next.json.part", ".next.json"):
        (folders.tracking / left_alone).write_text(whole[:20])
    assert await carrier.told() == []
    assert sorted(aside(folders)) == ["foreign.json", "letter.txt", "secret.json"]
    assert carrier.counters["quarantined"] == 3
    torn.write_text(whole)
    assert [one.key for one in await carrier.told()] == ["torn.json"]
    torn.write_text(whole[:20])
    os.utime(torn, (clock.now_us() / 1e6, clock.now_us() / 1e6))
    clock.pass_s(60)
    assert await carrier.told() == []
    assert "torn.json" in aside(folders)
    assert (folders.tracking / "next.json.part").exists()


async def test_a_folder_that_cannot_be_written_says_so(folders: Folders) -> None:
    folders.shipments.write_text("a file where a folder should be")
    with pytest.raises(CarrierUnavailable, match="out"):
        await FolderCarrier(folders).hand_over(ONE)
