"""How an LLRP reader is reached: it is dialled, or it dials in; in clear, or by TLS. Pure."""

from __future__ import annotations

import string
from pathlib import Path
from typing import Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

_STRICT = ConfigDict(frozen=True, extra="forbid")
PORT, TLS_PORT = 5084, 5085
"""LLRP's port, and the one for LLRP in TLS: documented for Impinj's R700, tried on no reader."""


class TlsSettings(BaseModel):
    """``ca_file`` holds the authority that signed the reader's certificate, or a self-signed
    certificate of the reader itself; without it the system's authorities count. ``certificate``
    and ``key`` are ours, for readers that want to know who connects; an edge that readers dial in
    to needs them. ``server_name`` is the name in the reader's certificate where it is not the
    ``host``. All files are PEM.
    """

    model_config = _STRICT

    ca_file: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    server_name: str | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("tls.certificate and tls.key belong together: give both or neither")
        return self


class ListenSettings(BaseModel):
    """The reader dials in to ``port``, at ``address`` of this computer (all of them if empty).

    Devices may share a port when each says whose call it takes: ``host`` is the address that its
    reader calls from, ``reader_id`` the identity in its LLRP configuration: hexadecimal digits,
    a MAC address being as good as the EUI-64 made of it. With neither, any reader is welcome.
    """

    model_config = _STRICT

    port: int = Field(default=PORT, ge=1, le=65_535)
    address: str = ""
    reader_id: str | None = None
    patience_s: float = Field(default=60.0, gt=0, le=3600)

    @field_validator("reader_id")
    @classmethod
    def _is_hexadecimal(cls, value: str | None) -> str | None:
        if value is None:
            return None
        digits = plain_id(value)
        if not digits or len(digits) % 2 or not set(digits) <= set(string.hexdigits):
            raise ValueError('reader_id is hexadecimal, such as "00:16:25:11:25:D6"')
        return value


def plain_id(written: str) -> str:
    """An identity without what people write between its digits."""
    return written.translate(str.maketrans("", "", ":-. ")).upper()


def same_reader(written: str, identity: bytes) -> bool:
    """Whether the identity of LLRP's Identification is the one written in the settings."""
    wanted = bytes.fromhex(plain_id(written))
    if len(wanted) != 6 or len(identity) != 8:
        return wanted == identity
    # EUI-64 of a MAC address: FFFF (Impinj, as captured) or FFFE between its halves, or padded.
    halves = identity[:3] + identity[5:], identity[3:5]
    return halves in ((wanted, b"\xff\xff"), (wanted, b"\xff\xfe")) or identity == b"\0\0" + wanted


def _usual_port(given: dict[str, Any]) -> int:
    return TLS_PORT if given.get("tls") is not None else PORT


class LinkSettings(BaseModel):
    """``host`` and ``port`` of the reader, or ``listen`` where it dials in; ``tls`` for either."""

    model_config = _STRICT

    listen: ListenSettings | None = None
    host: str | None = Field(default=None, min_length=1, validate_default=True)
    tls: TlsSettings | None = None
    port: int = Field(default_factory=_usual_port, ge=1, le=65_535)
    connect_timeout_s: float = Field(default=5.0, gt=0, le=120)

    @field_validator("host")
    @classmethod
    def _leads_to_the_reader(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None and info.data.get("listen") is None:
            raise ValueError("the reader's address is needed (or listen, if it dials in)")
        return value

    @model_validator(mode="after")
    def _is_one_or_the_other(self) -> Self:
        if self.listen is not None and "port" in self.model_fields_set:
            raise ValueError("with listen, the port is listen.port: leave port out")
        if self.listen is not None and self.tls is not None and self.tls.certificate is None:
            raise ValueError(
                "with listen, tls needs tls.certificate and tls.key: we are the server"
            )
        return self

    @property
    def where(self) -> str:
        """The reader's place in words."""
        if self.listen is None:
            return f"{self.host}:{self.port}"
        who = self.listen.reader_id or self.host or "any reader"
        return f"port {self.listen.port} here ({who})"
