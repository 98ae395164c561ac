from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from gateway.gs1 import Gs1, Gs1Error, check_digit, parse, parse_scan, to_gtin14
from gateway.gs1.cli import app

FULL = Gs1(
    scheme="gtin",
    gtin="07032069804988",
    lot="AB-1",
    serial="S/9",
    expiry="2028-02-29",
    element_string="(01)07032069804988(17)280200(10)AB-1(21)S/9",
    digital_link="https://id.gs1.org/01/07032069804988/10/AB-1/21/S%2F9?17=280200",
)


@pytest.mark.parametrize(
    "text",
    [
        "(01)07032069804988(17)280200(10)AB-1(21)S/9",
        "(01) 07032069804988 (17) 280200 (10) AB-1 (21) S/9",
        "]C1010703206980498817280200" + "10AB-1\x1d21S/9",
        "]d2\x1d01070320698049881728020010AB-1\x1d21S/9",
        "01070320698049881728020010AB-1\x1d21S/9",
        "01070320698049881728020010AB-1{GS}21S/9",
        "01070320698049881728020010AB-1<GS>21S/9",
        "01070320698049881728020010AB-1^21S/9",
        "01070320698049881728020010AB-1|21S/9",
        "01070320698049881728020010AB-1\\x1d21S/9",
        "<FNC1>01070320698049881728020010AB-1<FNC1>21S/9",
    ],
)
def test_every_spelling_of_an_element_string_gives_the_same(text: str) -> None:
    assert parse(text) == FULL


@pytest.mark.parametrize(
    "text",
    [
        "https://id.gs1.org/01/07032069804988/10/AB-1/21/S%2F9?17=280200",
        "http://shop.example/some/where/01/07032069804988/10/AB-1/21/S%2F9?17=280200&utm=x",
        "HTTPS://SHOP.EXAMPLE/01/7032069804988/10/AB-1/21/S%2F9?17=280200",
        "]Q1https://id.gs1.org/01/07032069804988/10/AB-1/21/S%2F9?17=280200",
        "]Q3https://id.gs1.org/01/07032069804988/10/AB-1/21/S%2F9?17=280200",
    ],
)
def test_digital_links_of_any_domain(text: str) -> None:
    assert parse(text).digital_link == FULL.digital_link
    assert parse(text).expiry == FULL.expiry


SGTIN = Gs1(
    scheme="sgtin-96",
    uri="urn:epc:id:sgtin:0614141.812345.6789",
    tag_uri="urn:epc:tag:sgtin-96:3.0614141.812345.6789",
    gtin="80614141123458",
    serial="6789",
    element_string="(01)80614141123458(21)6789",
    digital_link="https://id.gs1.org/01/80614141123458/21/6789",
    hex="3074257BF7194E4000001A85",
)


@pytest.mark.parametrize(
    "text",
    [
        "3074257BF7194E4000001A85",
        "3074257bf7194e4000001a85",
        "0x3074257BF7194E4000001A85",
        "30 74 25 7B F7 19 4E 40 00 00 1A 85",
        "urn:epc:tag:sgtin-96:3.0614141.812345.6789",
        "URN:EPC:TAG:SGTIN-96:3.0614141.812345.6789",
        "urn:epc:raw:96.x3074257BF7194E4000001A85",
    ],
)
def test_every_spelling_of_an_epc_gives_the_same(text: str) -> None:
    assert parse(text) == SGTIN


def test_a_pure_identity_is_shown_in_the_shortest_coding_with_filter_0() -> None:
    plain = parse("urn:epc:id:sgtin:0614141.812345.6789")
    assert plain.tag_uri == "urn:epc:tag:sgtin-96:0.0614141.812345.6789"
    assert plain.hex == "3014257BF7194E4000001A85"
    text = parse("urn:epc:id:sgtin:0614141.812345.0A%2F")
    assert (text.scheme, text.serial) == ("sgtin-198", "0A/")
    assert parse(text.hex or "") == text


@pytest.mark.parametrize(
    ("text", "scheme", "key"),
    [
        ("96385074", "gtin", "00000096385074"),
        ("614141000036", "gtin", "00614141000036"),
        ("5901234123457", "gtin", "05901234123457"),
        ("5 901234 123457", "gtin", "05901234123457"),
        ("]E05901234123457", "gtin", "05901234123457"),
        ("]I107032069804988", "gtin", "07032069804988"),
        ("106141412345678908", "sscc", "106141412345678908"),
        ("00106141412345678908", "sscc", "106141412345678908"),
        ("]C100106141412345678908", "sscc", "106141412345678908"),
        ("urn:epc:id:sscc:0614141.1234567890", "sscc-96", "106141412345678908"),
        # Digits alone may be an EPC: header 0x30, partition and ranges say so.
        ("303425751234567890123456", "sgtin-96", None),
    ],
)
def test_plain_keys(text: str, scheme: str, key: str | None) -> None:
    found = parse(text)
    assert found.scheme == scheme
    if key is not None:
        assert key in (found.gtin, found.sscc)
        assert key in (found.element_string or "")


