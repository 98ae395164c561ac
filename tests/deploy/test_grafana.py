"""Grafana's dashboards: as they are generated, as Grafana's kit understands them, and asking for
nothing that central does not write. No Grafana runs here.
"""

from __future__ import annotations

import asyncio
import json
import re
import urllib.request
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from central.insight.follow import Follower, LedgerSource, ObservationSource
from central.insight.series_influx import InfluxSeries
from tests.central import scene
from tests.central.harness import Bench, bench
from tests.central.test_run import PATIENCE_S, _running
from tests.fakes import influxd

kit = pytest.importorskip(
    "grafana_foundation_sdk.models.dashboard", reason="grafana-foundation-sdk is not installed"
)

GRAFANA = Path(__file__).parents[2] / "deploy" / "grafana"
BOARDS = sorted((GRAFANA / "dashboards").glob("*.json"))


def _board(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8")))


def _panels(board: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for panel in board["panels"]:
        yield panel
        yield from panel.get("panels", [])


def _targets(kind: str) -> list[tuple[str, dict[str, Any]]]:
    """Every query of a kind of data source, with the panel's name."""
    return [
        (f"{path.stem}: {panel['title']}", target)
        for path in BOARDS
        for panel in _panels(_board(path))
        for target in panel.get("targets", [])
        if target["datasource"]["type"] == kind
    ]


def test_the_files_are_what_the_command_writes() -> None:
    from tallyport.grafana.__main__ import written

    on_disk = {path.name: path.read_text(encoding="utf-8") for path in BOARDS}
    assert on_disk == written(), "say: make grafana"


@pytest.mark.parametrize("path", BOARDS, ids=lambda path: path.stem)
def test_grafanas_kit_reads_every_word_of_it(path: Path) -> None:
    """What its types do not know would be lost on the way through them."""
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
    from grafana_foundation_sdk.cog.plugins import register_default_plugins

    register_default_plugins()
    board = _board(path)
    read = kit.Dashboard.from_json(json.loads(path.read_text(encoding="utf-8")))
    assert json.loads(json.dumps(read, cls=JSONEncoder)) == board
    assert board["uid"] == f"tallyport-{path.stem}"
    for panel in _panels(board):
        if panel["type"] == "row":
            continue
        letters = [target["refId"] for target in panel["targets"]]
        assert letters == list("ABCD"[: len(letters)]), panel["title"]
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24


def test_every_data_source_is_provisioned() -> None:
    said = yaml.safe_load((GRAFANA / "provisioning/datasources/tallyport.yaml").read_text())
    known = {(one["type"], one["uid"]) for one in said["datasources"]}
    used = {
        (one["type"], one["uid"])
        for path in BOARDS
        for one in [
            *(panel["datasource"] for panel in _panels(_board(path)) if "datasource" in panel),
            *(v["datasource"] for v in _board(path)["templating"].get("list", [])),
        ]
    }
    assert used == known
    provider = yaml.safe_load((GRAFANA / "provisioning/dashboards/tallyport.yaml").read_text())
    compose = yaml.safe_load((GRAFANA / "compose.yaml").read_text())
    mounted = [volume.split(":")[1] for volume in compose["services"]["grafana"]["volumes"]]
    assert provider["providers"][0]["options"]["path"] in mounted
    filled = set(re.findall(r"\$([A-Z_]+)", json.dumps(said)))
    assert filled == set(compose["services"]["grafana"]["environment"]) & filled


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench(tmp_path) as ready:
        await scene.set_up(ready)
        await scene.play(ready)
        yield ready


def _filled_in(query: str) -> str:
    """As Grafana sends it, with everything chosen."""
    return (
        re.sub(r"\$\{\w+:regex\}", ".*", query)
        .replace("$timeFilter", "time > now() - 1h")
        .replace("$__interval_ms", "10000")
        .replace("$__interval", "10s")
    )


@pytest.mark.influx
async def test_every_query_finds_what_central_writes(made: Bench, tmp_path: Path) -> None:
    if influxd.influxd_path() is None:
        pytest.skip("influxd is not installed (apt-get install influxdb)")
    with influxd.running_influxd(tmp_path, "tally") as url:
        store = InfluxSeries(url=url, token="t", org="o", bucket="tally")
        try:
            for source in (ObservationSource(), LedgerSource()):
                follower = Follower(
                    database=made.database, tide=made.tide, store=store, target="t", source=source
                )
                while await follower.step():
                    pass
            asked = [(name, one["query"], one["alias"]) for name, one in _targets("influxdb")]
            assert len(asked) > 15
            for name, query, alias in asked:
                found = await store._ask(_filled_in(query))
                assert found, f"{name}: {query}"
                values = [v for one in found for row in one["values"] for v in row[1:]]
                assert any(value is not None for value in values), f"{name}: {query}"
                tags = set(found[0].get("tags", {}))
                assert set(re.findall(r"\$tag_(\w+)", alias)) <= tags, f"{name}: {alias}"
            for path in BOARDS:
                for variable in _board(path)["templating"].get("list", []):
                    found = await store._ask(variable["query"])
                    assert found, variable["query"]
                    assert found[0]["values"], variable["query"]
        finally:
            await store.close()


def _metrics(port: int) -> str:
    address = f"http://127.0.0.1:{port}/metrics"
    with urllib.request.urlopen(address, timeout=PATIENCE_S) as answer:
        return str(answer.read(), "utf-8")


async def test_every_metric_is_one_of_centrals(made: Bench, tmp_path: Path) -> None:
    told = (await made.http.get("/metrics")).text
    folder = tmp_path / "central"
    folder.mkdir()
    with _running(folder) as (_, ready):
        told += await asyncio.to_thread(_metrics, ready["http_port"])
    known = set(re.findall(r"^# TYPE (\S+)", told, re.MULTILINE))
    labels = dict(re.findall(r"^(\w+)\{(.*)\} ", told, re.MULTILINE))
    asked = _targets("prometheus")
    assert len(asked) > 10
    for name, target in asked:
        (metric,) = re.findall(r"(?:tallyport|process)_\w+", target["expr"])
        assert metric in known or metric.removesuffix("_total") in known, f"{name}: {metric}"
        for label in re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]):
            if metric in labels:
                assert f'{label}="' in labels[metric], f"{name}: {label}"
