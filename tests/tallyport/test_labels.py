"""What is printed reads back: drawn by one library, rendered and read by others."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pypdfium2
import pytest
import resvg_py
import zxingcpp
from PIL import Image
from typer.testing import CliRunner

from gateway.command_codes import CommandCode, PlaceCode, Verb, parse_code
from tallyport.labels.cli import app

PLACES = ("shelf-7", "A.1_b", "x" * 40)
WANTED = {*map(CommandCode, Verb), *map(PlaceCode, PLACES)}


def printed(out: Path, *options: str) -> Path:
    done = CliRunner().invoke(app, ["commands", "--out", str(out), *options])
    assert done.exit_code == 0, done.output
    return out


def pictures(path: Path) -> list[Image.Image]:
    if path.suffix == ".svg":
        png = resvg_py.svg_to_bytes(svg_path=str(path), background="#ffffff", zoom=3)
        return [Image.open(BytesIO(bytes(png)))]
    document = pypdfium2.PdfDocument(path)
    try:
        return [page.render(scale=3).to_pil() for page in document]
    finally:
        document.close()


@pytest.mark.parametrize("name", ["sheet.svg", "sheet.PDF"])
@pytest.mark.parametrize("symbology", ["code128", "qr"])
def test_every_code_of_a_sheet_reads_back(tmp_path: Path, name: str, symbology: str) -> None:
    options = [word for place in PLACES for word in ("--place", place)]
    sheet = printed(tmp_path / name, "--symbology", symbology, *options)
    read = [code for page in pictures(sheet) for code in zxingcpp.read_barcodes(page)]
    assert {parse_code(code.text) for code in read} == WANTED
    identifier = "]C0" if symbology == "code128" else "]Q1"
    assert {code.symbology_identifier for code in read} == {identifier}


def test_many_places_take_more_pages_and_none_is_lost(tmp_path: Path) -> None:
    places = [f"shelf-{number}" for number in range(20)]
    sheet = printed(
        tmp_path / "many.pdf", *(word for place in places for word in ("--place", place))
    )
    pages = [zxingcpp.read_barcodes(picture) for picture in pictures(sheet)]
    assert [len(page) for page in pages] == [14, 11]
    read = {parse_code(code.text) for page in pages for code in page}
    assert read == {*map(CommandCode, Verb), *map(PlaceCode, places)}


def test_the_same_labels_are_the_same_bytes(tmp_path: Path) -> None:
    first, second = (printed(tmp_path / name).read_bytes() for name in ("a.pdf", "b.pdf"))
    assert first == second


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--out", "sheet.png"], "neither .svg nor .pdf"),
        (["--out", "sheet.svg", "--symbology", "ean13"], "neither code128 nor qr"),
        (["--out", "sheet.svg", "--place", "Regal 7"], "1 to 40 letters"),
        (["--out", "nowhere/at/all.svg"], "cannot be written"),
    ],
)
def test_what_cannot_be_printed_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["commands", *options])
    assert done.exit_code == 2
    assert says in done.stderr
    assert not list(tmp_path.iterdir())
