"""The field of battle: one site of real processes, each of which can be hurt.

Edge and central run as a service manager would run them, around a real Mosquitto (with a way in
of its own for the edge), a server of series and, if asked, a real PostgreSQL. The edge's card and
PostgreSQL's disk are small ones of their own, the edge's clock can be set.
"""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from pathlib import Path

from benchmarks.nemesis.disk import Disk
from benchmarks.nemesis.storm import Storm
from benchmarks.nemesis.witness import Witness
from benchmarks.servers.mosquitto import MosquittoProcess, start_mosquitto
from benchmarks.servers.postgres import PostgresProcess, fresh_database
from benchmarks.servers.series import SeriesServer
from tallyport.demo.processes import free_port
from tallyport.demo.report import Report

CARD_MIB = 48
JOURNAL_MIB = 16
"""Half of the card and less: sealing a segment writes it twice before its log goes."""
DATABASE_MIB = 512
_C_CODE = Path(__file__).with_name("clockshift.c")


class Field(Storm):
    """See the module. ``edge_port`` is the port that network faults are about, ``witness`` has
    seen every journal whose edge was killed.
    """

    def __init__(self, folder: Path, seed: int, *, postgres: bool = False) -> None:
        self.folder = folder
        self.edge_port = free_port()
        (folder / "broker").mkdir(parents=True)
        self.broker: MosquittoProcess = self._start_broker()
        self.series = SeriesServer()
        self.witness = Witness()
        self.postgres: PostgresProcess | None = None
        self.database_disk: Disk | None = None
        options: dict[str, object] = {
            "broker_port": self.broker.port, "series_url": self.series.url,
        }  # fmt: skip
        if postgres:
            self.postgres = self._start_postgres()
            options["database_url"] = fresh_database(self.postgres.url, "central")
        super().__init__(folder / "site", seed, **options)
        self.data = folder / "site" / "edge"
        self.card = Disk(self.data, folder / "card.img", CARD_MIB)
        self.has_card = False
        self._clock = folder / "clock"

    async def start(self) -> None:
        """Everything up, every device heard."""
        self.data.mkdir(parents=True)
        self.has_card = await asyncio.to_thread(self.card.mount)
        self._set_the_clock_shim()
        await super().start()

    def rewire(self) -> None:
        """Send the edge through the way in that faults are about, and give its journal a limit
        below its card's.
        """
        super().rewire()
        settings = self.data.parent / "edge.toml"
        text = settings.read_text()
        text = text.replace(f"port = {self.broker.port}", f"port = {self.edge_port}")
        settings.write_text(text + f"\n[journal]\nmax_mib = {JOURNAL_MIB}\n")
        self.demo.site.edge.environment = self.environment

    async def death(self) -> str:
        """Wait for a process to end unasked; gives its name and the end of its log."""
        site = self.demo.site
        name = await self.watch.death({
            "edge": lambda: site.edge.running,
            "central": lambda: site.central.running,
            "broker": lambda: self.broker.running,
            "postgres": lambda: self.postgres is None or self.postgres.running,
        })  # fmt: skip
        logs = {"edge": site.edge.log, "central": site.central.log, "broker": self.broker.log}
        log = logs.get(name, self.folder / "postgres" / "log")
        return f"{name}: {await asyncio.to_thread(_tail, log)}"

    async def edge_is_dead(self) -> None:
        """Its card can be read by others now."""
        await asyncio.to_thread(self.witness.look, self.data / "journal")

    def restart_broker(self, max_queued: int = 10_000) -> None:
        """Start it again with what it had saved."""
        self.broker = self._start_broker(self.broker.port, max_queued)

    def _start_broker(self, port: int | None = None, max_queued: int = 10_000) -> MosquittoProcess:
        return start_mosquitto(
            self.folder / "broker", port=port, also_port=self.edge_port, persistence=True,
            max_queued=max_queued,
        )  # fmt: skip

    def _start_postgres(self) -> PostgresProcess:
        """On a disk of its own, where this machine makes one."""
        (self.folder / "postgres" / "data").mkdir(parents=True)
        disk = Disk(self.folder / "postgres" / "data", self.folder / "postgres.img", DATABASE_MIB)
        if disk.mount():
            self.database_disk = disk
        server = PostgresProcess(self.folder / "postgres", thrifty=True)
        server.start()
        return server

    def set_clock(self, seconds: int) -> None:
        """The edge's wall clock is wrong by so much, from now on."""
        self._clock.write_text(str(seconds))

    async def finish(self) -> Report:
        """Stop everything, the edge first, whose card is looked at as it left it; who wants to
        wait for the ledger has done so (``calm.settle``).
        """
        await self.demo.site.edge.terminate()
        await self.edge_is_dead()
        return await self.demo.finish(patience_s=0.0)

    async def abandon(self) -> None:
        """Leave nothing running and nothing mounted."""
        await super().abandon()
        await asyncio.to_thread(self.broker.stop)
        await asyncio.to_thread(self.series.stop)
        if self.postgres is not None:
            await asyncio.to_thread(self.postgres.stop)
        if self.database_disk is not None:
            await asyncio.to_thread(self.database_disk.unmount)
        if self.has_card:
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


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-1_000:]
