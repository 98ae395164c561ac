"""Where a device's bytes come from: a serial port, a TCP connection, an MQTT or Bluetooth bridge.

A protocol never knows.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Protocol, Self

from pydantic import Field, model_validator

from drivers.driver import Tap
from drivers.transports.ble_uart import BlePlace, open_uart
from drivers.transports.mqtt_line import MqttPlace, open_mqtt
from drivers.transports.serial_line import LineFormat, LineSettings, open_line
from drivers.transports.tcp_line import open_tcp


class Transport(Protocol):
    """A line to a device, whatever carries it."""

    bytes_read: int

    async def read(self, timeout_s: float | None = None) -> bytes:
        """Wait for bytes; ``b""`` when none came within the timeout."""
        ...

    async def write(self, data: bytes) -> None:
        """Send all of ``data``."""
        ...


class TransportSettings(LineFormat):
    """``port`` alone is a serial port (best below ``/dev/serial/by-id``); with a ``host`` it is the
    number of a TCP port there, and the settings of the serial line mean nothing. ``mqtt`` or
    ``ble`` instead of both is a bridge that carries the line.
    """

    port: Annotated[str, Field(min_length=1)] | Annotated[int, Field(ge=1, le=65_535)] | None = None
    host: Annotated[str, Field(min_length=1)] | None = None
    mqtt: MqttPlace | None = None
    ble: BlePlace | None = None

    @model_validator(mode="after")
    def _fit(self) -> Self:
        bridges = [name for name in ("mqtt", "ble") if getattr(self, name) is not None]
        if bridges:
            beside = [*bridges[1:], *(one for one in ("port", "host") if getattr(self, one))]
            if beside:
                raise ValueError(
                    f"{bridges[0]} carries the line: there is no {beside[0]} beside it"
                )
            return self
        if self.port is None:
            raise ValueError("port is needed: the path of a serial port, or with a host a number")
        if self.host is not None and isinstance(self.port, str):
            raise ValueError("with a host, port is the number of a TCP port, such as 4001")
        if self.host is None and isinstance(self.port, int):
            raise ValueError("port is a number: give the host too, or the path of a serial port")
        return self

    @property
    def is_serial(self) -> bool:
        """Whether the settings of the serial line are this computer's affair."""
        return isinstance(self.port, str)

    @property
    def where(self) -> str:
        """The device's place in words."""
        if (bridge := self.mqtt or self.ble) is not None:
            return bridge.place
        return str(self.port) if self.host is None else f"{self.host}:{self.port}"


@asynccontextmanager
async def open_transport(
    settings: TransportSettings, *, tap: Tap | None = None
) -> AsyncIterator[Transport]:
    """Open the line, and close it at the end whatever happens.

    Raises ``DeviceUnavailable`` with a hint when it cannot be opened.
    """
    if settings.mqtt is not None:
        async with open_mqtt(settings.mqtt, tap=tap) as bridge:
            yield bridge
        return
    if settings.ble is not None:
        async with open_uart(settings.ble, tap=tap) as link:
            yield link
        return
    if settings.host is not None:
        assert isinstance(settings.port, int), "checked with the settings"
        async with open_tcp(settings.host, settings.port, tap=tap) as connection:
            yield connection
        return
    names = LineFormat.model_fields
    serial = LineSettings(
        port=str(settings.port), **{name: getattr(settings, name) for name in names}
    )
    with open_line(serial, tap=tap) as line:
        yield line
