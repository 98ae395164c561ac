"""The field of battle: one site of real processes, each of which can be hurt.

Edge and central run as a service manager would run them, around a real Mosquitto (with a way in
of its own for the edge) and, if asked, a real PostgreSQL. The edge's data lies on a small disk,
its clock can be set.
"""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from pathlib import Path

from benchmarks.nemesis.disk import Disk
from benchmarks.nemesis.storm import Storm
from benchmarks.servers.mosquitto import MosquittoProcess, free_port, start_mosquitto
from benchmarks.servers.postgres import PostgresProcess, fresh_database

DISK_MIB = 48
JOURNAL_MIB = 16
"""Half of the disk and less: sealing a segment writes it twice before its log goes."""
_C_CODE = Path(__file__).with_name("clockshift.c")


class Field(Storm):
    """See the module. ``edge_port`` is the port that network faults are about."""

    def __init__(self, folder: Path, seed: int, *, postgres: bool = False) -> None:
        self.folder = folder
        self.edge_port = free_port()
        (folder / "broker").mkdir(parents=True)
        self.broker: MosquittoProcess = start_mosquitto(folder / "broker", also_port=self.edge_port)
        self.postgres: PostgresProcess | None = None
        options: dict[str, object] = {"broker_port": self.broker.port}
        if postgres:
            (folder / "postgres").mkdir()
            self.postgres = PostgresProcess(folder / "postgres")
            self.postgres.start()
            options["database_url"] = fresh_database(self.postgres.url, "central")
        super().__init__(folder / "site", seed, **options)
        self.data = folder / "site" / "edge"
        self.card = Disk(self.data, folder / "card.img", DISK_MIB)
        self.has_disk = False
        self._clock = folder / "clock"

    async def start(self) -> None:
        """Everything up, every device heard."""
        self.data.mkdir(parents=True)
        self.has_disk = await asyncio.to_thread(self.card.mount)
        self._set_the_clock_shim()
        await super().start()

    def rewire(self) -> None:
        """Send the edge through the way in that faults are about. Called when the site's
        settings are written, before the edge starts.
        """
        settings = self.data.parent / "edge.toml"
        text = settings.read_text()
        text = text.replace(f"port = {self.broker.port}", f"port = {self.edge_port}")
        settings.write_text(text + f"\n[journal]\nmax_mib = {JOURNAL_MIB}\n")
        self.demo.site.edge.environment = self.environment

    def restart_broker(self, max_queued: int = 10_000) -> None:
        """Start it again, with nothing of what it knew."""
        self.broker = start_mosquitto(
            self.folder / "broker", port=self.broker.port, also_port=self.edge_port,
            max_queued=max_queued,
        )  # fmt: skip

    def set_clock(self, seconds: int) -> None:
        """The edge's wall clock is wrong by so much, from now on."""
        self._clock.write_text(str(seconds))

    async def abandon(self) -> None:
        """Leave nothing running and nothing mounted."""
        await super().abandon()
        await asyncio.to_thread(self.broker.stop)
        if self.postgres is not None:
            await asyncio.to_thread(self.postgres.stop)
        if self.has_disk:
            await asyncio.to_thread(self.card.unmount)

    def _set_the_clock_shim(self) -> None:
        self.environment: dict[str, str] = {}
        compiler = shutil.which("cc") or shutil.which("gcc")
        if compiler is None:
            return
        library = self.folder / "clockshift.so"
        subprocess.run(
            [compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(_C_CODE)], check=True
        )
        self._clock.write_text("0")
        self.environment = {
            "LD_PRELOAD": str(library),
            "TALLYPORT_CLOCK_SHIFT": str(self._clock),
        }
