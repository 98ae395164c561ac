"""What docs/erp.md shows works as it is written there."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from typer.testing import CliRunner

from central.cli import app
from central.config import ConfigError, load_settings
from central.erp.config import ErpSection
from tests.central.documented import send_all
from tests.central.erp.desks import EXAMPLES, Office, example, key_of, opened
from tests.central.harness import Bench

PAGE = EXAMPLES.parents[1] / "docs" / "erp.md"


class Applied(Office):
    """An office that applies between the page's requests, as central does."""

    def hear(self, made: Bench) -> None:
        real = made.http.request

        async def request(*args: Any, **more: Any) -> Any:
            answer = await real(*args, **more)
            await self.erp.desk.step()
            return answer

        made.http.request = request  # type: ignore[method-assign]


async def test_the_page_s_requests_work_in_their_order(tmp_path: Path, books_url: str) -> None:
    settings = example("ours.toml", secrets=[], out=None)
    async with opened(tmp_path, books_url, settings) as made:
        Applied(made.database, settings, made.tide).hear(made)
        sent: list[Any] = [one.answer for one in await send_all(made, "erp.md")]
        assert [one["message"] for one in (sent[0], sent[1])] == [1, 2]
        assert sent[2]["rows"][0]["reason"] == "unknown-item"
        assert [one["no"] for one in sent[3]["rows"]] == [2]
        assert sent[4]["faults"][0]["place"] == "orders[0].lines[0].sku"
        assert [one["messages"] for one in sent[7:9]] == [0, 0], "it was tried again before"
        last: Any = await made.get("/erp/messages/2")
        assert last["state"] == "applied"
        order: Any = await made.get("/api/orders/inbound/main-PO-7890")
        assert order["lines"][0]["unit_price"] == 29.99


def test_the_page_shows_the_example() -> None:
    shown = re.search(r"^```toml\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert shown is not None
    assert tomllib.loads(shown[1]) == tomllib.loads((EXAMPLES / "ours.toml").read_text())


def settings_in(folder: Path) -> str:
    path = folder / "central.toml"
    told = (EXAMPLES / "ours.toml").read_text()
    path.write_text(f'[central]\ndata_dir = "{folder}"\n{told}')
    return str(path)


async def test_its_commands_work_in_their_order(tmp_path: Path) -> None:
    config = settings_in(tmp_path)
    url = load_settings(Path(config)).database_url
    from tests.fakes.books import sqlite_books

    sqlite_books(tmp_path / "central.sqlite")
    run = CliRunner().invoke
    settings = example("ours.toml")
    async with opened(tmp_path, url, settings) as made:
        office = Office(made.database, settings, made.tide)
        (shown,) = re.findall(
            r"^ {7}tallyport central (erp try .*)$", PAGE.read_text(), re.MULTILINE
        )
        command = shown.replace("examples/erp", str(EXAMPLES)).replace("central.toml", config)
        tried = run(app, command.split())
        assert tried.exit_code == 0, tried.output
        assert "PO-7890: created main-PO-7890" in tried.output
        assert "0 mistakes" in tried.output
        wrong = tmp_path / "wrong.json"
        wrong.write_text(
            json.dumps({"orders": [{"number": "PO-1", "supplier": "x", "lines": [{"sku": "NO"}]}]})
        )
        for extra in ([], ["--json"]):
            tried = run(
                app,
                ["erp", "try", "--connection", "main", "--file", str(wrong), "-c", config, *extra],
            )
            assert tried.exit_code == 1
            assert "orders[0].lines[0].quantity" in tried.output
        unknown = run(app, ["erp", "try", "--connection", "x", "--file", str(wrong), "-c", config])
        assert (unknown.exit_code, "there are: main" in unknown.output) == (2, True)
        raw = wrong.read_bytes().replace(b'"NO"', b'"NO", "quantity": 1')
        for supplier in (b'"x"', b'"y"'):
            from central.erp import intake

            body = raw.replace(b'"x"', supplier)
            key = key_of(body, settings.connections["main"])
            await made.database.write(
                lambda c, k=key, b=body: intake.keep(c, "main", k, (b, "test"), 1)  # type: ignore[misc]
            )
        while await office.erp.desk.step() == 0:
            pass
    texts = re.findall(r"^ {4}tallyport central (erp .*)$", PAGE.read_text(), re.MULTILINE)
    said = [run(app, one.replace("central.toml", config).split()) for one in texts]
    assert [one.exit_code for one in said] == [0, 0, 0], [one.output for one in said]
    assert (
        "2 dead from main PO-1 unknown-item: orders[0].lines[0].sku: there is no" in said[0].output
    )
    assert said[1].output == "2 messages are tried again\n"
    assert said[2].output == "0 messages are given up\n"
    refused = run(app, ["erp", "discard", "1", "-c", config])
    assert (refused.exit_code, "waits for nobody" in refused.output) == (1, True)
    assert run(app, ["erp", "replay", "-c", config]).exit_code == 2
    assert run(app, ["erp", "messages", "--state", "ded", "-c", config]).exit_code == 2


def test_every_mistake_of_a_mapping_is_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "central.toml"
    told = (EXAMPLES / "ours.toml").read_text()
    for right, wrong in (
        ('reference = "number"', 'reference = "number["'),
        ('lot = "lot"\n', 'lott = "lot"\n'),
        ('time_zone = "Europe/Berlin"', 'time_zone = "Berlin"'),
        ('secrets = ["whsec_', 'secrets = ["whsec_geheim'),
        ('kinds = ["GoodsReceived"]', 'kinds = ["GoodsRecieved"]'),
        ('location = { path = "warehouse", default', 'location = { pfad = "warehouse", default'),
    ):
        assert right in told
        told = told.replace(right, wrong, 1)
    path.write_text(told)
    with pytest.raises(ConfigError) as raised:
        load_settings(path)
    said = str(raised.value)
    assert len(raised.value.mistakes) >= 6, said
    for word in (
        "order.reference", "is no JMESPath expression", "lott", "Did you mean", "Europe/Berlin",
        "openssl rand", "GoodsRecieved", "GoodsReceived", "pfad",
    ):  # fmt: skip
        assert word in said, word
    assert "geheim" not in said


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"tables": {"units": {}, "other": {}}, "purchase_orders": None}, ""),
        ({"out": {"url": ""}, "folder": None}, "out needs its url, or the connection a folder"),
        ({"secrets": []}, "out.url needs secrets"),
        ({"purchase_orders": None, "out": None}, "purchase_orders, out, or both"),
        ({"purchase_orders": {"format": "csv", "group_by": []}}, "rows need group_by"),
        ({"purchase_orders": {"line": {"quantity": "q"}}}, "by sku, by gtin or by both"),
        ({"out": {"documents": {"x": {"kinds": ["GoodsReceived"]}}}}, "a template .JSON. or"),
        (
            {"out": {"documents": {"x": {"kinds": ["GoodsReceived"], "template": {
                "a": "b[", "c": 7, "d": {"each": "x"}}}}}},
            "template.a",
        ),
        (
            {"out": {"documents": {"x": {"kinds": ["GoodsReceived"], "template": {
                "a": {"path": "b", "table": "none"}}}}}},
            "asks for the table none, which is none of: units",
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit_together_is_said(changes: dict[str, Any], says: str) -> None:
    if not says:
        assert isinstance(example("ours.toml", **changes), ErpSection)
        return
    with pytest.raises(ValidationError, match=says):
        example("ours.toml", **changes)
