"""docs/add_a_device.md, command by command, in an environment that has the wheel alone; and what
becomes of the others when a package brings a kind that is ours, or one that is broken."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sysconfig
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.architecture.source import ROOT

pytestmark = [pytest.mark.wheel, pytest.mark.xdist_group("wheel"), pytest.mark.timeout(300)]

GUIDE = (ROOT / "docs" / "add_a_device.md").read_text(encoding="utf-8")
EXAMPLE = ROOT / "examples" / "third_party_driver"
PATIENCE_S = 60


class Command(NamedTuple):
    text: str
    expected: tuple[str, ...]


def commands(guide: str) -> list[Command]:
    """What stands after ``$`` in indented blocks, and the lines that should come of it."""
    found: list[Command] = []
    told = re.sub(r"```.*?```", "", guide, flags=re.DOTALL)
    for block in re.findall(r"(?:^    .*\n)+", told, re.MULTILINE):
        lines = [line[4:] for line in block.splitlines()]
        assert lines[0].startswith("$ "), block
        starts = [number for number, line in enumerate(lines) if line.startswith("$ ")]
        for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
            found.append(Command(lines[start][2:], tuple(lines[start + 1 : end])))
    return found


class Workshop:
    """A copy of the example, and an environment to run the guide's commands in."""

    def __init__(self, home: Path, folder: Path, port: int) -> None:
        self.home = home
        self.folder = folder
        self.port = str(port)
        self._emulators: list[subprocess.Popen[bytes]] = []

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-ec", command.replace("4001", self.port)],
            cwd=self.folder, env=self._surroundings(), capture_output=True, text=True, check=False,
        )  # fmt: skip

    def start(self, command: str) -> None:
        """What the guide leaves running; gives back when its port is open."""
        words = command.replace("4001", self.port).removesuffix("&").split()
        self._emulators.append(subprocess.Popen(words, cwd=self.folder, env=self._surroundings()))
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            assert self._emulators[-1].poll() is None, f"{command} ended"
            with (
                contextlib.suppress(OSError),
                socket.create_connection(("127.0.0.1", int(self.port)), timeout=PATIENCE_S),
            ):
                return
        raise AssertionError(f"{command} does not listen")

    def said_by(self, command: str, *events: str) -> dict[str, str]:
        """Run a command until its log has a line of each of these; give the lines."""
        said: dict[str, str] = {}
        with subprocess.Popen(
            command.split(), cwd=self.folder, env=self._surroundings(), text=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        ) as running:  # fmt: skip
            assert running.stderr is not None
            timer = threading.Timer(PATIENCE_S, running.kill)
            timer.start()
            for line in running.stderr:
                said |= {event: line for event in events if event in line and event not in said}
                if len(said) == len(events):
                    break
            timer.cancel()
            running.terminate()
            running.stderr.read()
        assert set(said) == set(events)
        return said

    def stop(self) -> None:
        for emulator in self._emulators:
            emulator.kill()
            emulator.wait()

    def packages(self) -> Path:
        own = {"base": str(self.home), "platbase": str(self.home)}
        return Path(sysconfig.get_path("purelib", vars=own))

    def _surroundings(self) -> dict[str, str]:
        kept = {key: os.environ[key] for key in ("HOME", "LANG") if key in os.environ}
        return kept | {
            "PATH": f"{self.home / 'bin'}:{os.environ['PATH']}",
            "VIRTUAL_ENV": str(self.home),
            # Without a network: nothing is fetched, hatchling is here already.
            "PIP_NO_INDEX": "1",
            "PIP_NO_BUILD_ISOLATION": "0",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        }


