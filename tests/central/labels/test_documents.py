"""What is printed reads back: PDF rendered by one program and read by another, ZPL by a strict
reader, and by a renderer of somebody else's where that is installed.
"""

from __future__ import annotations

import os
import subprocess
from io import BytesIO
from pathlib import Path

import pypdfium2
import pytest
import zxingcpp
from PIL import Image

from central.labels.drawing import Bars, Drawing, Grid, Words, draw
from central.labels.model import DPI, Dpi, LabelRefused
from central.labels.pdf import as_pdf, as_sheets
from central.labels.shelf import Shelf
from central.labels.symbols import Content, modules, room
from central.labels.template import Template
from central.labels.zpl import as_zpl
from gateway.gs1.elements import parse_element_string
from gateway.gs1.epc import decode_epc
from gateway.gs1.epc_encode import encode_epc
from tests.central.labels.samples import SAID, SAMPLES, SSCC
from tests.central.labels.zpl_reader import GS, Field, read

SHELF = Shelf()


def drawn(label: str, dpi: Dpi, **more: str) -> Drawing:
    return draw(SHELF.templates[label], SAMPLES[label] | more, dpi)


def pages(pdf: bytes, dpi: int) -> list[Image.Image]:
    document = pypdfium2.PdfDocument(pdf)
    try:
        return [page.render(scale=dpi / 72).to_pil().convert("L") for page in document]
    finally:
        document.close()


def scanned(picture: Image.Image) -> set[tuple[str, str]]:
    found = zxingcpp.read_barcodes(picture)
    return {(one.symbology_identifier.removeprefix("]"), one.text) for one in found}


@pytest.mark.parametrize("dpi", DPI)
@pytest.mark.parametrize("name", SAID)
def test_a_scanner_reads_every_code_of_a_page(name: str, dpi: Dpi) -> None:
    drawing = drawn(name, dpi)
    (picture,) = pages(as_pdf([drawing]), dpi)
    assert abs(picture.width - drawing.width) <= 1
    assert scanned(picture) == SAID[name]


@pytest.mark.parametrize("dpi", DPI)
@pytest.mark.parametrize("name", SAID)
def test_a_printer_is_told_the_same_within_the_label(name: str, dpi: Dpi) -> None:
    drawing = drawn(name, dpi)
    (label,) = read(as_zpl([drawing]))
    assert (label.width, label.height) == (drawing.width, drawing.height)
    assert {said_by(one) for one in label.fields if one.kind in {"BC", "BX", "BQ"}} == SAID[name]
    for one in label.fields:
        assert 0 <= one.x < label.width
        assert 0 <= one.y < label.height
        if one.kind == "GB":
            assert one.x + int(one.parameters[0]) <= label.width
            assert one.y + int(one.parameters[1]) <= label.height
        if one.kind == "GF":
            row = int(one.parameters[3])
            assert len(one.parameters[4]) == 2 * int(one.parameters[1])
            assert one.x + 8 * row <= label.width + 7
    for mark in drawing.marks:
        if isinstance(mark, Bars):
            assert mark.x - 10 * mark.module >= 0
            assert mark.x + (mark.modules + 10) * mark.module <= drawing.width
        if isinstance(mark, Grid):
            assert mark.x + mark.modules * mark.module <= drawing.width
            assert mark.y + mark.modules * mark.module <= drawing.height


def said_by(field: Field) -> tuple[str, str]:
    """As a scanner tells it."""
    if field.kind == "BQ":
        return "Q1", field.data
    sign = {"BC": "C", "BX": "d"}[field.kind]
    if not field.data.startswith(GS):
        return f"{sign}0", field.data
    first = {"C": "C1", "d": "d2"}[sign]
    return first, parse_element_string(field.data[1:]).element_string


