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
from collections.abc import Coroutine, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import structlog

from edge import notify
from edge.backoff import Backoff
from edge.config import DeviceConfig, EdgeConfig
from edge.describing import describe
from edge.device_brokers import build_driver
from edge.fill import Fill, Level
from edge.fleet import DeviceEnded, Fleet
from edge.fold import Folder
from edge.fold.moments import moment
from edge.health import Health
from edge.journal import Journal, JournalLimits, JournalStats
from edge.keeper import Keep, Keeper
from edge.live import LiveLane
from edge.supervisor import Supervisor
from edge.uplink import Uplink, UplinkSettings
from edge.walltime import WallTime
from gateway import codec, topics
from gateway.clock import Clock
from gateway.contract import Presence
from gateway.link import MakeLink
from gateway.mqtt import MqttClient, NotConnected, PublishRefused, SubscribeRefused, Will

_log = structlog.get_logger("edge.agent")
_FAREWELL_S = 2.0


class AgentFault(Exception):
    """A part of the agent ended that must not; the text says which and why."""


async def run(config: EdgeConfig, *, stop: asyncio.Event | None = None) -> None:
    """Run until SIGTERM or SIGINT (or ``stop`` is set), then end in order.

    Raises ``AgentFault`` when a part ended by itself, after everything heard was kept.
    """
    stop = stop or asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            loop.add_signal_handler(name, stop.set)
    limits = JournalLimits(
        max_bytes=config.journal.max_mib * 2**20,
        segment_rows=config.journal.segment_rows,
        segment_bytes=config.journal.segment_mib * 2**20,
        when_full=config.journal.when_full,
        memory_mib=config.journal.memory_mib,
    )
    journal = await asyncio.to_thread(Journal.open, config.edge.data_dir / "journal", limits)
    await Agent(config, journal).run(stop)


