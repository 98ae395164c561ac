"""TLS towards an LLRP reader: its settings made ready, and its refusals in words for people."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from drivers.errors import DeviceRefused
from drivers.llrp.link_settings import TlsSettings

_Made = TypeVar("_Made")
_CHECK_CLOCKS = "Look at the clocks of the reader and of this computer, and renew it if it is due."
# Reasons of OpenSSL's X509_verify_cert (x509_vfy.h) by number, as Python hands them out.
_VERIFY = {
    9: ("the reader's certificate is not valid yet", _CHECK_CLOCKS),
    10: ("the reader's certificate has expired", _CHECK_CLOCKS),
    18: (
        "the reader's certificate is signed by itself",
        "If it is the right one, copy it here and name it in tls.ca_file.",
    ),
    **dict.fromkeys(
        (19, 20, 21),
        (
            "the reader's certificate is of an authority that is not in tls.ca_file",
            "Name the authority that signed it in tls.ca_file; or it is not our reader.",
        ),
    ),
    **dict.fromkeys(
        (62, 63, 64),
        (
            "the reader's certificate is for another name or address",
            "Set tls.server_name to the name in its certificate; or it is not our reader.",
        ),
    ),
}
# Alerts by which the other side says what it holds against our certificate.
_ALERTS = {
    "CERTIFICATE_REQUIRED": "it wants a certificate of ours: set tls.certificate and tls.key",
    "HANDSHAKE_FAILURE": "no common ground; does it want a certificate of ours (tls.certificate)?",
    "CERTIFICATE_EXPIRED": "our certificate (tls.certificate) has expired, or a clock is wrong",
    "UNKNOWN_CA": "it does not know the authority of our certificate (tls.certificate)",
    "BAD_CERTIFICATE": "it does not accept our certificate (tls.certificate)",
}


def client_context(settings: TlsSettings) -> ssl.SSLContext:
    """For connecting to a reader. Raises ``DeviceRefused`` when a file cannot be used."""
    context = _checked(
        lambda: ssl.create_default_context(cafile=settings.ca_file), "ca_file", settings.ca_file
    )
    _show_ourselves(context, settings)
    return context


def server_context(settings: TlsSettings) -> ssl.SSLContext:
    """For readers that dial in; with ``ca_file`` they must show a certificate of that authority.

    Raises as ``client_context`` does.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    _show_ourselves(context, settings)
    if settings.ca_file is not None:
        file = settings.ca_file
        _checked(lambda: context.load_verify_locations(cafile=file), "ca_file", file)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _show_ourselves(context: ssl.SSLContext, settings: TlsSettings) -> None:
    if settings.certificate is not None:
        own = settings.certificate
        _checked(lambda: context.load_cert_chain(own, settings.key), "certificate, tls.key", own)


def _checked(make: Callable[[], _Made], key: str, file: Path | None) -> _Made:
    try:
        return make()
    except OSError as reason:  # ssl.SSLError is one
        raise DeviceRefused(
            f"tls.{key}: {file} cannot be used: {reason.strerror or reason}",
            hint="Is it there, may this program read it, and is it PEM (-----BEGIN ...)?",
        ) from reason


def trouble(reason: BaseException) -> tuple[str, str] | None:
    """What TLS holds against the connection, and a hint; ``None`` when it is not about TLS."""
    if isinstance(reason, ssl.SSLCertVerificationError):
        words, hint = _VERIFY.get(
            reason.verify_code,
            (f"the reader's certificate is refused: {reason.verify_message}", _CHECK_CLOCKS),
        )
        return words, hint
    if not isinstance(reason, ssl.SSLError):
        return None
    name = reason.reason or str(reason)
    for alert, meaning in _ALERTS.items():
        if name.endswith(alert):
            return f"the other side ended TLS: {meaning}", "Compare both sides' TLS settings."
    if "WRONG_VERSION_NUMBER" in name or "HTTP_REQUEST" in name or "RECORD_LAYER" in name:
        return "what answers there does not speak TLS", "Is it the port for TLS? Or leave out tls."
    return f"TLS failed with {name}", "Is TLS switched on there, and of a version not too old?"
