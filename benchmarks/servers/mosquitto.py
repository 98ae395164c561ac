"""A real Mosquitto: own port, own folder, ended by its own process handle."""

from __future__ import annotations

import getpass
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from tallyport.demo.processes import free_port

STARTUP_LIMIT_S = 30.0
MISSING = "mosquitto is not installed (apt-get install mosquitto)"


def find_mosquitto() -> str | None:
    """Debian installs it where only administrators look."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")


@dataclass
class MosquittoProcess:
    """A running broker; ``stop`` is graceful, ``kill`` is a power cut, both may be repeated."""

    port: int
    config: Path
    log: Path
    remembered: Path | None = None
    """Where it keeps its state, if it does."""
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def pid(self) -> int:
        """Its process id; it must be running."""
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start, or start again with the same port, settings and stored state."""
        executable = find_mosquitto()
        assert executable is not None, MISSING
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [executable, "-c", str(self.config)], stdout=log, stderr=subprocess.STDOUT
            )
        self._wait_until_it_listens()

    def stop(self) -> None:
        """End it as an administrator would."""
        self._end(kill=False)

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(kill=True)

    def forget(self) -> None:
        """Lose the state that it kept; it must not be running."""
        if self.remembered is not None:
            self.remembered.unlink(missing_ok=True)

    def _end(self, *, kill: bool) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if kill:
            process.kill()
        else:
            process.terminate()
        process.wait(timeout=STARTUP_LIMIT_S)

    def _wait_until_it_listens(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + STARTUP_LIMIT_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                if _ends(self._process, 0.02) or time.monotonic() > deadline:
                    self.kill()
                    raise AssertionError(
                        f"mosquitto did not start:\n{self.log.read_text()}"
                    ) from None
            else:
                return


def _ends(process: subprocess.Popen[bytes], within_s: float) -> bool:
    """Whether a process ends, or has ended, within a time."""
    try:
        process.wait(within_s)
    except subprocess.TimeoutExpired:
        return False
    return True


def start_mosquitto(
    tmp_path: Path,
    *,
    acl: str | None = None,
    port: int | None = None,
    persistence: bool = False,
    also_port: int | None = None,
    max_queued: int = 10_000,
) -> MosquittoProcess:
    """Start a broker on the loopback; ``also_port`` is a second way in, for whom a fault is meant.

    ``acl`` is the text of an access list: names are taken as given, without passwords.
    ``persistence`` keeps sessions and retained messages in ``tmp_path``, saved every second.
    """
    port = port or free_port()
    lines = [
        f"listener {port} 127.0.0.1",
        "allow_anonymous true",
        "max_inflight_messages 200",
        f"max_queued_messages {max_queued}",
        "set_tcp_nodelay true",
        f"user {getpass.getuser()}",
    ]
    if also_port is not None:
        lines.append(f"listener {also_port} 127.0.0.1")
    if acl is not None:
        (tmp_path / "acl").write_text(acl)
        (tmp_path / "acl").chmod(0o600)
        lines.append(f"acl_file {tmp_path / 'acl'}")
    if persistence:
        lines += ["persistence true", f"persistence_location {tmp_path}/", "autosave_interval 1"]
    config = tmp_path / "mosquitto.conf"
    config.write_text("\n".join(lines) + "\n")
    remembered = tmp_path / "mosquitto.db" if persistence else None
    broker = MosquittoProcess(port, config, tmp_path / "mosquitto.log", remembered)
    broker.start()
    return broker
