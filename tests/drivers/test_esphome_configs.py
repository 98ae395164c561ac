"""The nodes' files are accepted by the real ESPHome, and say what the driver listens to."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from drivers import registry
from drivers.load_cells.node import LoadCellMqttConfig
from tests.drivers.test_samples import settings_of

ROOT = Path(__file__).parents[2]
NODES = ROOT / "firmware_configs" / "esphome"
FILES = sorted(path.name for path in NODES.glob("*.yaml") if not path.name.startswith("secrets"))
HEADER = '#include "tallyport_window.h"'
# A first run fetches 195 MB.
pytestmark = [pytest.mark.xdist_group("esphome"), pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def esphome() -> str:
    done = subprocess.run(
        [ROOT / "tests" / "install_esphome", sys.executable],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        pytest.skip(f"ESPHome cannot be installed here: {done.stderr.strip()[-300:]}")
    return done.stdout.strip()


@pytest.fixture(scope="module")
def copies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder as a technician has it, with the example's secrets."""
    folder = tmp_path_factory.mktemp("nodes")
    shutil.copytree(NODES, folder / "esphome", ignore=shutil.ignore_patterns(".esphome"))
    shutil.copytree(NODES.parent / "arduino", folder / "arduino")
    shutil.copy(NODES / "secrets.example.yaml", folder / "esphome" / "secrets.yaml")
    return folder / "esphome"


def run(esphome: str, *words: str, folder: Path) -> tuple[int, str]:
    done = subprocess.run(
        [esphome, *words], cwd=folder, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_esphome_accepts_every_file_and_makes_of_it_what_the_edge_hears(
    esphome: str, copies: Path
) -> None:
    with ThreadPoolExecutor(2) as together:
        ran = together.map(lambda file: run(esphome, "config", file, folder=copies), FILES)
        said = dict(zip(FILES, ran, strict=True))
    for file, (status, words) in said.items():
        assert status == 0, f"{file}\n{words}"
        assert "Configuration is valid!" in words
        assert "WARNING" not in words, f"{file}\n{words}"
    the_topics_are_those_that_the_driver_hears(said["shelf-hx711.yaml"][1])
    the_bridge_and_the_line_over_mqtt_name_the_same_topics(said["scale-bridge.yaml"][1])
    the_node_on_a_cable_speaks_as_fast_as_the_driver(said["shelf-serial.yaml"][1])


def test_esphome_refuses_what_is_wrong(esphome: str, copies: Path) -> None:
    text = (copies / "shelf-hx711.yaml").read_text(encoding="utf-8")
    (copies / "wrong.yaml").write_text(text.replace("gain: 128", "gain: 100"), encoding="utf-8")
    status, said = run(esphome, "config", "wrong.yaml", folder=copies)
    assert status != 0
    assert "128" in said


def test_the_code_it_makes_knows_the_header_before_it_uses_it(esphome: str, copies: Path) -> None:
    """`esphome config` looks at no code: what is used above the include would not compile."""
    status, said = run(esphome, "compile", "--only-generate", "shelf-hx711.yaml", folder=copies)
    assert status == 0, said
    source = copies / ".esphome" / "build" / "shelf-1-a" / "src" / "main.cpp"
    code = re.sub(r"//.*", "", source.read_text(encoding="utf-8"))
    before, _, after = code.partition(HEADER)
    assert "tallyport::" not in before
    assert after.count("tallyport::the_node(") == 2
    for path in NODES.rglob("*.yaml"):  # a global's type stands above it in every node
        assert "type: tallyport" not in path.read_text(encoding="utf-8")


# ---- what the files say, and what the edge is told ---------------------------------------------
def table(path: str) -> dict[str, Any]:
    text = (NODES.parent / path).read_text(encoding="utf-8")
    found: dict[str, Any] = tomllib.loads(text)["devices"][0]
    return found


def the_topics_are_those_that_the_driver_hears(said: str) -> None:
    config: LoadCellMqttConfig = settings_of(table("esphome/load-cell-mqtt.toml"))
    topics = set(re.findall(r"topic: (tally\S+)", said))
    assert topics == {f"{config.root}/window", f"{config.root}/status"}
    published = said[said.index("mqtt.publish") :]
    assert re.search(r"qos: 1\s+retain: false", published)
    assert f"name: {config.node}" in said
    assert said.count("payload: offline") == 2
    # By itself ESPHome publishes each sample, retained.
    assert re.search(r"platform: hx711.*internal: true", said, re.DOTALL)


def the_bridge_and_the_line_over_mqtt_name_the_same_topics(said: str) -> None:
    place = settings_of(table("scales/over-mqtt.toml")).mqtt
    assert f'publish("{place.heard}", heard, 1, false)' in said
    assert re.search(rf"on_message:\s+- topic: {place.told}\s+qos: 1", said)
    assert set(re.findall(r"- topic: (\S+)", said)) == {place.told}
    assert set(re.findall(r"^    topic: (\S+)", said, re.MULTILINE)) == {place.status}


def the_node_on_a_cable_speaks_as_fast_as_the_driver(said: str) -> None:
    default = registry.load("load-cell-serial").Config.model_fields["baud_rate"].default
    assert f"baud_rate: {default}" in said
    sketch = (NODES.parent / "arduino" / "tp1_node" / "tp1_node.ino").read_text(encoding="utf-8")
    assert f"BAUD_RATE = {default};" in sketch
    assert '#define NODE "{}"'.format(table("arduino/load-cell-serial.toml")["node"]) in sketch


def test_every_shared_file_is_used() -> None:
    used = {
        name
        for path in NODES.rglob("*.yaml")
        for name in re.findall(r"!include (?:common/)?(\S+)", path.read_text(encoding="utf-8"))
    }
    assert used == {path.name for path in (NODES / "common").glob("*.yaml")}
    secrets = (NODES / "secrets.example.yaml").read_text(encoding="utf-8")
    wanted = {
        name
        for path in NODES.rglob("*.yaml")
        for name in re.findall(r"!secret (\S+)", path.read_text(encoding="utf-8"))
    }
    assert wanted == set(re.findall(r"^(\w+):", secrets, re.MULTILINE))
