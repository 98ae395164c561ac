"""Where a device's bytes come from: a serial port, or a TCP connection. A protocol never knows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Protocol, Self

from pydantic import Field, model_validator

from drivers.driver import Tap
from drivers.serial_line import LineFormat, LineSettings, open_line
from drivers.tcp_line import open_tcp


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
    number of a TCP port there, and the settings of the serial line mean nothing.
    """

    port: Annotated[str, Field(min_length=1)] | Annotated[int, Field(ge=1, le=65_535)]
    host: Annotated[str, Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _fit(self) -> Self:
        if self.host is not None and isinstance(self.port, str):
            raise ValueError("with a host, port is the number of a TCP port, such as 4001")
        if self.host is None and isinstance(self.port, int):
            raise ValueError("port is a number: give the host too, or the path of a serial port")
        return self

    @property
    def where(self) -> str:
        """The device's place in words."""
        return str(self.port) if self.host is None else f"{self.host}:{self.port}"


@asynccontextmanager
async def open_transport(
    settings: TransportSettings, *, tap: Tap | None = None
) -> AsyncIterator[Transport]:
    """Open the line, and close it at the end whatever happens.

    Raises ``DeviceUnavailable`` with a hint when it cannot be opened.
    """
    if settings.host is not None:
        async with open_tcp(settings.host, int(settings.port), tap=tap) as connection:
            yield connection
        return
    names = LineFormat.model_fields
    serial = LineSettings(
        port=str(settings.port), **{name: getattr(settings, name) for name in names}
    )
    with open_line(serial, tap=tap) as line:
        yield line
