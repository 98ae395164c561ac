"""The real processes of one site: central and its edge, as a service manager would run them."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
import socket
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tallyport.demo.settings import central_toml, edge_toml

_LOWEST_PORT, _PORTS = 20_000, 12_000
"""Below what Linux dials from (``net.ipv4.ip_local_port_range``: 32768 and above)."""


class ProcessDied(Exception):
    """A process ended that should not have; the message carries the end of its log."""


@dataclass(slots=True)
class Process:
    """One child: its command, its log file, and the means to end it."""

    name: str
    arguments: list[str]
    log: Path
    environment: dict[str, str] = field(default_factory=dict)
    _child: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it; its output goes to ``log``.

        In a process group of its own: a terminal sends Ctrl-C to the whole group in front, and who
        started these must be the one to end them, in order.
        """
        with self.log.open("ab") as out:
            self._child = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "tallyport",
                *self.arguments,
                stdout=out,
                stderr=out,
                stdin=asyncio.subprocess.DEVNULL,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **self.environment},
                process_group=0,
            )

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._child is not None and self._child.returncode is None

    @property
    def pid(self) -> int:
        """Its process id; it must be running."""
        assert self._child is not None
        return self._child.pid

    async def kill(self) -> None:
        """SIGKILL: no goodbye."""
        if self._child is not None:
            with suppress(ProcessLookupError):
                self._child.kill()
            await self._child.wait()

    async def terminate(self, patience_s: float = 30.0) -> int:
        """SIGTERM and wait; killed when it takes longer than ``patience_s``. Exit status."""
        assert self._child is not None
        with suppress(ProcessLookupError):
            self._child.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(patience_s):
                return await self._child.wait()
        except TimeoutError:
            await self.kill()
            raise ProcessDied(
                f"{self.name} did not stop within {patience_s:.0f} s.\n{self.tail()}"
            ) from None

    async def gone(self) -> None:
        """Return only by raising ProcessDied, when the process ends by itself."""
        assert self._child is not None
        status = await self._child.wait()
        raise ProcessDied(f"{self.name} ended with status {status}.\n{self.tail()}")

    def tail(self, lines: int = 12) -> str:
        """The end of its log."""
        with suppress(FileNotFoundError):
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        return ""


@dataclass(slots=True)
class Site:
    """Central and one edge in ``folder``. ``broker_port`` names a broker outside central."""

    folder: Path
    devices: str
    http_port: int = 0
    broker_port: int | None = None
    database_url: str | None = None
    series_url: str | None = None
    central: Process = field(init=False)
    edge: Process = field(init=False)
    mqtt_port: int = 0
    page_port: int = field(init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.http_port = self.http_port or free_port()
        self.mqtt_port = self.broker_port or free_port()
        self.page_port = free_port()
        self.central = self._process("central")
        self.edge = self._process("edge")
        central = central_toml(
            self.folder,
            http_port=self.http_port,
            mqtt_port=self.mqtt_port,
            embedded=self.broker_port is None,
            database_url=self.database_url,
            series_url=self.series_url,
        )
        edge = edge_toml(
            self.folder,
            mqtt_port=self.mqtt_port,
            page_port=self.page_port,
            devices=self.devices,
        )
        (self.folder / "central.toml").write_text(central)
        (self.folder / "edge.toml").write_text(edge)

    def _process(self, name: str) -> Process:
        config = self.folder / f"{name}.toml"
        arguments = [name, "run", "--config", str(config)]
        return Process(name, arguments, self.folder / f"{name}.log")

    @property
    def url(self) -> str:
        """Where central's screens and API answer."""
        return f"http://127.0.0.1:{self.http_port}"

    @property
    def page_url(self) -> str:
        """Where the edge's own page answers."""
        return f"http://127.0.0.1:{self.page_port}"

    async def start_central(self, patience_s: float = 60.0) -> None:
        """Start central and wait until it says that it is ready."""
        ready = self.folder / "central" / "central.ready.json"
        ready.unlink(missing_ok=True)
        await self.central.start()
        deadline = asyncio.get_running_loop().time() + patience_s
        while not _is_ready(ready):
            if not self.central.running:
                raise ProcessDied(f"central did not start.\n{self.central.tail()}")
            if asyncio.get_running_loop().time() > deadline:
                raise ProcessDied(
                    f"central was not ready after {patience_s:.0f} s.\n{self.central.tail()}"
                )
            await asyncio.sleep(0.05)

    async def kill(self) -> None:
        """Leave nothing running, whatever happened."""
        for process in (self.edge, self.central):
            if process.running:
                await process.kill()

    async def stop(self) -> None:
        """End both, the edge first, so that it can hand over what it holds."""
        for process in (self.edge, self.central):
            if process.running:
                await process.terminate()


def free_port() -> int:
    """A TCP port of the loopback that nobody listens on, and that the system gives to nobody who
    dials: whoever dials a dead port of that range again and again is one day answered by himself,
    and holds the port.
    """
    while True:
        port = _LOWEST_PORT + secrets.randbelow(_PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def _is_ready(path: Path) -> bool:
    try:
        return bool(json.loads(path.read_text()))
    except (FileNotFoundError, ValueError):
        return False
