"""What docs/labels.md shows works as it is written there."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from central.labels.drawing import draw
from central.labels.shelf import read_template
from drivers.emulators.label_printer import EmulatedPrinter
from tests.central.documented import requests
from tests.central.harness import Bench
from tests.central.labels.conftest import spooler_of
from tests.central.labels.samples import ITEM
from tests.central.labels.zpl_reader import read

DOCS = Path(__file__).parents[3] / "docs"


async def test_the_page_s_requests_work_in_their_order(
    shop: Bench, printer: EmulatedPrinter
) -> None:
    answers = []
    for method, path, headers, body in requests("labels.md"):
        answer = await shop.http.request(method, path, headers=headers, json=body)
        assert answer.status_code < 300, f"{method} {path}: {answer.text}"
        answers.append((f"{method} {path}", answer))
    made = [answer for name, answer in answers if name == "POST /labels"]
    kinds = [answer.headers["content-type"].rpartition("/")[2] for answer in made]
    assert kinds == ["pdf", "zpl", "pdf", "pdf", "zpl"]
    assert len([one for one in read(made[4].content) if one.epc]) == 3
    (bound,) = [answer.json() for name, answer in answers if name.startswith("GET /tag-bindings")]
    assert len(bound["rows"]) == 3
    await spooler_of(shop).step()
    assert len(printer.labels) == 3, "it was cancelled, and printed again"


def test_the_page_s_template_and_settings_are_taken(tmp_path: Path) -> None:
    settings, template = re.findall(
        r"```toml\n(.*?)```", (DOCS / "labels.md").read_text(), re.DOTALL
    )
    (table,) = tomllib.loads(settings)["printers"]
    assert table["name"] == "dock-1"
    path = tmp_path / "hook.toml"
    path.write_text(template)
    assert len(draw(read_template(path), ITEM, 203).marks) == 3, "two lines, one code"
