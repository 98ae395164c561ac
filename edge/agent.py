"""The agent, put together: the only place of this package that constructs things.

Tasks: one supervisor per device, the keeper, the uplink, the MQTT client, the reader of
watermarks, the agent's own health, the watchdog. A task that ends unasked is a fault: the
agent stops in order, with an error, and the service manager starts it again.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import structlog

from edge import notify
from edge.announcing import Announcer
from edge.backoff import Backoff
from edge.certified import newest
from edge.config import DeviceConfig, EdgeConfig, load
from edge.console.bench import Bench
from edge.console.console import Console
from edge.describing import describe
from edge.device_brokers import build_driver
from edge.fill import Fill, Level
from edge.fleet import Fleet
from edge.fold import Folder
from edge.health import Health
from edge.journal import Journal, JournalStats
from edge.keeper import Keep, Keeper
from edge.live import LiveLane
from edge.now import EdgeNow, Vitals
from edge.opening import open_journal, tell_recovery
from edge.parts import NewStart, cancel, fault, part
from edge.settings_file.trial import settled
from edge.supervisor import Supervisor
from edge.uplink import Uplink, UplinkSettings
from edge.walltime import WallTime
from gateway import topics
from gateway.clock import Clock
from gateway.link import MakeLink
from gateway.log_ring import LogRing
from gateway.mqtt import MqttClient, PublishRefused, SubscribeRefused

_log = structlog.get_logger("edge.agent")


async def run(
    config: EdgeConfig,
    *,
    stop: asyncio.Event | None = None,
    settings_file: Path | None = None,
    logs: LogRing | None = None,
    beside: Callable[[Agent], contextlib.AbstractAsyncContextManager[None]] | None = None,
) -> None:
    """Run until SIGTERM or SIGINT (or ``stop`` is set), then end in order. ``settings_file`` is
    where ``config`` was read from, ``logs`` what this process logged lately: when somebody asks for
    a new start, it begins anew with that file as it is then. What is to go on ``beside`` an agent
    is begun before it and ended after it.

    Raises ``AgentFault`` when a part ended by itself, after everything heard was kept.
    """
    stop = stop or asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            loop.add_signal_handler(name, stop.set)
    while True:
        config = await asyncio.to_thread(settled, settings_file, config)
        journal = await open_journal(config)
        agent = Agent(config, journal, settings_file=settings_file, logs=logs, watched=True)
        async with contextlib.AsyncExitStack() as stack:
            if beside is not None:
                await stack.enter_async_context(beside(agent))
            try:
                await agent.run(stop)
            except NewStart:
                _log.info("agent_begins_anew")
            else:
                return
        if settings_file is not None:
            config = await asyncio.to_thread(load, settings_file, spare=True)


class Agent:
    """All parts of one running edge. The journal belongs to the agent, which closes it.

    ``watched``: somebody can look at it, so it serves its page and takes its vital signs.
    """

    def __init__(
        self,
        config: EdgeConfig,
        journal: Journal,
        *,
        clock: Clock | None = None,
        link: MakeLink = MqttClient,
        backoff: Backoff | None = None,
        settings_file: Path | None = None,
        logs: LogRing | None = None,
        watched: bool = False,
    ) -> None:
        self._config = config
        self._journal = journal
        edge, uplink = config.edge, config.uplink
        self._time = WallTime(clock)
        self._announcer = Announcer(edge.site, edge.name, self._time)
        self._keeper = Keeper(
            journal,
            commit_every_ms=config.journal.commit_every_ms,
            commit_every=config.journal.commit_every,
        )
        self._client = link(
            config.mqtt_settings(),
            will=self._announcer.will,
            on_connected=self._on_connected,
        )
        self._news = asyncio.Event()
        self._uplink = Uplink(
            self._keeper,
            self._client.publish,
            site=edge.site,
            edge=edge.name,
            settings=UplinkSettings(**uplink.model_dump()),
            clock=self._time,
            on_news=self._news.set,
            backoff=backoff,
        )
        self._live = LiveLane(
            functools.partial(self._client.publish, qos=0),
            site=edge.site,
            edge=edge.name,
            backlog=lambda: self._uplink.backlog,
            clock=self._time,
        )
        self._keeper.when_committed(self._committed)
        self._health = Health(edge.name, edge.name)
        self._fill = Fill(journal.limits.when_full)
        self.fleet = Fleet(config.devices, self._supervisor)
        self._watched = watched
        self._vitals = self._vital_signs()
        self._restart = asyncio.Event()
        bench = self._bench(settings_file, logs)
        self.console = Console(bench, self._client.publish, with_page=watched)

    def now(self) -> EdgeNow:
        """The agent and its devices as they are, for people who look."""
        return self._vitals.now()

    @property
    def keep(self) -> Keep:
        """Where observations go that come from no configured device."""
        return self._keeper.keep

    @property
    def backlog(self) -> int:
        """Durable observations that central has not confirmed."""
        return self._uplink.backlog

    async def run(self, stop: asyncio.Event) -> None:
        """Start everything, wait for ``stop``, end everything in order."""
        tell_recovery(self._journal)
        devices = part("devices", self.fleet.run())
        keeping = part("keeper", self._keeper.run())
        rest = [
            part("uplink", self._uplink.run()),
            part("live lane", self._live.run()),
            part("mqtt", self._client.run()),
            part("watermarks", self._listen()),
            part("health", self._say_health()),
            part("console", self.console.run()),
            *([part("vitals", self._vitals.run())] if self._watched else []),
        ]
        watchdog = part("watchdog", notify.watchdog())
        stopping = part("stop", stop.wait())
        anew = part("restart", self._restart.wait())
        notify.notify("READY=1")
        _log.info("agent_runs", edge=self._config.edge.name, devices=len(self.fleet.devices))
        parts = [devices, keeping, *rest]
        await asyncio.wait([stopping, anew, *parts], return_when=asyncio.FIRST_COMPLETED)
        notify.notify("STOPPING=1")
        ended = [one for one in parts if one.done()]
        await self._stop(devices, keeping, rest)
        await cancel([watchdog, stopping, anew])
        if ended:
            raise fault(ended[0])
        if self._restart.is_set():
            raise NewStart

    async def _stop(
        self,
        devices: asyncio.Task[Any],
        keeping: asyncio.Task[Any],
        rest: list[asyncio.Task[Any]],
    ) -> None:
        """What technicians do, which may hold devices; then these, then the journal, then what the
        network still takes, then goodbye.
        """
        await cancel([one for one in rest if one.get_name() == "console"])
        await cancel([devices])
        await self._keeper.finish()
        await asyncio.gather(keeping, return_exceptions=True)
        self._uplink.wake()
        with contextlib.suppress(TimeoutError):
            if self._client.is_connected:
                async with asyncio.timeout(self._config.edge.drain_s):
                    await self._uplink.drained()
        self._announcer.since_now()
        await self._announcer.try_to_tell(self._client, "offline", "stopped")
        await cancel(rest)
        await self._keeper.close()
        _log.info("agent_stopped", unconfirmed=self._uplink.backlog, refused=self._keeper.refused)

    # ---- parts -----------------------------------------------------------------------------
    def _vital_signs(self) -> Vitals:
        return Vitals(
            self._config, devices=self.fleet.each, keeper=self._keeper, uplink=self._uplink,
            connected=lambda: self._client.is_connected,
            condition=lambda: self._condition()[1:], time=self._time,
        )  # fmt: skip

    def _bench(self, settings_file: Path | None, logs: LogRing | None) -> Bench:
        return Bench(
            config=self._config, settings_file=settings_file, fleet=self.fleet, health=self._health,
            time=self._time, logs=logs or LogRing(), journal=self._keeper.stats,
            uplink=self._road, restart=self._begin_anew, now=self._vitals.now,
        )  # fmt: skip

    def _supervisor(self, device: DeviceConfig) -> Supervisor:
        data_dir = self._config.edge.data_dir
        return Supervisor(
            device.name,
            device.read_point,
            build_driver=lambda: build_driver(device),
            build_folder=lambda: Folder(
                device.name, device.read_point, device.fold, plate=device.plate
            ),
            describe=lambda at_us: describe(device, at_us, newest(data_dir, device.name)),
            keep=self._keeper.keep,
            time_source=self._time,
            health_every_s=self._config.edge.health_every_s,
        )

    def _committed(self, bodies: Sequence[bytes]) -> None:
        self._uplink.wake()
        self._live.take(bodies, self._keeper.chapters[-1])

    async def _on_connected(self) -> None:
        self._announcer.since_now()
        try:
            await self._announcer.tell(self._client, "online", self._fill.sentence)
        except PublishRefused as refused:
            _log.error("presence_refused", why=str(refused))
        self._uplink.connected()
        self._news.set()

    async def _listen(self) -> None:
        """Take watermarks and asks in; each is acknowledged at once: the newest watermark is
        retained, and who asks asks again.
        """
        edge = self._config.edge
        try:
            await self._client.subscribe(topics.watermark(edge.site, edge.name))
        except SubscribeRefused as refused:
            _log.error("watermark_refused", why=str(refused))
        try:
            await self._client.subscribe(self.console.topic_filter)
        except SubscribeRefused as refused:
            _log.error("asks_refused", why=str(refused))
        async for message in self._client.messages():
            if not self.console.take(message):
                self._uplink.watermark(message.payload)
            message.ack()

    # ---- the agent's own health --------------------------------------------------------------
    async def _say_health(self) -> None:
        """On news at once, else every ``health_every_s``, with the counters."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._config.edge.health_every_s):
                    await self._news.wait()
            fresh = self._news.is_set()
            self._news.clear()
            stats = await self._keeper.stats()
            await self._watch_fill(stats)
            state, cause, hint = self._condition()
            now_us = self._time.now_us()
            counters = self._counters(stats)
            told = self._health.turn(state, now_us, cause=cause, hint=hint, counters=counters)
            if told is None and not fresh:
                told = self._health.say(now_us, counters)
            if told is not None:
                await self._keeper.keep([told])

    async def _watch_fill(self, stats: JournalStats) -> None:
        """Raise or take back the alarm: in the log, and at central beside our presence, as
        everything else waits behind the backlog.
        """
        before, told = self._fill.cause, self._fill.sentence
        given_up = stats.dropped + self._keeper.refused
        level = Level(stats.bytes_on_disk, stats.limit_bytes, given_up)
        self._fill.look(level, self._time.steady_s())
        if self._fill.cause and self._fill.cause != before:
            _log.error("journal_alarm", cause=self._fill.sentence, hint=self._fill.hint)
        elif before and not self._fill.cause:
            _log.info("journal_alarm_over", was=before)
        if self._fill.sentence != told:
            notify.notify(f"STATUS={self._fill.sentence or 'running'}")
            await self._announcer.try_to_tell(self._client, "online", self._fill.sentence)

    def _condition(self) -> tuple[str, str, str]:
        """State, cause and hint, worst first; a journal that fills up is told with any of them."""
        state, cause, hint = self._without_fill()
        if not self._fill.cause or state == "refused":
            return state, cause, hint
        return state, "; ".join(filter(None, (self._fill.cause, cause))), hint or self._fill.hint

    def _without_fill(self) -> tuple[str, str, str]:
        if self._keeper.trouble:
            return "refused", self._keeper.trouble, "free disk space, or raise journal.max_mib"
        if self._keeper.starved:
            return "retrying", self._keeper.starved, "something on this machine takes all of it"
        if self._uplink.fenced:
            return "refused", self._uplink.trouble, self._uplink.hint
        if self._uplink.trouble:
            return "retrying", self._uplink.trouble, self._uplink.hint
        if not self._client.is_connected and self._client.last_error:
            return "retrying", self._client.last_error, "nothing is lost: the journal keeps all"
        return "running", "", ""

    def _counters(self, stats: JournalStats) -> dict[str, int]:
        keeper = self._keeper
        return {
            **self._uplink.counters,
            **self._live.counters,
            **self.console.counters,
            "kept": keeper.kept,
            "commits": keeper.commits,
            "refused": keeper.refused,
            "unsound": keeper.unsound,
            "journal_dropped": stats.dropped,
            "clock_steps": self._time.steps,
        }

    def _begin_anew(self, why: str) -> None:
        _log.warning("restart_asked", why=why)
        self._restart.set()

    def _road(self) -> dict[str, Any]:
        """The road to central, for people."""
        return {
            "connected": self._client.is_connected,
            "broker": self._config.mqtt.address,
            "trouble": self._uplink.trouble or ("" if self._client.is_connected
                                                else self._client.last_error),
            "backlog": self._uplink.backlog,
            "counters": {**self._uplink.counters, **self._live.counters, **self.console.counters},
        }  # fmt: skip
