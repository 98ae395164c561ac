"""Central as a process: it starts, says where, stops when told, and fails loudly."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PATIENCE_S = 90.0


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "tallyport", "central", *arguments]


def _settings(folder: Path, http_port: int = 0) -> Path:
    path = folder / "central.toml"
    path.write_text(
        f'[central]\ndata_dir = "{folder / "data"}"\n[http]\nport = {http_port}\n[mqtt]\nport = 0\n'
    )
    return path


@contextmanager
def _running(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], dict[str, int]]]:
    ready = folder / "data" / "central.ready.json"
    with (folder / "central.log").open("wb") as log:
        process = subprocess.Popen(
            _command("run", "--config", str(_settings(folder))), stdout=log, stderr=log
        )
        try:
            deadline = time.monotonic() + PATIENCE_S
            while not ready.exists():
                told = (folder / "central.log").read_text()
                assert process.poll() is None, told
                assert time.monotonic() < deadline, told
                time.sleep(0.05)
            yield process, json.loads(ready.read_text())
        finally:
            process.kill()
            process.wait()


def _get(port: int, path: str) -> dict[str, object]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=PATIENCE_S) as answer:
        return dict(json.loads(answer.read()))


def _say(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        _command(*arguments), capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )


def test_it_runs_until_told_and_keeps_what_it_was_told(tmp_path: Path) -> None:
    with _running(tmp_path) as (process, ports):
        assert _get(ports["http_port"], "/readyz")["status"] == "ready"
        socket.create_connection(("127.0.0.1", ports["mqtt_port"]), timeout=PATIENCE_S).close()
        body = json.dumps({"sku": "X", "name": "X"}).encode()
        asked = urllib.request.Request(
            f"http://127.0.0.1:{ports['http_port']}/items",
            body,
            {"content-type": "application/json"},
        )
        with urllib.request.urlopen(asked, timeout=PATIENCE_S) as answer:
            assert answer.status == 201
        stream = urllib.request.urlopen(
            f"http://127.0.0.1:{ports['http_port']}/live", timeout=PATIENCE_S
        )
        assert stream.readline() == b"retry: 1000\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0, (tmp_path / "central.log").read_text()
        stream.close()
    assert not (tmp_path / "data" / "central.ready.json").exists()
    with _running(tmp_path) as (_, ports):
        assert _get(ports["http_port"], "/items/X")["name"] == "X"
    told = _say("verify", "--config", str(tmp_path / "central.toml"), "--json")
    assert (told.returncode, json.loads(told.stdout)["ok"]) == (0, True), told.stderr


def test_a_port_in_use_is_said_in_a_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        told = _say("run", "--config", str(_settings(tmp_path, port)))
    assert told.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in told.stderr
    assert "Traceback" not in told.stderr


@pytest.mark.parametrize("command", ["run", "migrate", "verify", "replay"])
def test_a_wrong_settings_file_stops_every_command(tmp_path: Path, command: str) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text("[http]\nprot = 1\n[sereis]\n")
    told = _say(command, "--config", str(path))
    assert told.returncode == 2
    assert "Did you mean http.port?" in told.stderr
    assert "Did you mean series?" in told.stderr
