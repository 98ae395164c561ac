"""``tallyport central label``: files from the books, and how printers are."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from typer.testing import CliRunner

from central.cli import app
from tests.central.harness import bench
from tests.central.labels.zpl_reader import read


@pytest.fixture
async def config(tmp_path: Path) -> Path:
    """Settings of a central with one bin and one item, which is not running."""
    async with bench(tmp_path) as made:
        await made.post("/warehouses", code="WH-01", name="Leeds")
        await made.post("/locations", code="WH-01-A1", name="Bin", parent="WH-01", type="bin")
        await made.post("/items", sku="ABC-12345", name="Wireless mouse")
    path = tmp_path / "central.toml"
    path.write_text(f'[central]\ndata_dir = "{tmp_path}"\n')
    return path


def said(*words: str | Path) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["label", *map(str, words)])
    return done.exit_code, done.stdout + done.stderr


def test_labels_become_files(config: Path, tmp_path: Path) -> None:
    zpl, pdf = tmp_path / "a.zpl", tmp_path / "bins.pdf"
    code, text = said(
        "make", "item", "--sku", "ABC-12345", "--copies", "3", "--out", zpl, "-c", config
    )
    assert (code, text) == (0, f"{zpl}: 3 labels\n")
    assert [one.quantity for one in read(zpl.read_bytes())] == [3]
    options = ("--within", "WH-01", "--type", "bin", "--template", "bin", "--sheet")
    code, text = said("make", "place", *options, "--out", pdf, "-c", config)
    assert (code, text) == (0, f"{pdf}: 1 labels. Print at 100 %, not fitted to the page\n")
    assert pdf.read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("item", "--sku", "NONE", "--out", "x.pdf"), "there is no item NONE"),
        (("item", "--out", "x.pdf"), "say what the labels are of"),
        (("item", "--sku", "ABC-12345", "--out", "x.png"), "neither .pdf nor .zpl"),
        (("thing", "--out", "x.pdf"), "kind item, lot, serial"),
        (("item", "--sku", "ABC-12345", "--dpi", "96", "--out", "x.pdf"), "one of 203, 300, 600"),
        (("logistic", "--sku", "ABC-12345", "--out", "x.pdf"), "given by the API"),
        (("item", "--sku", "ABC-12345", "--out", "no/where/x.pdf"), "cannot be written"),
    ],
)
def test_what_cannot_be_made_is_said(
    config: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], says: str
) -> None:
    monkeypatch.chdir(config.parent)
    code, text = said("make", *words, "-c", config)
    assert code == 2
    assert says in text
    assert not list(config.parent.glob("x.*"))


def test_templates_are_listed(config: Path) -> None:
    code, text = said("templates", "-c", config)
    assert code == 0
    assert "bin          place     Bin, 70 x 36 mm, 24 on an A4 sheet" in text


def test_printers_say_how_they_are(config: Path) -> None:
    code, text = said("printers", "-c", config)
    assert (code, text) == (0, "the settings have no [[printers]]\n")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    away = f'[[printers]]\nname = "dock"\nhost = "127.0.0.1"\nport = {port}\n'
    config.write_text(config.read_text() + away)
    code, text = said("printers", "-c", config)
    assert code == 1
    assert text.startswith("dock         away     dock at 127.0.0.1:")


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ('[[printers]]\nname = "a"\nhost = "h"\ndpi = 200\n', "printers[0].dpi = 200"),
        ('[[printers]]\nname = "a b"\nhost = "h"\n', "printers[0].name"),
        ('[[printers]]\nname = "a"\nhost = "h"\nspeaks = "pdf"\nrfid = true\n', "speak ZPL"),
        ('[[printers]]\nname = "a"\nhost = "h"\n' * 2, "the same name: a"),
        ('[labels]\nfont = "none.ttf"\n', "give both or neither"),
        ('[labels]\nfont = "none.ttf"\nfont_bold = "no.ttf"\n', "no file none.ttf and no file no"),
        ('[labels]\ncompany_prefixes = ["12"]\n', "labels.company_prefixes[0]"),
    ],
)
def test_wrong_settings_are_told(tmp_path: Path, table: str, says: str) -> None:
    path = tmp_path / "central.toml"
    path.write_text(table)
    code, text = said("printers", "-c", path)
    assert code == 2
    assert says in text