class Agent:
    """All parts of one running edge. The journal belongs to the agent, which closes it."""

    def __init__(
        self,
        config: EdgeConfig,
        journal: Journal,
        *,
        clock: Clock | None = None,
        link: MakeLink = MqttClient,
        backoff: Backoff | None = None,
    ) -> None:
        self._config = config
        self._journal = journal
        edge, uplink = config.edge, config.uplink
        self._time = WallTime(clock)
        self._since_us = self._time.now_us()
        self._keeper = Keeper(
            journal,
            commit_every_ms=config.journal.commit_every_ms,
            commit_every=config.journal.commit_every,
        )
        self._client = link(
            config.mqtt_settings(),
            will=Will(
                topics.status(edge.site, edge.name),
                self._presence("offline", "the connection was lost"),
                retain=True,
            ),
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
        self._tell_recovery()
        devices = _task("devices", self.fleet.run())
        keeping = _task("keeper", self._keeper.run())
        rest = [
            _task("uplink", self._uplink.run()),
            _task("live lane", self._live.run()),
            _task("mqtt", self._client.run()),
            _task("watermarks", self._listen()),
            _task("health", self._say_health()),
        ]
        watchdog = _task("watchdog", notify.watchdog())
        stopping = _task("stop", stop.wait())
        notify.notify("READY=1")
        _log.info("agent_runs", edge=self._config.edge.name, devices=len(self.fleet.devices))
        parts = [devices, keeping, *rest]
        await asyncio.wait([stopping, *parts], return_when=asyncio.FIRST_COMPLETED)
        notify.notify("STOPPING=1")
        ended = [part for part in parts if part.done()]
        await self._stop(devices, keeping, rest)
        await _cancel([watchdog, stopping])
        if ended:
            raise _fault(ended[0])

    async def _stop(
        self,
        devices: asyncio.Task[Any],
        keeping: asyncio.Task[Any],
        rest: list[asyncio.Task[Any]],
    ) -> None:
        """Devices first, then the journal, then what the network still takes, then goodbye."""
        await _cancel([devices])
        await self._keeper.finish()
        await asyncio.gather(keeping, return_exceptions=True)
        self._uplink.wake()
        with contextlib.suppress(TimeoutError):
            if self._client.is_connected:
                async with asyncio.timeout(self._config.edge.drain_s):
                    await self._uplink.drained()
        self._since_us = self._time.now_us()
        await self._announce("offline", "stopped")
        await _cancel(rest)
        await self._keeper.close()
        _log.info("agent_stopped", unconfirmed=self._uplink.backlog, refused=self._keeper.refused)

    # ---- parts -----------------------------------------------------------------------------
    def _supervisor(self, device: DeviceConfig) -> Supervisor:
        return Supervisor(
            device.name,
            device.read_point,
            build_driver=lambda: build_driver(device),
            build_folder=lambda: Folder(
                device.name, device.read_point, device.fold, plate=device.plate
            ),
            describe=lambda at_us: describe(device, at_us),
            keep=self._keeper.keep,
            time_source=self._time,
            health_every_s=self._config.edge.health_every_s,
        )

    def _committed(self, bodies: Sequence[bytes]) -> None:
        self._uplink.wake()
        self._live.take(bodies, self._keeper.chapters[-1])

    async def _on_connected(self) -> None:
        self._since_us = self._time.now_us()
        try:
            await self._announce_now("online", self._fill.sentence)
        except PublishRefused as refused:
            _log.error("presence_refused", why=str(refused))
        self._uplink.connected()
        self._news.set()

    async def _listen(self) -> None:
        """Take watermarks in; each is acknowledged at once, because the newest one is retained."""
        edge = self._config.edge
        try:
            await self._client.subscribe(topics.watermark(edge.site, edge.name))
        except SubscribeRefused as refused:
            _log.error("watermark_refused", why=str(refused))
        async for message in self._client.messages():
            self._uplink.watermark(message.payload)
            message.ack()

    async def _announce(self, state: str, reason: str) -> None:
        """Say where we stand, if anybody can hear it now."""
        if not self._client.is_connected:
            return
        with contextlib.suppress(NotConnected, PublishRefused, TimeoutError):
            async with asyncio.timeout(_FAREWELL_S):
                await self._announce_now(state, reason)

    async def _announce_now(self, state: str, reason: str) -> None:
        edge = self._config.edge
        await self._client.publish(
            topics.status(edge.site, edge.name), self._presence(state, reason), retain=True
        )

    def _presence(self, state: str, reason: str) -> bytes:
        return codec.encode_presence(
            Presence(
                edge=self._config.edge.name,
                state=state,
                since=moment(self._since_us),
                version=_version(),
                reason=reason,
            )
        )

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
            await self._announce("online", self._fill.sentence)

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
            "kept": keeper.kept,
            "commits": keeper.commits,
            "refused": keeper.refused,
            "unsound": keeper.unsound,
            "journal_dropped": stats.dropped,
            "clock_steps": self._time.steps,
        }

    def _tell_recovery(self) -> None:
        found = self._journal.recovery
        if found.repaired or found.quarantined:
            _log.warning(
                "journal_recovered", repaired=found.repaired, quarantined=found.quarantined
            )
        limits = self._journal.limits
        _log.info(
            "journal_open", epoch=self._journal.epoch, when_full=limits.when_full,
            max_mib=limits.max_bytes // 2**20,
            waiting=[chapter._asdict() for chapter in self._journal.chapters[:-1]],
        )  # fmt: skip


def _task(name: str, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
    return asyncio.create_task(work, name=name)


async def _cancel(tasks: list[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _fault(ended: asyncio.Task[Any]) -> AgentFault:
    if ended.cancelled():
        return AgentFault(f"{ended.get_name()} was cancelled")
    error = ended.exception()
    if error is not None:
        _log.error("part_failed", part=ended.get_name(), exc_info=error)
    if isinstance(error, DeviceEnded):
        fault = AgentFault(str(error))
    else:
        fault = AgentFault(f"{ended.get_name()} ended: {error or 'without an error'}")
    fault.__cause__ = error
    return fault


def _version() -> str:
    try:
        return version("tallyport")
    except PackageNotFoundError:
        return ""
