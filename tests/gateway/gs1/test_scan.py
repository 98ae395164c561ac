"""What a scan is, what else it may be, and what it may have lost on its way."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from gateway.gs1 import check_digit, parse_scan
from gateway.gs1.cli import app
from gateway.gs1.symbologies import ELEMENT_SYMBOLOGIES, symbology_name

CASE = "010703206980498810ABC"


@pytest.mark.parametrize(
    ("data", "symbology", "says"),
    [
        ("96385074", None, r"element string \(96\)385074"),
        ("01234565", None, "UPC-E of GTIN 00012345000065"),
        ("106141412345678908", None, r"element string \(10\)6141412345678908"),
        ("10ABC123", None, "by its form alone"),
        ("17280229", None, "by its form alone"),
        ("5901234123457", "]C0", "one number in ten"),
        ("2012345678903", "]E0", "within one company"),
        ("2012345678903", None, "within one company"),
        (CASE + "3103001750", "]C1", r"may hold 3103001750 .* no group separator"),
        (CASE + "17260131", None, "may hold 17260131"),
    ],
)
def test_what_else_a_scan_may_be_is_told(data: str, symbology: str | None, says: str) -> None:
    found = parse_scan(data, symbology)
    assert found.error is None
    assert found.gtin or found.sscc or found.elements
    assert re.search(says, found.ambiguity or "")


@pytest.mark.parametrize(
    ("data", "symbology"),
    [
        ("5901234123457", None),
        ("5901234123457", "]E0"),
        ("96385074", "]E4"),
        ("07032069804988", "]I1"),
        ("00157035381410375177", None),
        ("10ABC123", "]C1"),
        (CASE + "\x1d3103001750", "]C1"),
        (CASE + "{GS}3103001750", None),
        (CASE + "21", "]C1"),
        ("https://id.gs1.org/01/07032069804988/10/ABC", None),
        ("https://id.gs1.org/01/07032069804988/10/ABC17260131", "]Q1"),
    ],
)
def test_what_is_plain_is_not_doubted(data: str, symbology: str | None) -> None:
    found = parse_scan(data, symbology)
    assert found.error is None
    assert found.ambiguity is None


@pytest.mark.parametrize(
    ("data", "symbology", "says"),
    [
        ("12", "]E1", "only the add-on"),
        ("51299", "]E2", "only the add-on"),
        ("ABC-123", "]C0", r"Code 128 \(\]C0\) carries no GS1"),
        ("+A99912345", "]A0", "Code 39"),
        (CASE + "21SERIALNUMBER1234567", None, "separator was lost"),
    ],
)
def test_refusals_say_what_to_do(data: str, symbology: str | None, says: str) -> None:
    found = parse_scan(data, symbology)
    assert re.search(says, found.error or "")


@pytest.mark.parametrize("symbology", sorted(ELEMENT_SYMBOLOGIES))
def test_every_identifier_with_fnc1_first_carries_element_strings(symbology: str) -> None:
    assert parse_scan(symbology + CASE).elements == {"01": "07032069804988", "10": "ABC"}
    assert symbology_name(symbology).startswith("GS1")


@given(st.integers(0, 10**16), st.sampled_from([8, 12, 13, 14, 18]))
@settings(max_examples=100, deadline=None)
def test_a_key_without_an_identifier_is_that_key_whatever_else_it_may_be(
    number: int, length: int
) -> None:
    payload = str(number).zfill(length - 1)[: length - 1]
    key = payload + check_digit(payload)
    found = parse_scan(key)
    assert found.error is None
    assert (found.sscc or found.gtin) == key.zfill(14)


def test_the_command_tells_doubts_beside_the_answer() -> None:
    done = CliRunner().invoke(app, ["parse", "96385074"])
    assert done.exit_code == 0
    assert '"gtin":"00000096385074"' in done.stdout
    assert "may also be" in done.stderr
    assert CliRunner().invoke(app, ["parse", "3074257BF7194E4000001A85"]).stderr == ""