RENDERER = Path(__file__).parents[2] / "install_zpl_renderer"
NOT_THE_RENDERER_S = {"logistic": {"(37)150"}, "shipping": {"1Z999AA10123456784"}}
"""What this renderer draws otherwise than the guide has it: a change to code set C within a
Code 128 (``>5``), and a single sign behind a change to B.
"""


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Image.Image]:
    """Every label at 203 dpi, drawn by zpl-renderer-js (Zebrash) in one go."""
    found = subprocess.run([RENDERER], capture_output=True, text=True, check=False)
    if found.returncode:
        if os.environ.get("CI"):
            pytest.fail(found.stderr)
        pytest.skip(found.stderr.strip())
    folder = tmp_path_factory.mktemp("zpl")
    for name in SAID:
        drawing = drawn(name, 203)
        size = f"{drawing.width / 8} {drawing.height / 8}"
        (folder / f"{name}.zpl").write_bytes(as_zpl([drawing]))
        (folder / f"{name}.size").write_text(size)
    script = Path(__file__).with_name("render_zpl.cjs")
    environment = {**os.environ, "NODE_PATH": found.stdout.strip()}
    subprocess.run(["node", script, folder], check=True, env=environment)
    return {name: Image.open(folder / f"{name}.png").convert("L") for name in SAID}


@pytest.mark.parametrize("name", SAID)
def test_another_s_renderer_draws_what_is_read(name: str, rendered: dict[str, Image.Image]) -> None:
    foreign = NOT_THE_RENDERER_S.get(name, set())
    wanted = {one for one in SAID[name] if not any(text in one[1] for text in foreign)}
    assert wanted <= scanned(rendered[name])


def test_copies_are_a_quantity_and_tags_are_not() -> None:
    plain = drawn("item", 203)
    labels = read(as_zpl([plain, plain, plain, drawn("lot", 203)]))
    assert [one.quantity for one in labels] == [3, 1]
    epcs = ["3034257BF7194E4000001A85", "3034257BF7194E4000001A86"]
    tagged = [draw(SHELF.templates["item"], SAMPLES["item"], 203, epc=epc) for epc in epcs]
    assert [one.epc for one in read(as_zpl(tagged))] == epcs


def test_a_long_epc_brings_its_length_along() -> None:
    epc = encode_epc(
        "sgtin-198", company_prefix="4012345", reference="000001", serial="SN/42", filter=1
    )
    (label,) = read(as_zpl([draw(SHELF.templates["item"], SAMPLES["item"], 300, epc=epc)]))
    decoded = decode_epc(label.epc)
    assert (decoded.gtin, decoded.serial) == ("04012345000016", "SN/42")


@pytest.mark.parametrize(
    "text", ["plain", "a^b~c_d\\e", "Größe 3 µm", "5 > 3 {x}", "Łódź", "Ελλάδα", "^XZ^XA~JA"]
)
def test_no_text_becomes_a_command(text: str) -> None:
    for align in ("left", "center"):
        template = Template.model_validate({
            "kind": "item", "title": "t", "width_mm": 60, "height_mm": 30, "elements": [
                {"type": "text", "text": "{name}", "x_mm": 1, "y_mm": 1, "width_mm": 50,
                 "size_mm": 4, "align": align},
                {"type": "qr", "text": "{name}", "x_mm": 40, "y_mm": 10, "size_mm": 18},
                {"type": "datamatrix", "text": "{sku}", "x_mm": 20, "y_mm": 10, "size_mm": 18},
            ],
        })  # fmt: skip
        sku = text if text.isascii() else "ABC-12345"
        drawing = draw(template, {"name": text, "sku": sku}, 203)
        (label,) = read(as_zpl([drawing]))
        words, qr, matrix = label.fields
        assert words.kind == "GF" if any(ord(sign) > 255 for sign in text) else words.data == text
        assert (qr.data, matrix.data) == (text, sku)
        (picture,) = pages(as_pdf([drawing]), 300)
        assert {text, sku} == {said for _, said in scanned(picture)}


def test_signs_that_the_letters_lack_are_named() -> None:
    with pytest.raises(LabelRefused, match=r"elements\[0\] \(text\): .* no '倉' .*\[labels\] font"):
        drawn("item", 203, name="倉 1")


