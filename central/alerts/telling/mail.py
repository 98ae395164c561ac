"""Mail: one message to all addresses of a channel, over the site's own mail server."""

from __future__ import annotations

import asyncio
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr

from central.alerts.model import Channel
from central.alerts.telling.ways import NotTaken
from central.alerts.telling.words import Message, said, severest
from central.config import MailSection
from central.database.moments import from_us

__all__ = ["Mail", "composed"]

_TIMEOUT_S = 20.0


class Mail:
    """``url`` is where central answers, for links."""

    def __init__(self, settings: MailSection, url: str) -> None:
        self._settings = settings
        self._url = url

    async def send(self, channel: Channel, secret: str, message: Message) -> str:
        """See ``Way``: addresses that are refused beside others that are not are named."""
        del secret
        if not self._settings.host:
            raise NotTaken("no mail server is set: give [mail] host")
        mail = composed(channel, message, self._settings.sender, self._url)
        try:
            refused = await asyncio.to_thread(self._deliver, mail)
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _said in error.recipients.values()]
            final = all(code >= 500 for code in codes)
            raise NotTaken(f"the server refuses {_named(error.recipients)}", final=final) from error
        except smtplib.SMTPAuthenticationError as error:
            raise NotTaken(f"the server refuses the login: {_told(error)}") from error
        except smtplib.SMTPResponseException as error:
            raise NotTaken(_told(error), final=error.smtp_code >= 550) from error
        except (smtplib.SMTPException, OSError) as error:
            where = f"{self._settings.host}:{self._settings.port}"
            raise NotTaken(f"{where}: {type(error).__name__}: {error}") from error
        return f"refused: {_named(refused)}" if refused else ""

    def _deliver(self, mail: EmailMessage) -> dict[str, tuple[int, bytes]]:
        held = self._settings
        trusted = ssl.create_default_context(cafile=held.ca_file)
        if held.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                held.host, held.port, timeout=_TIMEOUT_S, context=trusted
            )
        else:
            server = smtplib.SMTP(held.host, held.port, timeout=_TIMEOUT_S)
        with server:
            if held.security == "starttls":
                server.starttls(context=trusted)
            if held.username is not None:
                assert held.password is not None, "the settings ask for both"
                server.login(held.username, held.password.get_secret_value())
            return server.send_message(mail)


def composed(channel: Channel, message: Message, sender: str, url: str) -> EmailMessage:
    """A message as mail. The same message is the same mail, to its ``Message-ID`` and date."""
    words = said(message, url)
    mail = EmailMessage()
    mail["Subject"] = words.subject
    mail["From"] = sender
    mail["To"] = ", ".join(channel.to)
    mail["Date"] = format_datetime(from_us(message.made_us))
    domain = parseaddr(sender)[1].rpartition("@")[2] or "tallyport"
    mail["Message-ID"] = f"<{message.id}@{domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    if severest(message.told) == "critical":
        mail["Importance"] = "high"
    mail.set_content(words.text)
    mail.add_alternative(words.html, subtype="html")
    mail.set_boundary(f"=_{message.id}")  # else another one each time
    return mail


def _told(error: smtplib.SMTPResponseException) -> str:
    return f"{error.smtp_code} {_text(error.smtp_error)}"[:300]


def _named(refused: dict[str, tuple[int, bytes]]) -> str:
    parts = (f"{who} ({code} {_text(why)})" for who, (code, why) in refused.items())
    return ", ".join(parts)[:300]


def _text(said_: bytes | str) -> str:
    return said_.decode("utf-8", "replace") if isinstance(said_, bytes) else said_
