"""Our GS1 reading against vectors and labels that others made."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from epcpy import ConvertException, hex_to_tag_encodable

from gateway.gs1 import decode_epc, parse, parse_scan
from gateway.gs1.epc import SCHEMES

DATA = Path(__file__).parents[2].parent / "shared" / "data"

pytestmark = pytest.mark.skipif(not DATA.exists(), reason="the shared recordings are not here")


def test_every_published_vector_of_our_schemes() -> None:
    vectors = json.loads((DATA / "epc" / "nedap_epcpy_vectors.json").read_text())
    checked = 0
    for vector in vectors:
        if "hex" not in vector:
            continue
        epc = decode_epc(vector["hex"])
        ours = vector["tag_uri"].split(":")[3] in SCHEMES
        assert (epc.scheme != "raw") == ours
        if not ours:
            continue
        checked += 1
        assert (epc.tag_uri, epc.uri) == (vector["tag_uri"], vector["uri"])
        assert parse(vector["tag_uri"]).hex == vector["hex"]
        found = parse(vector["hex"])
        if "gs1_element_string" in vector:
            assert found.element_string == vector["gs1_element_string"]
    assert checked >= 7


def test_a_thousand_tags_from_the_field_read_as_epcpy_reads_them() -> None:
    decoded = 0
    for row in (DATA / "epc" / "iomz_tags_pc_bits.csv").read_text().splitlines():
        bits = row.split(",")[1].strip()
        text = f"{int(bits, 2):0{len(bits) // 4}X}"
        epc = decode_epc(text)
        try:
            expected = hex_to_tag_encodable(text)
        except (ConvertException, ValueError, KeyError):
            assert epc.scheme == "raw"
            continue
        decoded += 1
        assert epc.uri == expected.epc_uri
    assert decoded >= 480


def test_scans_read_as_biip_reads_them() -> None:
    lines = (DATA / "scales" / "barcodes.jsonl").read_text().splitlines()
    for scan in map(json.loads, lines):
        found = parse_scan(scan["scan"])
        assert found.gtin == (scan["gtin"] and scan["gtin"].zfill(14)), scan["scan"]
        assert found.sscc == scan["sscc"], scan["scan"]
        # Digits with a right GTIN check digit are a GTIN, though biip also sees AI 96.
        expected = {e[0]: e[1] for e in scan["elements"] or []}
        assert found.elements == ({} if scan["scan"] == "96385074" else expected)
        assert bool(found.error) == (not (found.gtin or found.sscc or found.elements))
        # Read in two ways at once, as biip also does: told; and nothing else is doubted.
        twice = sum(map(bool, (scan["gtin"], scan["sscc"], scan["elements"]))) > 1
        assert bool(found.ambiguity) == (twice and not found.elements), scan["scan"]
