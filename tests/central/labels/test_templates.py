"""Templates as data: those that are shipped, one's own, and every mistake in words."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from central.cli import app
from central.labels.drawing import draw
from central.labels.model import FIELDS, KINDS
from central.labels.shelf import SHIPPED, STANDARD, Shelf, read_template
from gateway.settings_errors import ConfigError

GOOD = """
kind = "item"
title = "Small"
width_mm = 40
height_mm = 20

[[elements]]
type = "text"
text = "{sku}"
x_mm = 1
y_mm = 1
width_mm = 30
size_mm = 3
"""
WRONG = """kind = "item"
title = "Wrong"
width_mm = 40
height_mm = 20

[[elements]]
type = "text"
text = "{skuu} and {name"
x_mm = 20
y_mm = 1
width_mm = 30
size_mm = 3

[[elements]]
type = "gs1-128"
ais = { "01" = "{gtin}", "5" = "{lot}" }
x_mm = 1
y_mm = 6
width_mm = 30
height_mm = 10
unless = "serial"

[sheet]
rows = 30
columns = 2
"""
UNREAD = """kind = "itme"
title = "Unread"
width_mm = 40
height_mm = 2000

[[elements]]
type = "txt"
x_mm = 1

[[elements]]
type = "line"
x_mm = 1
y_mm = 1
widht_mm = 10
"""


def mistakes(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as raised:
        read_template(path)
    return [str(one) for one in raised.value.mistakes]


def test_each_kind_has_its_template() -> None:
    shelf = Shelf()
    assert (
        {one.kind for one in shelf.templates.values()} == set(KINDS) == set(STANDARD) == set(FIELDS)
    )
    for kind, name in STANDARD.items():
        assert shelf.template(kind) is shelf.templates[name]


def test_shipped_templates_may_stand_anywhere_on_paper() -> None:
    assert {path.suffix for path in SHIPPED.iterdir()} == {".toml"}
    for template in Shelf().templates.values():
        assert list(template.faults()) == []


def test_one_s_own_takes_the_place_of_the_shipped_one(tmp_path: Path) -> None:
    (tmp_path / "item.toml").write_text(GOOD)
    (tmp_path / "small.toml").write_text(GOOD)
    shelf = Shelf(tmp_path)
    assert shelf.template("item").title == "Small"
    assert shelf.template("item", "small").width_mm == 40
    drawing = draw(shelf.template("item"), {"sku": "A"}, 203)
    assert len(drawing.marks) == 1


def test_every_mistake_is_told_with_its_line(tmp_path: Path) -> None:
    fields = ", ".join(FIELDS["item"])
    assert mistakes(tmp_path, WRONG) == [
        'line 24: sheet.rows = "30": so many end at 600 mm, and the page has 297 mm.',
        'line 9: elements[0].x_mm = "20": with its 30 mm it ends at 50, and the label has 40 mm.',
        'line 8: elements[0].text = "{skuu}": a label of kind item has no such field; it has '
        f"{fields}.",
        'line 8: elements[0].text = "{skuu} and {name": a { or } that belongs to no {field}.',
        'line 21: elements[1].unless = "serial": a label of kind item has no such field; it has '
        f"{fields}.",
        'line 16: elements[1].ais.5 = "{lot}": a label of kind item has no such field; it has '
        f"{fields}.",
        'line 16: elements[1].ais.5 = "5": GS1 has no application identifier of this number.',
    ]


def test_what_is_no_template_says_what_is_accepted(tmp_path: Path) -> None:
    found = mistakes(tmp_path, UNREAD)
    assert len(found) == 4
    assert found[0].startswith('line 1: kind = "itme": not one of the words known here.')
    assert 'Did you mean "item"?' in found[0]
    assert found[1].startswith("line 4: height_mm = 2000")
    assert "at most 400" in found[1]
    assert found[2].startswith("line 6: elements[0]")
    assert "gs1-datamatrix" in found[2]
    assert found[3].startswith("line 14: elements[1].widht_mm = 10: no such setting.")
    assert "width_mm" in found[3].partition("Did you mean")[2]


@pytest.mark.parametrize("text", ["kind = ", "", "x = [" * 500])
def test_a_file_that_is_no_toml_or_empty_is_told(tmp_path: Path, text: str) -> None:
    assert mistakes(tmp_path, text)


def test_all_files_of_a_folder_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(WRONG)
    (tmp_path / "b.toml").write_text(UNREAD)
    with pytest.raises(ConfigError) as raised:
        Shelf(tmp_path)
    keys = {one.key.partition(":")[0] for one in raised.value.mistakes}
    assert keys == {"a.toml", "b.toml"}
    with pytest.raises(ConfigError, match="there is no such folder"):
        Shelf(tmp_path / "nowhere")


def test_central_does_not_start_with_a_wrong_template(tmp_path: Path) -> None:
    (tmp_path / "wrong.toml").write_text(WRONG)
    settings = tmp_path / "central.toml"
    settings.write_text(
        f'[central]\ndata_dir = "{tmp_path / "data"}"\n[http]\nport = 0\n[mqtt]\nport = 0\n'
        f'[labels]\ntemplates = "{tmp_path}"\n'
    )
    settings.rename(tmp_path / "central.conf")
    # A process of its own: it sets up the logs.
    command = [sys.executable, "-m", "tallyport", "central", "run", "--config"]
    command.append(str(tmp_path / "central.conf"))
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "wrong.toml: line 8: elements[0].text" in done.stderr


def test_the_command_checks_files(tmp_path: Path) -> None:
    (tmp_path / "good.toml").write_text(GOOD)
    (tmp_path / "bad.toml").write_text(WRONG)
    runner = CliRunner()
    done = runner.invoke(app, ["label", "check", str(tmp_path / "good.toml")])
    assert (done.exit_code, "kind item, 1 elements" in done.stdout) == (0, True)
    done = runner.invoke(app, ["label", "check", str(tmp_path / "bad.toml")])
    assert done.exit_code == 2
    assert "bad.toml: 7 to mend" in done.stderr