@pytest.fixture(scope="module")
def workshop(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    folder = tmp_path_factory.mktemp("workshop") / "my_driver"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    sample = folder / "abacus-ab1.toml"
    sample.write_text(sample.read_text().replace("4001", str(port)))
    made = Workshop(installed, folder, port)
    try:
        yield made
    finally:
        made.stop()


def test_the_guide_s_code_is_that_of_the_example() -> None:
    files = "\n".join(
        path.read_text(encoding="utf-8")
        for path in EXAMPLE.rglob("*")
        if path.suffix in {".py", ".toml"}
    )
    blocks = re.findall(r"```(?:python|toml)\n(.*?)```", GUIDE, re.DOTALL)
    assert len(blocks) == 4
    for block in blocks:
        assert block in files


@pytest.fixture(scope="module")
def followed(workshop: Workshop) -> Workshop:
    """The guide, followed to its end."""
    steps = commands(GUIDE)
    assert len(steps) > 10
    for step in steps:
        if step.text.endswith("&"):
            workshop.start(step.text)
            continue
        done = workshop.run(step.text)
        assert done.returncode == 0, f"$ {step.text}\n{done.stdout}{done.stderr}"
        told = done.stdout.replace(workshop.port, "4001")
        for line in step.expected:
            assert line.strip() in told, f"$ {step.text}\nlacks: {line}\n{told}{done.stderr}"
    return workshop


def test_every_command_of_the_guide_does_what_it_says(followed: Workshop) -> None:
    captured = (followed.folder / "first.bin").read_bytes()
    kept = followed.folder / "tests" / "captures" / "abacus-ab1_emulator_ten-parts.bin"
    assert captured == kept.read_bytes()


def leave_behind(workshop: Workshop, name: str, module: str, *points: str) -> None:
    """Another distribution, as an installer leaves it behind."""
    packages = workshop.packages()
    (packages / f"{name}.py").write_text(module)
    about = packages / f"{name}-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("\n".join(["[tallyport.drivers]", *points, ""]))


def test_an_impostor_and_a_broken_package_stop_nothing_else(followed: Workshop) -> None:
    leave_behind(
        followed, "impostor", "class Scale:\n    pass\n",
        "mt-sics = impostor:Scale", "hollow = impostor:Scale",
    )  # fmt: skip
    leave_behind(followed, "broken", "raise RuntimeError('no licence')\n", "abax = broken:Scale")

    told = followed.run("tallyport edge kinds --json")
    assert told.returncode == 1
    kinds = [json.loads(line) for line in told.stdout.splitlines()]
    problems = {(kind["kind"], kind["source"]): kind["problem"] for kind in kinds}
    assert "cannot be taken over" in problems["mt-sics", "impostor 1.0"]
    assert "has no Config" in problems["hollow", "impostor 1.0"]
    assert "RuntimeError: no licence" in problems["abax", "broken 1.0"]
    assert problems["mt-sics", "tallyport"] == ""
    assert problems["abacus-ab1", "tallyport-abacus 1.0.0"] == ""

    ours = followed.run('tallyport edge decode --driver mt-sics --hex "53 20 53 20 31 20 67 0d 0a"')
    assert '"value":"1"' in ours.stdout

    sample = (followed.folder / "abacus-ab1.toml").read_text()
    broken = sample.replace('driver = "abacus-ab1"', 'driver = "abax"')
    (followed.folder / "broken.toml").write_text(broken)
    refused = followed.run("tallyport edge check --config broken.toml")
    assert refused.returncode == 1
    assert 'The driver "abax" of broken 1.0 cannot be loaded' in refused.stderr
    assert "no licence" in refused.stderr
    assert followed.run("tallyport edge check --config abacus-ab1.toml").returncode == 0

    two = broken.partition("[[devices]]")
    beads = f"{two[0]}[[devices]]{two[2]}".replace('"parts-scale"', '"beads"').replace(
        "port =", "beads ="
    )
    (followed.folder / "two.toml").write_text(beads + sample[sample.index("[[devices]]") :])
    said = followed.said_by(
        "tallyport edge run --config two.toml", "device_refused", "device_running"
    )
    assert 'The driver \\"abax\\" of broken 1.0 cannot be loaded' in said["device_refused"]
    assert "parts-scale" in said["device_running"]
