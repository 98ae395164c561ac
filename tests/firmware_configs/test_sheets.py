"""The sheets in firmware_configs: each row says where it is from, and each line is the driver's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from drivers import registry
from drivers.scales.protocols import PROTOCOLS

FOLDER = Path(__file__).parents[2] / "firmware_configs"
OURS = ("impinj", "zebra", "thingmagic", "feig", "scanners", "scales")
"""Folders of sheets for a device's own menu; what is code for a device is compiled or run."""
SHEETS = sorted(path for folder in OURS for path in (FOLDER / folder).rglob("*.md"))
SOURCE = re.compile(
    r"https?://\S+"  # a page
    r"|unverified"  # none was found, and it says so
    r"|\b(?:p|pp|appendix|drawing|section|table)\.? ?[\dA-Z]"  # a place in a manual
    r"|\bthe same\b|\bmanual page\b"
)


def tables(path: Path) -> list[tuple[list[str], list[list[str]]]]:
    """Head and rows of every table of a page."""
    found = []
    for block in re.findall(r"(?:^\|.*\|\n)+", path.read_text(encoding="utf-8"), re.MULTILINE):
        head, rule, *rows = (
            [cell.strip() for cell in line.strip("|\n").split("|")] for line in block.splitlines()
        )
        assert set("".join(rule)) == {"-"}, f"{path}: {rule}"
        found.append((head, rows))
    return found


def test_there_is_a_sheet_for_each_family() -> None:
    names = {path.relative_to(FOLDER).as_posix() for path in SHEETS}
    assert names >= {
        "impinj/r700.md", "impinj/speedway.md", "zebra/fx.md", "thingmagic/readers.md",
        "feig/readers.md", "scanners/zebra-ds.md", "scanners/honeywell.md",
        "scanners/datalogic.md", "scales/line_settings.md",
    }  # fmt: skip


def test_the_index_tells_of_every_folder() -> None:
    index = (FOLDER / "README.md").read_text(encoding="utf-8")
    told = set(re.findall(r"`(\w+)`[,| ]", "".join(re.findall(r"^\| `.*?\|", index, re.MULTILINE))))
    folders = {path.name for path in FOLDER.iterdir() if path.is_dir()} - {"__pycache__"}
    assert told == folders


@pytest.mark.parametrize("path", SHEETS, ids=lambda path: path.relative_to(FOLDER).as_posix())
def test_every_row_names_its_source_or_says_unverified(path: Path) -> None:
    sourced = [(head, rows) for head, rows in tables(path) if head[-1] == "source"]
    assert sourced, f"{path} has no table whose last column is the source"
    for head, rows in sourced:
        for row in rows:
            assert len(row) == len(head), f"{path}: {row}"
            assert all(row), f"{path}: an empty cell in {row}"
            assert SOURCE.search(row[-1]), f"{path}: where is {row[0]!r} from? It says {row[-1]!r}"


def test_the_line_settings_are_those_of_the_drivers() -> None:
    ((_, rows),) = tables(FOLDER / "scales" / "line_settings.md")
    told = {row[0].strip("`"): (row[1], row[2]) for row in rows}
    assert set(told) == {*PROTOCOLS, "mt-sics"}
    for kind, (line, how) in told.items():
        config = registry.load(kind).Config(port="a port")
        asked = config.ask if kind in PROTOCOLS else config.command != "SIR"
        assert (config.line, "asked" if asked else "sends") == (line, how), kind


@pytest.mark.parametrize("name", ["zebra-ds", "honeywell", "datalogic"])
def test_a_scanner_s_sheet_has_what_its_drivers_expect(name: str) -> None:
    text = (FOLDER / "scanners" / f"{name}.md").read_text(encoding="utf-8").lower()
    for expected in ("aim", "suffix", "usb", "`scanner`", "`scanner-hid`", "gs"):
        assert expected in text
    for sample in ("serial.toml", "keyboard.toml"):
        assert sample in text
        assert (FOLDER / "scanners" / sample).exists()
