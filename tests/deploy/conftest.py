"""A Mosquitto in a folder of ``tallyport central broker setup``, with the shipped configuration."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from central.cli import app
from gateway import access
from gateway.mqtt import MqttSettings
from tests.fakes.mosquitto import MISSING, find_mosquitto, free_port

LISTENER = "listener 8883\n"


class SecureBroker:
    """The broker's folder and process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def command(self, *arguments: str) -> str:
        """``tallyport central broker ...``"""
        done = CliRunner().invoke(app, ["broker", *arguments])
        assert done.exit_code == 0, done.output
        return done.output

    @property
    def live(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        """Exactly the configuration that ships, but for the port, which may be taken."""
        shipped = (self.folder / "tallyport.conf").read_text()
        assert LISTENER in shipped
        (self.folder / "running.conf").write_text(
            shipped.replace(LISTENER, f"listener {self.port} 127.0.0.1\n")
        )
        self._give_to_its_user()
        executable = find_mosquitto()
        assert executable is not None
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [executable, "-c", "running.conf"], cwd=self.folder, stdout=log, stderr=log
            )
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                log_text = (self.folder / "log").read_text()
                assert self._process.poll() is None, log_text
                assert time.monotonic() < deadline, log_text
                time.sleep(0.02)
            else:
                return

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)
            self._process = None

    def _give_to_its_user(self) -> None:
        """Started as root, it becomes the user of its package."""
        if os.geteuid() == 0:
            user = pwd.getpwnam("mosquitto")
            for path in (self.folder, *self.folder.rglob("*")):
                os.chown(path, user.pw_uid, user.pw_gid)

    def settings(self, name: str, client_id: str, **more: object) -> MqttSettings:
        """How whoever has ``name``'s certificate connects."""
        return MqttSettings.model_validate(
            {
                "port": self.port,
                "client_id": client_id,
                "tls_ca": self.folder / "ca.pem",
                "tls_cert": self.folder / f"{name}.pem",
                "tls_key": self.folder / f"{name}.key",
                "retry_base_s": 0.05,
                "retry_limit_s": 0.2,
                **more,
            }
        )

    def device(self, edge: str, site: str = "shop", **more: object) -> MqttSettings:
        return self.settings(f"devices/{site}.{edge}", f"{site}.{edge}", **more)

    def central(self, **more: object) -> MqttSettings:
        return self.settings("central", access.CENTRAL, **more)


@pytest.fixture
def secure_broker() -> Iterator[SecureBroker]:
    """Running, with two edges admitted: shop.edge-1 and shop.edge-2."""
    if find_mosquitto() is None:
        pytest.skip(MISSING)
    folder = Path(tempfile.mkdtemp(prefix="tallyport-broker-"))
    folder.chmod(0o755)
    broker = SecureBroker(folder)
    try:
        broker.command("setup", str(folder), "--host", "127.0.0.1", "--host", "localhost")
        for edge in ("edge-1", "edge-2"):
            broker.command("admit", str(folder), "shop", edge)
        broker.start()
        yield broker
    finally:
        broker.stop()
        shutil.rmtree(folder)