def test_names_shrink_wrap_and_are_cut_at_last() -> None:
    def words(name: str) -> list[Words]:
        found = drawn("item", 203, name=name).marks
        return [one for one in found if isinstance(one, Words) and one.bold]

    assert [one.text for one in words("Mouse")] == ["Mouse"]
    assert len(words("Wireless mouse, 3 buttons, black")) == 2
    small = words("Wireless mouse, three buttons, black, for small hands, USB")
    assert len(small) == 2
    assert small[0].size < words("Mouse")[0].size
    cut = words("Wireless mouse " * 12)
    assert len(cut) == 2
    assert cut[-1].text.endswith("…")


@pytest.mark.parametrize(
    ("name", "more", "says"),
    [
        ("item", {"gtin": "04012345000017"}, "the check digit of .* should be 6"),
        ("lot", {"expires_yymmdd": "270231"}, "is not a date"),
        ("lot", {"lot": "x" * 21}, "10"),
        ("item", {"gtin": "", "sku": "Ab1-" * 12}, "it needs .* mm at 203 dots an inch"),
        ("place", {"gln": "", "floor_code": "", "code": "Größe"}, "printable ASCII, not .ßö."),
    ],
)
def test_what_cannot_be_printed_is_refused(name: str, more: dict[str, str], says: str) -> None:
    with pytest.raises(LabelRefused, match=says):
        as_zpl([drawn(name, 203, **more)])


def test_sheets_fill_row_by_row_and_leave_used_places_empty() -> None:
    template = SHELF.templates["bin"]
    assert template.sheet is not None
    codes = [f"A-{number:02}" for number in range(27)]
    drawings = [draw(template, {"code": code, "floor_code": f"TP-L-{code}"}, 300) for code in codes]
    size = (template.width_mm, template.height_mm)
    first, second = pages(as_sheets(drawings, template.sheet, size, skip=2), 150)
    assert (first.width, first.height) == (1241, 1754)
    read_first = [one for one in zxingcpp.read_barcodes(first) if one.format.name == "QRCode"]
    assert {one.text for one in read_first} == {f"TP-L-{code}" for code in codes[:22]}
    assert len({one.text for one in zxingcpp.read_barcodes(second)}) == 5
    corner = first.crop((0, 0, 2 * 1240 // 3, 230))
    assert corner.getextrema() == (255, 255), "the first two stickers are used"


def test_the_same_labels_are_the_same_bytes() -> None:
    twice = [as_pdf([drawn("shipping", 300)]) for _ in range(2)]
    assert twice[0] == twice[1]


@pytest.mark.parametrize(
    "text", ["1", "12", "123", "1234", "A1", "A1234", "A123456B", "ABC-12345", "123456A7", "~^>_"]
)
def test_code_128_needs_no_more_room_than_was_kept(text: str) -> None:
    content = Content(symbology="code128", text=text)
    assert room(content) >= len(modules(content)[0])
    label = Drawing(
        width=900, height=100, dpi=203,
        marks=(Bars(x=30, y=5, module=2, modules=room(content), height=60, content=content),),
    )  # fmt: skip
    (format_,) = read(as_zpl([label]))
    assert [one.data for one in format_.fields] == [text]
    assert text in {said for _, said in scanned(pages(as_pdf([label]), 203)[0])}


def test_the_sscc_s_bars_are_as_wide_as_gs1_wants() -> None:
    # GS1 General Specifications, table 5.12.3.1-6 (logistic units): 0.495 mm to 0.940 mm.
    marks = drawn("logistic", 203).marks
    bars = [one for one in marks if isinstance(one, Bars) and ("00", SSCC) in one.content.elements]
    assert [one.module / 203 * 25.4 for one in bars] == [pytest.approx(0.5, abs=0.01)]


def test_pdf_opens_at_its_own_size() -> None:
    document = pypdfium2.PdfDocument(BytesIO(as_pdf([drawn("shipping", 203)])))
    width, height = document[0].get_size()
    assert (width / 72 * 25.4, height / 72 * 25.4) == (
        pytest.approx(101.6, abs=0.1), pytest.approx(152.4, abs=0.1),
    )  # fmt: skip
    document.close()
