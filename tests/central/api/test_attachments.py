"""Files in and out over REST, on both engines: once each, never shown, gone only when unused."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from central.attachments.desk import AttachmentDesk
from central.attachments.folder import Folder
from central.config import AttachmentsSection
from tests.central.harness import Bench, bench

PAGE = Path(__file__).parents[3] / "docs" / "attachments.md"
CURL = re.compile(r"^    curl (.*?)'?http://127\.0\.0\.1:8080(/[^\s']*)'?$", re.MULTILINE)
PDF = b"%PDF-1.7\n%%EOF\n"
CSV = b"sku,quantity\nABC-12345,100\n"
SHA = hashlib.sha256(PDF).hexdigest()
ITEM = "/api/attachments/items/ABC-12345"
DAY_S = 86_400


@pytest.fixture
async def made(tmp_path: Path, books_url: str) -> AsyncIterator[Bench]:
    async with bench(tmp_path, books_url) as opened:
        await opened.post("/items", sku="ABC-12345", name="Wireless mouse")
        yield opened


async def attach(
    made: Bench, path: str, content: bytes, name: str = "", status: int = 201
) -> dict[str, Any]:
    answer = await made.http.post(path, content=content, params={"name": name})
    assert answer.status_code == status, answer.text
    return dict(answer.json())


def rules(made: Bench, **rules: object) -> None:
    """Let other rules hold from now on."""
    made.services.attachments.rules = AttachmentsSection.model_validate(rules)


def kept(tmp_path: Path) -> list[str]:
    """The files that lie in the folder, those that are still coming too."""
    return sorted(one.name for one in (tmp_path / "attachments").rglob("*") if one.is_file())


async def test_the_requests_of_the_page(made: Bench) -> None:
    await made.post("/warehouses", code="WH-01", name="Leeds")
    await made.post(
        "/api/orders/inbound", id="po-7890-acme", supplier="Acme Ltd", reference="PO-7890",
        location="WH-01", lines=[{"line": "1", "sku": "ABC-12345", "quantity": 150}],
    )  # fmt: skip
    statuses = []
    for options, path in CURL.findall(PAGE.read_text()):
        method = "DELETE" if "DELETE" in options else "POST" if "@" in options else "GET"
        content = PDF if method == "POST" else None
        answer = await made.http.request(method, path.replace("SHA256", SHA), content=content)
        statuses.append(answer.status_code)
    assert statuses == [201, 200, 200, 204]
    subject = "inbound order po-7890-acme"
    entries: Any = (await made.get(f"/audit?subject={subject}"))["rows"]
    assert [one["action"] for one in entries] == ["remove attachment", "add attachment"]
    assert entries[0]["before"] == entries[1]["after"]
    assert entries[1]["after"] == {"sha256": SHA, "name": "note.pdf", "media": "pdf", "bytes": 15}


async def test_what_is_given_out_is_only_saved(made: Bench) -> None:
    page = b"<html><script>alert(1)</script></html>"
    told = await attach(made, ITEM, page, 'Größe".html')
    answer = await made.http.get(told["path"])
    assert answer.content == page
    headers = answer.headers
    assert headers["content-disposition"] == (
        "attachment; filename*=UTF-8''Gr%C3%B6%C3%9Fe%22.html.txt"
    )
    assert headers["content-type"] == "text/plain; charset=utf-8"
    assert headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert headers["x-content-type-options"] == "nosniff"


async def test_the_same_file_is_kept_once_and_again_changes_nothing(
    made: Bench, tmp_path: Path
) -> None:
    first = await attach(made, ITEM, PDF, "first.pdf")
    assert await attach(made, ITEM, PDF, "second.pdf", status=200) == first
    await made.post("/items", sku="ABC 12346", name="Keyboard")
    other = await attach(made, "/api/attachments/items/ABC 12346", PDF)
    assert (await made.http.get(other["path"])).content == PDF
    assert kept(tmp_path) == [SHA]
    assert (await made.get(ITEM))["rows"] == [first]
    entries: Any = (await made.get("/audit?subject=item ABC-12345"))["rows"]
    assert [one["action"] for one in entries] == ["add attachment", "add item"]
    await made.http.delete(first["path"])
    assert (await made.http.get(first["path"])).status_code == 404
    assert (await made.http.delete(first["path"])).status_code == 404
    assert (await made.http.get(other["path"])).content == PDF


async def test_what_breaks_the_rules_leaves_nothing(made: Bench, tmp_path: Path) -> None:
    rules(made, most_mib=1, most_each=1, types=["pdf", "text"])
    png = b"\x89PNG\r\n\x1a\n"
    assert "png; taken are pdf, text" in (await attach(made, ITEM, png, "x.pdf", 415))["detail"]
    await attach(made, ITEM, b"GIF89a\x01\x00", "x.pdf", 415)
    await attach(made, ITEM, b"", "x.pdf", 422)
    await attach(made, ITEM, PDF + b" " * 2**20, "x.pdf", 413)
    await attach(made, "/api/attachments/items/NONE", PDF, "x.pdf", 404)
    assert kept(tmp_path) == []
    await attach(made, ITEM, PDF)
    assert "most_each" in (await attach(made, ITEM, CSV, status=409))["detail"]
    await attach(made, ITEM, PDF, status=200)
    assert kept(tmp_path) == [SHA]


async def test_movements_orders_and_reviews_have_files(made: Bench) -> None:
    await made.post("/warehouses", code="WH-01", name="Leeds")
    await made.post("/locations", code="B1", name="B1", parent="WH-01")
    await made.post("/stock/receive", id="receipt-1", sku="ABC-12345", quantity=9, location="B1")
    await made.post(
        "/api/orders/outbound", id="order-so-1", customer="c", ship_to={},
        warehouse="WH-01", ship_from="B1",
        lines=[{"line": "1", "sku": "ABC-12345", "quantity": 1}],
    )  # fmt: skip
    for path in ("movements/receipt-1", "orders/order-so-1"):
        told = await attach(made, f"/api/attachments/{path}", CSV, "note.csv")
        assert (told["name"], told["media"]) == ("note.csv", "text")
        assert (await made.http.get(told["path"])).content == CSV
    for kind in ("items", "movements", "orders", "inbound-orders", "reviews"):
        for method in ("GET", "POST"):
            answer = await made.http.request(method, f"/api/attachments/{kind}/no", content=PDF)
            assert answer.status_code == 404, answer.text


async def test_a_file_that_is_away_or_damaged_is_told_and_mended(
    made: Bench, tmp_path: Path
) -> None:
    told = await attach(made, ITEM, PDF)
    (file,) = (tmp_path / "attachments").rglob(SHA)
    file.write_bytes(PDF[:-1])
    answer = await made.http.get(told["path"])
    assert (answer.status_code, "damaged" in answer.text) == (410, True)
    file.unlink()
    assert (await made.http.get(told["path"])).status_code == 410
    await attach(made, ITEM, PDF, status=200)
    assert (await made.http.get(told["path"])).content == PDF


async def test_what_belongs_to_nothing_is_swept_after_its_days(made: Bench, tmp_path: Path) -> None:
    desk = made.services.attachments
    orphan = await attach(made, ITEM, CSV)
    await attach(made, ITEM, PDF)
    for file in (tmp_path / "attachments").rglob("[0-9a-f]" * 64):
        os.utime(file, (1, 1))
    await made.http.delete(orphan["path"])
    await desk.sweep(made.database)
    assert kept(tmp_path) == sorted([SHA, orphan["sha256"]]), "a backup may name it yet"
    (file,) = (tmp_path / "attachments").rglob(orphan["sha256"])
    aged = file.stat().st_mtime - 30 * DAY_S - 60
    os.utime(file, (aged, aged))
    cut = tmp_path / "attachments" / "coming" / "cut"
    cut.write_bytes(b"half a fi")
    os.utime(cut, (1, 1))
    await desk.sweep(made.database)
    assert kept(tmp_path) == [SHA]


async def test_a_folder_that_is_not_there_yet_is_swept(tmp_path: Path, made: Bench) -> None:
    desk = AttachmentDesk(Folder(tmp_path / "none"), AttachmentsSection())
    await desk.sweep(made.database)
    assert not (tmp_path / "none").exists()