def test_a_pallet_label_has_the_sscc_and_what_it_contains() -> None:
    text = "(00)106141412345678908(02)07032069804988(37)12"
    found = parse(text)
    assert (found.scheme, found.sscc, found.gtin) == (
        "sscc", "106141412345678908", "07032069804988",
    )  # fmt: skip
    scan = parse_scan("001061414123456789080207032069804988" + "3712", "]C1")
    assert (scan.sscc, scan.gtin, scan.quantity) == (found.sscc, found.gtin, 12)


def test_an_unknown_tag_is_raw() -> None:
    found = parse("e28011700000020ec250705d")
    assert found == Gs1(
        scheme="raw",
        tag_uri="urn:epc:raw:96.xE28011700000020EC250705D",
        hex="E28011700000020EC250705D",
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "nothing to read"),
        ("hello", "no EPC, URI"),
        ("ABCD", "no EPC, URI"),
        ("5901234123458", "should be 7"),
        ("590123412345", "should be"),
        ("106141412345678909", "should be 8"),
        ("(01)07032069804989", "should be 8"),
        ("(01)07032069804988(17)210230", "not a date"),
        ("(9999)1", "not a GS1 application identifier"),
        ("]C117259900", "pattern"),
        ("]C0ABC-123", "no GTIN"),
        ("]C0010703206980498810LOT", "no GTIN"),
        ("]", "Identifier"),
        ("96385075", "should be 4"),
        ("17281350", "pattern"),
        ("10614141000414", "check digit of GTIN-14"),
        ("https://id.gs1.org/", "primary identifier"),
        ("https://id.gs1.org/01/07032069804989", "should be 8"),
        ("urn:epc:id:gid:1.2.3", "not one of"),
        ("urn:epc:id:sgtin:0614141.812345", "3 fields"),
        ("urn:epc:id:sgtin:0614141.81234.1", "has 6 digits"),
        ("urn:epc:tag:sgtin-96:9.0614141.812345.6789", "0 to 7"),
        ("urn:epc:idpat:sgtin:*.*.*", "no single identifier"),
        ("urn:isbn:123", "not an EPC URI"),
        ("(10)\u0661", "ASCII"),
    ],
)
def test_nonsense_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(Gs1Error, match=reason):
        parse(text)


GS1_TEXT = st.text("0123456789AB()]C1d2Q3E\x1d{}GS^|/:.urnepchtps%- \u0661", max_size=40)


@given(GS1_TEXT)
@settings(max_examples=300, deadline=None)
def test_any_text_parses_or_is_refused_and_a_scan_never_raises(text: str) -> None:
    with suppress(Gs1Error):
        parse(text)
    scan = parse_scan(text)
    assert scan.error or scan.gtin or scan.sscc or scan.elements
    for symbology in ("]C1", "]E0", "]Q1", "]d2"):
        parse_scan(text, symbology)


@given(
    st.sampled_from([7, 11, 12, 13]).flatmap(
        lambda n: st.text("0123456789", min_size=n, max_size=n)
    )
)
def test_one_wrong_digit_is_always_noticed(payload: str) -> None:
    gtin = payload + check_digit(payload)
    assert to_gtin14(gtin).endswith(gtin)
    wrong = str((int(gtin[0]) + 1) % 10) + gtin[1:]
    with pytest.raises(Gs1Error, match="check digit"):
        to_gtin14(wrong)


@pytest.mark.parametrize(
    ("data", "symbology", "gtin"),
    [
        ("96385074", None, "00000096385074"),
        ("96385074", "]E4", "00000096385074"),
        ("01234565", "]E0", "00012345000065"),  # UPC-E of UPC-A 012345000065
        ("590123412345712", "]E3", "05901234123457"),
        ("5901234123457", "]C0", "05901234123457"),
        ("96385074", "]C0", None),
        ("10ABC123", "]A0", None),
        ("(01)07032069804988", None, None),
        ("(01)07032069804988", "]C1", None),
    ],
)
def test_the_aim_identifier_decides(data: str, symbology: str | None, gtin: str | None) -> None:
    scan = parse_scan(data, symbology)
    assert scan.gtin == gtin
    assert (scan.error is None) == (gtin is not None)
    assert scan.elements == {}


def test_a_flaw_does_not_cost_the_rest_of_a_scan() -> None:
    scan = parse_scan("010703206980498817230230" + "10LOT", "]C1")
    assert (scan.gtin, scan.lot, scan.expiry) == ("07032069804988", "LOT", None)
    assert "not a date" in (scan.error or "")


def test_the_command_prints_one_object_or_says_why_not() -> None:
    good = CliRunner().invoke(app, ["parse", "5901234123457"])
    assert good.exit_code == 0
    assert json.loads(good.stdout) == {
        "scheme": "gtin", "uri": None, "tag_uri": None, "gtin": "05901234123457", "sscc": None,
        "serial": None, "lot": None, "expiry": None, "element_string": "(01)05901234123457",
        "digital_link": "https://id.gs1.org/01/05901234123457", "hex": None,
    }  # fmt: skip
    bad = CliRunner().invoke(app, ["parse", "hello"])
    assert bad.exit_code == 1
    assert bad.stdout == ""
    assert "'hello' is no EPC" in bad.stderr
