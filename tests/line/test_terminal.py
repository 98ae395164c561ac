"""What a person sees who starts an edge or central in a terminal, and what a machine gets."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.terminal import before

pytestmark = [pytest.mark.line, pytest.mark.timeout(240)]
_TORN = re.compile(r"\S.*edge dock-pi  site")


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[Path]:
    """Settings of an edge with an emulated scale and a reader that is not there; no central."""
    command = [sys.executable, "-m", "tallyport", "emulate", "scale", "--load", "500"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as scale:
        try:
            yield _edge_settings(tmp_path, _printed_port(scale))
        finally:
            scale.kill()


def _printed_port(scale: subprocess.Popen[str]) -> str:
    assert scale.stdout is not None
    return next(line for line in scale.stdout if line.startswith("port = "))


def _edge_settings(folder: Path, scale: str) -> Path:
    made = folder / "edge.toml"
    made.write_text(
        f'[edge]\nname = "dock-pi"\nsite = "hall"\ndata_dir = "{folder / "edge"}"\n'
        f"drain_s = 0.1\n[mqtt]\nport = 9\n[page]\nport = {free_port()}\n"
        '[[devices]]\nname = "plate-1"\ndriver = "mt-sics"\nread_point = "shelf-1"\n'
        f"plate = 1\n{scale}"
        '[[devices]]\nname = "gate-2"\ndriver = "llrp"\nread_point = "dock-2"\n'
        'host = "127.0.0.1"\nport = 9\n'
    )
    return made


def seen_well(picture: str) -> bool:
    return "500.0 g stable" in picture and "retrying" in picture and "queue" in picture


def test_an_edge_shows_its_devices_and_ctrl_c_leaves_a_clean_screen(edge: Path) -> None:
    with before(["edge", "run", "-c", str(edge)]) as terminal:
        picture = terminal.until(seen_well)
        assert "edge dock-pi  site hall, up" in picture
        assert "127.0.0.1:9 away" in picture
        assert re.search(r"gate-2 +retrying .*Cannot connect", picture)
        assert re.search(r"plate-1 +running +shelf-1 +[\d.]+/s +now", picture)
        assert picture.index("gate-2  ") < picture.index("plate-1  ")  # trouble first
        assert picture.index("agent_runs") < picture.index("edge dock-pi  site")
        assert not _TORN.search(picture)
        assert terminal.is_coloured
        assert not terminal.echoes

        terminal.type(b"\x03")
        assert terminal.ended() == 0, terminal.picture
        assert "broker" not in terminal.picture.splitlines()[-3:]
        assert "edge dock-pi  site" not in terminal.picture
        assert "^C" not in terminal.picture
        assert re.fullmatch(
            r"edge dock-pi ran \d+ s: \d+ observations kept, \d+ wait for central in the journal\.",
            terminal.picture.splitlines()[-1],
        )
        assert terminal.shows_cursor
        assert terminal.echoes


def test_a_narrow_window_keeps_what_matters_and_a_resize_draws_it_anew(edge: Path) -> None:
    with before(["edge", "run", "-c", str(edge)]) as terminal:
        terminal.until(seen_well)
        terminal.resize(38, 30)
        narrow = terminal.until(lambda picture: re.search(r"plate-1 +500\.0 g", picture))
        assert "▲ gate-2" in narrow
        terminal.resize(100, 30)
        terminal.until(lambda picture: re.search(r"plate-1 +running +shelf-1", picture))
        assert terminal.picture.rstrip().splitlines()[-1].startswith("● plate-1")


def test_no_color_is_respected(edge: Path) -> None:
    with before(["edge", "run", "-c", str(edge)], environ={"NO_COLOR": "1"}) as terminal:
        terminal.until(seen_well)
        assert not terminal.is_coloured


@pytest.mark.parametrize("how", ["dumb", "plain"])
def test_a_dumb_terminal_and_plain_get_lines_only(edge: Path, how: str) -> None:
    plain = ["--plain"] if how == "plain" else []
    environ = {"TERM": "dumb"} if how == "dumb" else {}
    with before(["edge", "run", "-c", str(edge), *plain], environ=environ) as terminal:
        terminal.until(lambda picture: "device_running" in picture)
        terminal.type(b"\x03")
        assert terminal.ended() == 0
        assert b"\x1b[?25l" not in terminal.raw
        assert "queue" not in terminal.picture


def test_what_is_no_terminal_gets_json_lines(edge: Path) -> None:
    with started(["edge", "run", "-c", str(edge)]) as process:
        assert process.stderr is not None
        lines = []
        while not any(line["event"] == "device_running" for line in lines):
            lines.append(json.loads(process.stderr.readline()))
        process.send_signal(signal.SIGINT)
        lines += [json.loads(line) for line in process.stderr]
        assert process.wait(30) == 0
        assert lines[-1]["event"] == "agent_stopped"


def test_top_watches_a_running_edge_and_q_ends_it(edge: Path) -> None:
    with started(["edge", "run", "-c", str(edge)]) as process:
        assert process.stderr is not None
        while "page_listens" not in process.stderr.readline():
            pass
        with before(["edge", "top", "-c", str(edge), "--order", "rate"]) as terminal:
            picture = terminal.until(seen_well)
            assert picture.index("plate-1  ") < picture.index("gate-2  ")
            terminal.type(b"n")
            picture = terminal.until(lambda picture: "order by name" in picture)
            assert picture.index("gate-2  ") < picture.index("plate-1  ")
            terminal.type(b"q")
            assert terminal.ended() == 0
            assert "plate-1" not in terminal.picture
            assert terminal.echoes
        asked = run(["edge", "top", "-c", str(edge), "--once", "--json"])
        assert asked.returncode == 0, asked.stderr
        now = json.loads(asked.stdout)
        assert now["edge"] == "dock-pi"
        assert now["connected"] is False
        assert now["waiting"] > 0
        assert {one["name"]: one["state"] for one in now["devices"]} == {
            "plate-1": "running", "gate-2": "retrying",
        }  # fmt: skip
        lines = run(["edge", "top", "-c", str(edge)])  # no terminal: said once, as text
        assert lines.returncode == 0
        assert "plate-1" in lines.stdout
        assert "\x1b" not in lines.stdout


def test_top_says_what_to_do_when_no_edge_runs(edge: Path) -> None:
    asked = run(["edge", "top", "-c", str(edge), "--once", "--json"])
    assert asked.returncode == 1
    assert asked.stdout == ""
    assert "no edge answers at 127.0.0.1:" in asked.stderr
    assert "is `tallyport edge run` running here" in asked.stderr


def test_central_shows_what_it_does_and_ctrl_c_leaves_a_clean_screen(tmp_path: Path) -> None:
    settings = tmp_path / "central.toml"
    settings.write_text(
        f'[central]\ndata_dir = "{tmp_path / "data"}"\n[http]\nport = 0\n[mqtt]\nport = 0\n'
    )
    with before(["central", "run", "-c", str(settings)], columns=110) as terminal:
        picture = terminal.until(
            lambda picture: re.search(r"central  http://127.+ up(.|\n)+live screens 0", picture)
        )
        assert "edges online 0 of 0" in picture
        assert "movements today 0 (in 0, out 0)  open reviews 0  open alerts 0" in picture
        assert "live screens 0" in picture
        assert "central_ready" in picture

        terminal.type(b"\x03")
        assert terminal.ended() == 0, terminal.picture
        assert "live screens" not in terminal.picture
        last = terminal.picture.splitlines()[-1]
        assert re.match(r"central ran \d+ s: 0 observations taken in, 0 movements today,", last)
        assert terminal.shows_cursor
        assert terminal.echoes


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tallyport", *command],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port


@contextlib.contextmanager
def started(command: list[str]) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-m", "tallyport", *command], stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def test_a_long_command_shows_a_bar_on_a_terminal_and_nothing_elsewhere(tmp_path: Path) -> None:
    settings = tmp_path / "central.toml"
    settings.write_text(f'[central]\ndata_dir = "{tmp_path / "data"}"\n')
    assert run(["central", "migrate", "-c", str(settings)]).returncode == 0
    items = tmp_path / "items.csv"
    items.write_text("sku,name\n" + "".join(f"S-{n},Screw {n}\n" for n in range(30_000)))
    with before(["central", "import", "items", str(items), "-c", str(settings)]) as terminal:
        bar = terminal.until(lambda picture: re.search(r"Importing items .+ \d+/30000", picture))
        assert "rows\n" not in bar.partition("Importing")[2]
        assert terminal.ended() == 0
        assert "Importing" not in terminal.picture  # it goes when it is done
        assert "30000 created" in terminal.picture
    again = run(["central", "import", "items", str(items), "-c", str(settings)])
    assert again.stderr.splitlines()[-1] == "30000 of 30000 rows"
    assert "\x1b" not in again.stdout + again.stderr
    verified = run(["central", "verify", "-c", str(settings)])
    assert verified.returncode == 0
    assert verified.stderr == ""
