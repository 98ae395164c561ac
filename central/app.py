"""The composition root: the only place in central that constructs things.

Every part is a task of one group: a part that ends when it should not ends the process, with
its reason, and a service manager starts it again. Nothing dies alone and silently.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import signal
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack

import structlog
import uvicorn

from central.api.access.entrance import Entrance, entrance_for, open_or_closed
from central.api.application import build
from central.api.services import Services
from central.config import CentralSettings
from central.console.edges import EdgeConsoles
from central.console.ends import Ends
from central.database.leases import Alone, Leases
from central.database.signals import Signals
from central.database.store import Database
from central.database.tide import Tide
from central.insight.follow import Follower, LedgerSource, ObservationSource
from central.insight.series import SeriesStore, SeriesUnavailable
from central.insight.series_duckdb import DuckDBSeries
from central.intake.ingest import Ingest
from central.intake.live_lane import LiveLane
from central.intake.quarantine import Limits
from central.intake.streams import standing
from central.inventory import Ground, Inventory
from central.judging.judge import Judge
from central.listening import listen
from central.schedule import Schedule
from central.sending import MOST_HEARD, SOCKETS, InOnePiece
from central.terminal.now import Parts, Vitals
from central.web.pages import Pages
from gateway.mqtt import MqttClient, MqttSettings
from gateway.settled import settle

__all__ = ["PartEnded", "Stopped", "run"]

_log = structlog.get_logger("central")
_DAY_S = 86_400


class PartEnded(RuntimeError):
    """A part of central ended that should run for ever."""


class Stopped(Exception):
    """Somebody asked central to stop."""


Beside = Callable[[Vitals], AbstractAsyncContextManager[None]]
"""What goes on beside central while it runs, and may ask how it is."""


async def run(settings: CentralSettings, *, beside: Beside | None = None) -> None:
    """Run central until SIGTERM or SIGINT; raises what ended it otherwise."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    settings.ready_path.unlink(missing_ok=True)
    async with AsyncExitStack() as stack:
        central = _Central(settings, stack)
        try:
            await central.open()
            if beside is not None:
                await stack.enter_async_context(beside(central.vitals()))
            await central.live()
        finally:
            settings.ready_path.unlink(missing_ok=True)


