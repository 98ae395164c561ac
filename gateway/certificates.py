"""A site's own certificates: an authority, the broker, central, and one for each device.

X.509 by ``cryptography``: EC P-256 keys, SHA-256. A device's common name is ``site:edge``, which
the broker takes for its user name; a colon is in no name of ours, so no two devices can meet.
Certificates are back-dated by five minutes, because a Raspberry Pi may wake up a little early.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gateway import files

__all__ = ["Authority", "Issued", "common_name", "serial_number"]

_BACK_DATED = timedelta(minutes=5)
_AUTHORITY_DAYS = 3_650
_PEM = serialization.Encoding.PEM


def common_name(site: str, edge: str) -> str:
    """The identity of an edge on the broker."""
    return f"{site}:{edge}"


def serial_number(certificate: bytes) -> int:
    """What a revocation list knows a certificate (PEM) by."""
    return x509.load_pem_x509_certificate(certificate).serial_number


class Issued(NamedTuple):
    """A certificate and its key, as PEM."""

    certificate: bytes
    key: bytes

    def write(self, folder: Path, name: str) -> None:
        """``name.pem`` and ``name.key`` in ``folder``; the key for the owner's eyes only, and
        there when the certificate is.
        """
        folder.mkdir(parents=True, exist_ok=True)
        files.replace(folder / f"{name}.key", self.key, mode=0o600)
        files.replace(folder / f"{name}.pem", self.certificate)


class Authority:
    """A site's certificate authority, with the list of what it has revoked.

    In its folder: ``ca.pem``, ``ca.key`` (guard it: who has it can be any device) and
    ``crl.pem``.
    """

    def __init__(self, folder: Path, now: datetime | None = None) -> None:
        self._folder = folder
        self._now = now or datetime.now(UTC)
        self._certificate = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())
        key = serialization.load_pem_private_key((folder / "ca.key").read_bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        self._key = key

    @classmethod
    def create(cls, folder: Path, name: str) -> Authority:
        """Make a new authority in ``folder``. Raises FileExistsError where there is one."""
        if (folder / "ca.pem").exists():
            raise FileExistsError(f"there is an authority in {folder} already")
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _subject(name)
        now = datetime.now(UTC)
        certificate = (
            _builder(subject, subject, key, now, _AUTHORITY_DAYS)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(authority=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
            .sign(key, hashes.SHA256())
        )
        Issued(certificate.public_bytes(_PEM), _key_bytes(key)).write(folder, "ca")
        made = cls(folder)
        made.revoke([])
        return made

    @classmethod
    def begun(cls, folder: Path, name: str) -> Authority:
        """Make a new authority, or go on with one whose making was cut short."""
        if not (folder / "ca.pem").exists():
            return cls.create(folder, name)
        made = cls(folder)
        made.revoke([])
        return made

    def server(self, hosts: Sequence[str], days: int = 825) -> Issued:
        """For the broker, valid for every name or address in ``hosts``."""
        names = [_general_name(host) for host in hosts]
        return self._issue(hosts[0], names, ExtendedKeyUsageOID.SERVER_AUTH, days)

    def client(self, name: str, days: int = 90) -> Issued:
        """For a device or central; ``name`` becomes its user name on the broker."""
        identity = x509.UniformResourceIdentifier(f"urn:tallyport:device:{name}")
        return self._issue(name, [identity], ExtendedKeyUsageOID.CLIENT_AUTH, days)

    def revoke(self, certificates: Sequence[bytes]) -> None:
        """Add certificates (PEM) to ``crl.pem``, keeping what stands there."""
        path = self._folder / "crl.pem"
        known = list(x509.load_pem_x509_crl(path.read_bytes())) if path.exists() else []
        serials = {one.serial_number: one.revocation_date_utc for one in known}
        for pem in certificates:
            serials.setdefault(serial_number(pem), self._now)
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self._certificate.subject)
            .last_update(self._now - _BACK_DATED)
            .next_update(self._now + timedelta(days=_AUTHORITY_DAYS))
        )
        for serial, when in serials.items():
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(when).build()
            )
        files.replace(path, builder.sign(self._key, hashes.SHA256()).public_bytes(_PEM))

    def _issue(
        self,
        name: str,
        alternatives: Sequence[x509.GeneralName],
        usage: x509.ObjectIdentifier,
        days: int,
    ) -> Issued:
        key = ec.generate_private_key(ec.SECP256R1())
        issuer = self._certificate
        authority_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        certificate = (
            _builder(_subject(name), issuer.subject, key, self._now, days)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(authority=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
            .add_extension(authority_key, critical=False)
            .sign(self._key, hashes.SHA256())
        )
        return Issued(certificate.public_bytes(_PEM), _key_bytes(key))


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    now: datetime,
    days: int,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACK_DATED)
        .not_valid_after(now + timedelta(days=days))
    )


def _subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _key_bytes(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
