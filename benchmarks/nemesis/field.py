"""The field of battle: one site of real processes, each of which can be hurt.

Edge and central run as a service manager would run them, around a real Mosquitto (with a way in
of its own for the edge) and, if asked, a real PostgreSQL. The edge's data lies on a small tmpfs,
its clock can be set.
"""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from pathlib import Path

from benchmarks.nemesis.storm import Storm
from benchmarks.servers.mosquitto import MosquittoProcess, free_port, start_mosquitto
from benchmarks.servers.postgres import PostgresProcess, fresh_database

DISK_MIB = 24
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
        self._mounted = False
        self._clock = folder / "clock"

    async def start(self) -> None:
        """Everything up, every device heard."""
        self.data.mkdir(parents=True)
        self._mount()
        self._set_the_clock_shim()
        await super().start()

    def rewire(self) -> None:
        """Send the edge through the way in that faults are about. Called when the site's
        settings are written, before the edge starts.
        """
        settings = self.data.parent / "edge.toml"
        settings.write_text(
            settings.read_text().replace(f"port = {self.broker.port}", f"port = {self.edge_port}")
        )
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

    def remount(self, options: str) -> None:
        """``ro`` or ``rw``: a dying card turns itself read-only."""
        subprocess.run(["mount", "-o", f"remount,{options}", str(self.data)], check=True)

    def fill_disk(self) -> None:
        """No byte is left on the edge's disk."""
        with (self.data / "ballast").open("wb") as ballast:
            try:
                while True:
                    ballast.write(bytes(65_536))
                    ballast.flush()
            except OSError:
                return

    def free_disk(self) -> None:
        """There is room again."""
        (self.data / "ballast").unlink(missing_ok=True)

    async def abandon(self) -> None:
        """Leave nothing running and nothing mounted."""
        await super().abandon()
        await asyncio.to_thread(self.broker.stop)
        if self.postgres is not None:
            await asyncio.to_thread(self.postgres.stop)
        if self._mounted:
            unmount = ["umount", "-l", str(self.data)]
            await asyncio.to_thread(subprocess.run, unmount, check=False)

    def _mount(self) -> None:
        mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tallyport-nemesis"]
        done = subprocess.run([*mount, str(self.data)], capture_output=True, check=False)
        self._mounted = done.returncode == 0

    @property
    def has_disk(self) -> bool:
        """Whether the edge's data lies on a disk of its own."""
        return self._mounted

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
