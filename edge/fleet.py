"""The devices of a running agent: each has its supervisor, which may come and go meanwhile.

A change of the settings starts, stops or replaces only the devices that differ; the others are
not disturbed. A device may be held: its supervisor steps aside, so that somebody else may use
its port or its reader, and comes back whatever happens.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import MappingProxyType

import structlog

from edge.config import DeviceConfig
from edge.supervisor import Supervisor

_log = structlog.get_logger("edge.fleet")

MakeSupervisor = Callable[[DeviceConfig], Supervisor]


class UnknownDevice(LookupError):
    """There is no device of this name; the message names those there are."""


class Held(RuntimeError):
    """Somebody else holds this device already; the message says for what."""


@dataclass(frozen=True, slots=True)
class Changed:
    """What a change of the settings came to, by names of devices."""

    added: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.replaced or self.removed)


@dataclass(slots=True)
class _Seat:
    """One device, who watches over it, and the task in which that happens, unless it is held."""

    device: DeviceConfig
    supervisor: Supervisor
    task: asyncio.Task[None] | None = None


class Fleet:
    """All devices. ``run`` starts them, and ends by cancellation or by a fault."""

    def __init__(self, devices: Sequence[DeviceConfig], make: MakeSupervisor) -> None:
        self._make = make
        self._seats = {device.name: _Seat(device, make(device)) for device in devices}
        self._running = False
        self._changing = asyncio.Lock()
        self._news = asyncio.Event()

    @property
    def devices(self) -> tuple[DeviceConfig, ...]:
        """The settings of every device, in the order of the file."""
        return tuple(seat.device for seat in self._seats.values())

    @property
    def supervisors(self) -> Mapping[str, Supervisor]:
        """Who watches over each device, by its name."""
        return MappingProxyType({name: seat.supervisor for name, seat in self._seats.items()})

    def each(self) -> list[tuple[DeviceConfig, Supervisor]]:
        """Every device with who watches over it."""
        return [(seat.device, seat.supervisor) for seat in self._seats.values()]

    def held_for(self, name: str) -> str:
        """For what a device is held, in words; empty where it is not. Raises ``UnknownDevice``."""
        return self._seat(name).supervisor.held_for

    async def run(self) -> None:
        """Run every device until cancelled. What ends unasked is raised, named for the device."""
        self._running = True
        for seat in self._seats.values():
            self._start(seat)
        news: asyncio.Task[bool] | None = None
        try:
            while True:
                self._news.clear()
                news = asyncio.create_task(self._news.wait())
                tasks = {seat.task for seat in self._seats.values() if seat.task is not None}
                await asyncio.wait({news, *tasks}, return_when=asyncio.FIRST_COMPLETED)
                news.cancel()
                for seat in self._seats.values():
                    if seat.task is not None and seat.task.done():
                        raise _ended(seat.task)
        finally:
            self._running = False
            if news is not None:
                news.cancel()
            await _cancel([seat.task for seat in self._seats.values()])

    async def change(self, devices: Sequence[DeviceConfig]) -> Changed:
        """Have exactly these devices from now on; those that are as they were go on undisturbed.

        Raises ``Held`` when one that would stop is held just now.
        """
        async with self._changing:
            wanted = {device.name: device for device in devices}
            removed = [name for name in self._seats if name not in wanted]
            replaced = [
                name
                for name, device in wanted.items()
                if name in self._seats and self._seats[name].device != device
            ]
            added = [name for name in wanted if name not in self._seats]
            for name in [*removed, *replaced]:
                self._free(name)
            # All stop before one starts: a new device may want the port of an old one.
            await self._stop([self._seats[name] for name in [*removed, *replaced]])
            fresh = {name: self._make(wanted[name]) for name in [*replaced, *added]}
            self._seats = {
                name: _Seat(device, fresh[name]) if name in fresh else self._seats[name]
                for name, device in wanted.items()
            }
            for name in fresh:
                self._start(self._seats[name])
            changed = Changed(tuple(added), tuple(replaced), tuple(removed))
            if changed:
                _log.info("devices_changed", added=added, replaced=replaced, removed=removed)
            return changed

    @asynccontextmanager
    async def hold(self, name: str, why: str = "a technician") -> AsyncIterator[DeviceConfig]:
        """Have a device for yourself: its supervisor stops, and starts again at the end.

        ``why`` is for people who look meanwhile. Raises ``UnknownDevice``, or ``Held`` where
        somebody else has it.
        """
        async with self._changing:
            seat = self._free(name)
            seat.supervisor.held_for = why
            try:
                await self._stop([seat])
            except BaseException:
                self._give_back(seat)
                raise
        _log.info("device_held", device=name, why=why)
        try:
            yield seat.device
        finally:
            self._give_back(seat)

    # ---- seats ------------------------------------------------------------------------------
    def _seat(self, name: str) -> _Seat:
        if name not in self._seats:
            known = ", ".join(self._seats) or "none"
            raise UnknownDevice(f'there is no device "{name}"; there are: {known}')
        return self._seats[name]

    def _free(self, name: str) -> _Seat:
        seat = self._seat(name)
        if seat.supervisor.held_for:
            raise Held(f"{name} is in use for {seat.supervisor.held_for}: end that first")
        return seat

    def _give_back(self, seat: _Seat) -> None:
        seat.supervisor.held_for = ""
        self._start(seat)

    def _start(self, seat: _Seat) -> None:
        if self._running and (seat.task is None or seat.task.done()):
            name = f"device {seat.device.name}"
            seat.task = asyncio.create_task(seat.supervisor.run(), name=name)
            self._news.set()

    async def _stop(self, seats: Sequence[_Seat]) -> None:
        tasks = [seat.task for seat in seats]
        for seat in seats:
            seat.task = None
        self._news.set()
        await _cancel(tasks)


class DeviceEnded(Exception):
    """A supervisor ended, which it never does by itself; the text says whose and why."""


async def _cancel(tasks: Sequence[asyncio.Task[None] | None]) -> None:
    running = [task for task in tasks if task is not None]
    for task in running:
        if not task.cancelling():  # a second one would cut a driver's goodbye short
            task.cancel()
    waiting = asyncio.gather(*running, return_exceptions=True)
    try:
        await asyncio.shield(waiting)
    except asyncio.CancelledError:
        await waiting  # who is told to hurry still waits: a port is free when its driver is gone
        raise


def _ended(task: asyncio.Task[None]) -> DeviceEnded:
    if task.cancelled():
        return DeviceEnded(f"{task.get_name()} was cancelled")
    error = task.exception()
    ended = DeviceEnded(f"{task.get_name()} ended: {error or 'without an error'}")
    ended.__cause__ = error
    return ended
