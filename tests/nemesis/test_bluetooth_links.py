"""A Bluetooth link that drops, a battery that dies: told, heard again, and nobody else's harm."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from drivers import registry
from drivers.emulators.ble_air import Air, air
from drivers.emulators.ble_scale import EmulatedBleScale
from drivers.transports import ble_link, ble_radio
from edge.backoff import Backoff
from edge.fold import Folder, FoldSettings
from edge.fold.moments import moment
from edge.supervisor import Supervisor
from edge.walltime import WallTime
from gateway.contract import DeviceDescribed, DeviceHealth, Observation, WeightSettled
from tests.edge.waiting import until

LONG_S = 60.0


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a starved machine the emulated radio may be slower than any real one."""
    monkeypatch.setattr(ble_link, "WRITE_TIMEOUT_S", LONG_S)
    monkeypatch.setattr(ble_radio, "CONNECT_TIMEOUT_S", LONG_S)


class Plate:
    """An emulated scale and the edge's supervisor of it, with waits that suit a test."""

    def __init__(self, number: int, room: Air) -> None:
        self.scale = EmulatedBleScale(
            "ble-decent",
            room,
            address=f"C0:00:00:00:03:{number:02X}",
            name=f"plate-{number}",
            seed=number,
        )
        self.scale.patience_s = LONG_S
        self.kept: list[Observation] = []
        self._number = number

    def supervisor(self) -> Supervisor:
        kind = registry.load("ble-decent")
        config = kind.Config(
            address=self.scale.address, away_timeout_s=0.5, silence_timeout_s=LONG_S
        )
        return Supervisor(
            self.scale.name,
            "shelf-1",
            build_driver=lambda: kind(config),
            build_folder=lambda: Folder(
                self.scale.name, "shelf-1", FoldSettings(), plate=self._number
            ),
            describe=lambda at: DeviceDescribed(
                device=self.scale.name, read_point="shelf-1", event_time=moment(at), driver="ble"
            ),
            keep=self._keep,
            time_source=WallTime(),
            backoff=Backoff(first_s=0.1, most_s=0.5),
        )

    async def _keep(self, observations: Sequence[Observation]) -> None:
        self.kept += observations

    @property
    def health(self) -> list[DeviceHealth]:
        return [one for one in self.kept if isinstance(one, DeviceHealth)]

    @property
    def states(self) -> list[str]:
        return [one.state for one in self.health]

    async def settles(self, load_g: int) -> None:
        """Put so much on, and wait until the edge has it."""
        self.scale.set_load_g(load_g)

        def there() -> bool:
            settled = [one for one in self.kept if isinstance(one, WeightSettled)]
            return bool(settled) and abs(settled[-1].gross_mg - load_g * 1000) < 10_000

        await until(there, f"{load_g} g on {self.scale.name}")

    async def told(self, cause: str) -> DeviceHealth:
        """Wait until this is told, and give it."""

        def those() -> list[DeviceHealth]:
            return [one for one in self.health if one.state == "retrying" and cause in one.cause]

        await until(lambda: bool(those()), cause)
        return those()[0]

    async def runs(self) -> None:
        await until(lambda: self.states[-1:] == ["running"], f"{self.scale.name} to run")


@asynccontextmanager
async def shelf() -> AsyncIterator[list[Plate]]:
    async with air() as room:
        plates = [Plate(number, room) for number in (1, 2)]
        for plate in plates:
            await plate.scale.switch_on()
        running = [asyncio.create_task(plate.supervisor().run()) for plate in plates]
        try:
            for plate in plates:
                await plate.runs()
            yield plates
            assert not any(task.done() for task in running)
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            for plate in plates:
                await plate.scale.switch_off()


async def test_a_bluetooth_link_that_drops_and_a_battery_that_dies() -> None:
    async with shelf() as (plate, other):
        await plate.scale.drop()
        assert "Is it switched on" in (await plate.told("link to C0:00:00:00:03:01 dropped")).hint
        await plate.runs()

        await plate.scale.switch_off()
        away = await plate.told("C0:00:00:00:03:01 was not heard within 0.5 s")
        assert "A connected device cannot be found" in away.hint
        plate.scale.set_load_g(300)  # while nobody hears it
        await plate.scale.switch_on()
        await plate.runs()
        await plate.settles(300)

        await other.settles(700)
        assert other.states == ["starting", "running"]
