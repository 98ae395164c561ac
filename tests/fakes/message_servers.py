"""Real message brokers, each on free ports of the loopback with a folder of its own."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.fakes.mosquitto import free_port

__all__ = ["NATS_MISSING", "RABBIT_MISSING", "find_nats", "find_rabbit", "nats", "rabbitmq"]

NATS_MISSING = "nats-server is not installed (apt-get install nats-server)"
RABBIT_MISSING = "rabbitmq-server is not installed (apt-get install rabbitmq-server)"
_LIMIT_S = 90.0


def find_nats() -> str | None:
    """Debian installs it where only administrators look."""
    return shutil.which("nats-server") or shutil.which("nats-server", path="/usr/sbin")


def find_rabbit() -> str | None:
    """The script behind Debian's own, which changes the user."""
    return shutil.which("rabbitmq-server", path="/usr/lib/rabbitmq/bin")


@contextmanager
def nats(folder: Path) -> Iterator[str]:
    """The URL of a server with JetStream."""
    executable, port = find_nats(), free_port()
    assert executable is not None, NATS_MISSING
    command = [executable, "-a", "127.0.0.1", "-p", str(port), "-js", "-sd", str(folder)]
    with _running(command, port, folder, {}):
        yield f"nats://127.0.0.1:{port}"


@contextmanager
def rabbitmq(folder: Path) -> Iterator[str]:
    """The URL of a server."""
    executable, port, names = find_rabbit(), free_port(), free_port()
    assert executable is not None, RABBIT_MISSING
    (folder / "plugins").write_text("[].")
    (folder / "rabbit.conf").write_text(f"listeners.tcp.1 = 127.0.0.1:{port}\n")
    settings = {
        "HOME": str(folder),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_EPMD_PORT": str(names),
        "ERL_EPMD_RELAXED_COMMAND_CHECK": "1",
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbit.conf"),
        "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        "RABBITMQ_DIST_PORT": str(free_port()),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
        "RABBITMQ_LOG_BASE": str(folder),
        "RABBITMQ_LOGS": "-",
        "RABBITMQ_MNESIA_BASE": str(folder),
        "RABBITMQ_NODENAME": "tallyport@localhost",
    }
    try:
        with _running([executable], port, folder, settings):
            yield f"amqp://guest:guest@127.0.0.1:{port}/"
    finally:  # Erlang's name server, which it leaves behind
        subprocess.run(
            ["epmd", "-port", str(names), "-kill"], check=False, stdout=subprocess.DEVNULL
        )


@contextmanager
def _running(
    command: list[str], port: int, folder: Path, settings: Mapping[str, str]
) -> Iterator[None]:
    log = folder / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
            env={**os.environ, **settings},
        )  # fmt: skip
    try:
        _wait(process, port, log)
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + _LIMIT_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            ended = process.poll() is not None
            assert not ended, f"it did not start:\n{log.read_text()}"
            assert time.monotonic() < until, f"it does not listen:\n{log.read_text()}"
            time.sleep(0.05)
        else:
            return
