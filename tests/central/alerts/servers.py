"""Real servers that people are told by: one for mail, one for a push service."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from central.config import MailSection
from gateway.certificates import Authority

SENDER = "Tallyport <tallyport@shop.example>"
USER, PASSWORD = "central", "not-to-be-seen"


class MailServer:
    """Takes mail by STARTTLS and login only. ``refuses`` are answers to come, oldest first."""

    def __init__(self, folder: Path) -> None:
        self.settings = MailSection()
        self.mail: list[EmailMessage] = []
        self.raw: list[bytes] = []
        self.refuses: list[str] = []
        self.unknown: set[str] = set()
        self._folder = folder

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.unknown:
            return "550 5.1.1 nobody of that name"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert session.ssl is not None
        assert session.authenticated
        if self.refuses:
            return self.refuses.pop(0)
        assert isinstance(envelope.content, bytes)
        self.raw.append(envelope.content)
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mail.append(mail)
        return "250 taken"

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        right = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=right, handled=False)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        Authority.create(self._folder, "the test's own").server(["localhost"]).write(
            self._folder, "mail"
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._folder / "mail.pem", self._folder / "mail.key")
        server = await asyncio.get_running_loop().create_server(
            lambda: SMTP(
                self, hostname="localhost", tls_context=context, require_starttls=True,
                authenticator=self.authenticate, auth_required=True,
            ),
            "127.0.0.1",
        )  # fmt: skip
        self.settings = MailSection.model_validate(
            {
                "host": "localhost", "port": server.sockets[0].getsockname()[1], "username": USER,
                "password": PASSWORD, "sender": SENDER, "ca_file": self._folder / "ca.pem",
            }
        )  # fmt: skip
        async with server:
            yield


class PushServer:
    """An HTTP server that keeps what it is sent and answers ``status``."""

    def __init__(self) -> None:
        self.status = 200
        self.port = 0
        self.heard: list[tuple[str, bytes]] = []

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next(
            int(line.split(":")[1])
            for line in head.splitlines()
            if line.lower().startswith("content-length")
        )
        self.heard.append((head, await reader.readexactly(length)))
        answer = f"HTTP/1.1 {self.status} X\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{{}}"
        writer.write(answer.encode())
        await writer.drain()
        writer.close()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        server = await asyncio.start_server(self._serve, "127.0.0.1")
        self.port = server.sockets[0].getsockname()[1]
        async with server:
            yield