class _Central:
    """The parts, wired."""

    def __init__(self, settings: CentralSettings, stack: AsyncExitStack) -> None:
        self._settings = settings
        self._stack = stack
        worker = settings.worker
        self._database = Database(settings.database_url, shared=worker.shared)
        self._tide = Tide()
        self._store = _series_store(settings)
        self._live = LiveLane(self._store)
        self._leases = _leases(settings, self._database) if worker.shared else None
        holder = self._leases or Alone()
        self._consoles = EdgeConsoles(self._tell_edge)
        self._ends = Ends(self._database, self._tide, self._consoles)
        self._ingest = Ingest(
            self._database,
            self._tide,
            preview=self._live.take,
            consoles=self._consoles,
            holder=holder,
            quarantined=Limits(settings.quarantine.max_rows, settings.quarantine.max_mib * 2**20),
        )
        self._judge = Judge(self._database, self._tide, holder=holder)
        self._followers = [
            Follower(
                database=self._database,
                tide=self._tide,
                store=self._store,
                target=_series_target(settings),
                source=source,
            )
            for source in (ObservationSource(), LedgerSource())
        ]
        self._pages = Pages(
            database=self._database, tide=self._tide, time_zone=settings.http.time_zone
        )
        self._schedule = Schedule()
        self._serving = asyncio.Event()
        self._url = ""
        self._http: uvicorn.Server | None = None
        self._client: MqttClient
        self._inventory: Inventory
        self._entrance: Entrance

    async def open(self) -> None:
        """Open what can refuse: the database, the ports."""
        self._stack.callback(self._database.close)
        await asyncio.to_thread(self._database.migrate)
        self._stack.push_async_callback(self._store.close)
        await self._open_series()
        mqtt = self._settings.mqtt
        port = mqtt.port
        if mqtt.embedded:
            from gateway.broker import EmbeddedBroker  # noqa: PLC0415 (only where one is wanted)

            broker = EmbeddedBroker(host=mqtt.host, port=mqtt.port)
            port = await broker.start()
            self._stack.push_async_callback(broker.stop)
        self._client = MqttClient(
            MqttSettings(
                host=mqtt.host,
                port=port,
                client_id=self._settings.client_id,
                username=mqtt.username,
                password=mqtt.password.get_secret_value() if mqtt.password else None,
                tls_ca=mqtt.ca_file,
                tls_cert=mqtt.cert_file,
                tls_key=mqtt.key_file,
                # Another worker takes over what one lets pass: nothing need wait for it.
                session_expiry_s=0 if self._leases else 14 * _DAY_S,
                retry_limit_s=5.0,
            )
        )
        self._mqtt_port = port
        ground = Ground(self._settings, self._database, self._tide, self._client)
        self._inventory = Inventory(ground)
        self._entrance = await self._open_entrance()
        self._consoles.remember(
            [(site, mark.edge) for site, mark in await self._database.read(standing)]
        )
        self._stack.push_async_callback(self._consoles.close)
        self._socket = listen(self._settings.http.host, self._settings.http.port)
        self._stack.callback(self._socket.close)

    async def _tell_edge(self, topic: str, payload: bytes, *, qos: int = 1) -> bool:
        return await self._client.publish(topic, payload, qos=qos)

    async def _open_entrance(self) -> Entrance:
        """Open to everybody, or for who logs in."""
        made = await asyncio.to_thread(entrance_for, self._settings, self._database)
        setup = await self._database.write(made.signing_in.setup_token)
        return open_or_closed(made, self._settings, setup)

    async def _open_series(self) -> None:
        """A store that is new is filled from the first fact on; one that is broken waits."""
        try:
            if await self._store.open():
                for follower in self._followers:
                    await follower.rewind()
        except SeriesUnavailable as error:
            _log.error("series_unavailable", why=str(error), stock="not affected")

    async def _prune_series(self) -> None:
        kept, now_us = self._settings.series, time.time_ns() // 1_000
        day_us = _DAY_S * 1_000_000
        await self._store.prune(
            now_us - kept.keep_days * day_us, now_us - kept.keep_minutes_days * day_us
        )

    async def live(self) -> None:
        """Run every part until asked to stop."""
        self._schedule.every(3_600, "prune series", self._prune_series)
        for job in self._inventory.jobs():
            self._schedule.every(job.seconds, job.name, job.work)
        for night in self._inventory.nights():
            self._schedule.daily(night.at, night.zone, night.name, night.work)
        self._schedule.start()
        self._stack.callback(self._schedule.stop)
        server = self._http = self._server()
        try:
            async with asyncio.TaskGroup() as group:
                for name, part in self._parts(server):
                    group.create_task(_for_ever(name, part), name=name)
                group.create_task(self._announce(), name="announce")
                group.create_task(_until_told(), name="signals")
        except* Stopped:
            _log.info("central_stopping")
        finally:
            self._pages.stop()
            if self._leases is not None:
                await self._leases.release()
            if self._serving.is_set():
                await server.shutdown(sockets=[self._socket])

    def _parts(self, server: uvicorn.Server) -> list[tuple[str, Awaitable[None]]]:
        own_series = self._settings.series.kind == "duckdb"
        return [
            ("the broker connection", self._client.run()),
            ("ingest", self._ingest.run(self._client)),
            ("the live lane", self._live.run()),
            ("ends of asks", self._ends.run()),
            *((part.name, self._by_one(part.run)) for part in self._inventory.parts()),
            ("judging", self._judge.run()),
            *(
                (f"series of {each.name}", each.run() if own_series else self._by_one(each.run))
                for each in self._followers
            ),
            ("live screens", self._pages.run()),
            ("http", self._serve(server)),
            *self._shared_parts(),
        ]

    def _shared_parts(self) -> list[tuple[str, Awaitable[None]]]:
        """What only one of several workers has."""
        if self._leases is None:
            return []
        signals = Signals(self._settings.database_url, self._tide)
        return [("leases", self._leases.run()), ("signals", signals.run())]

    def _by_one(self, work: Callable[[], Coroutine[None, None, None]]) -> Awaitable[None]:
        """What must not be done twice goes by turns."""
        return work() if self._leases is None else self._leases.while_leading(work)

    def vitals(self) -> Vitals:
        """How central is, for who stands before its terminal."""
        return Vitals(
            self._database,
            Parts(
                url=lambda: self._url,
                ingest=self._ingest.counters,
                judged=lambda: self._judge.counters["observations"],
                series=lambda: {each.name: each.upto for each in self._followers},
                screens=lambda: self._pages.clients,
                visitors=lambda: len(self._http.server_state.connections) if self._http else 0,
            ),
        )

    def _server(self) -> uvicorn.Server:
        services = Services(
            database=self._database,
            tide=self._tide,
            series=self._store,
            reports=self._inventory.reports,
            attachments=self._inventory.attachments,
            broker=self._client,
            live=self._live.heard,
            events=self._settings.events,
            ways=self._inventory.ways,
            epcis=self._settings.epcis,
            graphql=self._settings.graphql,
            orders=self._settings.orders,
            erp=self._settings.erp,
            labels=self._inventory.labels,
            consoles=self._consoles,
            ends=self._ends,
            counters={
                "ingest": self._ingest.counters,
                "live": self._live.counters,
                "consoles": self._consoles.counters,
                "ends_of_asks": self._ends.counters,
                **self._inventory.counters,
                "judge": self._judge.counters,
                "access": self._entrance.keeper.counters,
                **({"leases": self._leases.counters} if self._leases else {}),
                "schedule": self._schedule.counters,
                "screens": self._pages.live.counters,
                "page_changes": self._pages.changes.counters,
                "visitors": self._socket.counters,
                **{f"series_{each.name}": each.counters for each in self._followers},
            },
        )
        app = build(services, self._pages, self._entrance)
        config = uvicorn.Config(
            app, loop="asyncio", http=InOnePiece, ws=SOCKETS, ws_max_size=MOST_HEARD,
            lifespan="off", log_config=None, access_log=False, timeout_graceful_shutdown=3,
        )  # fmt: skip
        return uvicorn.Server(config)

    async def _announce(self) -> None:
        """Say where central answers, once everything does."""
        await self._serving.wait()
        await self._client.connected()
        port: int = self._socket.getsockname()[1]
        ready = {"http_port": port, "mqtt_port": self._mqtt_port}
        fresh = self._settings.ready_path.with_suffix(".new")
        fresh.write_text(json.dumps(ready))
        settle()
        fresh.replace(self._settings.ready_path)
        self._url = f"http://{self._settings.http.host}:{port}"
        _log.info("central_ready", url=self._url, **ready)

    async def _serve(self, server: uvicorn.Server) -> None:
        config = server.config
        config.load()
        server.lifespan = config.lifespan_class(config)
        await server.startup(sockets=[self._socket])
        self._serving.set()
        await server.main_loop()


def _leases(settings: CentralSettings, database: Database) -> Leases:
    """Every start is another worker: what an earlier one held is taken over like anybody's."""
    worker = settings.worker
    return Leases(database, f"{worker.name}-{secrets.token_hex(4)}", lease_s=worker.lease_s)


def _series_store(settings: CentralSettings) -> SeriesStore:
    series = settings.series
    if series.kind == "duckdb":
        return DuckDBSeries(settings.series_path)
    from central.insight.series_influx import InfluxSeries  # noqa: PLC0415 (slow to import)

    assert series.url is not None
    token = series.token.get_secret_value() if series.token else ""
    return InfluxSeries(url=series.url, token=token, org=series.org, bucket=series.bucket)


def _series_target(settings: CentralSettings) -> str:
    """Names the store in cursors, so that another one is filled from the beginning."""
    series, worker = settings.series, settings.worker
    if series.kind == "duckdb":
        return f"duckdb:{worker.name}" if worker.shared else "duckdb"
    return f"influx:{series.url}/{series.bucket}"


async def _for_ever(name: str, part: Awaitable[None]) -> None:
    await part
    raise PartEnded(f"{name} ended by itself")


async def _until_told() -> None:
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, told.set)
    await told.wait()
    raise Stopped
