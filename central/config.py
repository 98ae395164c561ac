"""Central's settings: one TOML file, checked as a whole before anything starts.

Every setting has a default that suits one box, so that an empty file (or none) is a
working central: SQLite, DuckDB series and an embedded broker, all on the loopback.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import zoneinfo
from datetime import time
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    IPvAnyNetwork,
    SecretStr,
    field_validator,
    model_validator,
)

from central.attachments.model import Media
from central.erp.config import ErpSection
from central.labels.config import LabelsSection, PrinterSection
from gateway.access import CENTRAL, worker_name
from gateway.logs import Level, Style
from gateway.settings_errors import ConfigError, check_settings, read_settings

__all__ = ["CentralSettings", "ConfigError", "load_settings"]

Port = Annotated[int, Field(ge=0, le=65535)]
"""A TCP port; 0 lets the system choose a free one."""


ReportName = Literal[
    "stock-levels", "days-of-stock", "turnover", "ageing", "fast-movers", "slow-movers",
    "shrinkage", "run-out", "expiry", "sensor-accuracy", "fulfilment", "picking-times",
    "picking-tasks",
]  # fmt: skip
"""As ``central.reports.catalogue`` has them, whose imports take a second that settings need not."""


_GROUP_ROLE = r"^(admin|manager|operator|technician|auditor|integration)(@\S{1,64})?$"


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)


def _host_name() -> str:
    return re.sub(r"[^A-Za-z0-9_-]", "-", socket.gethostname())[:64].lstrip("_-") or "central"


class CentralSection(_Section):
    """Where central keeps its files, and how much it says."""

    data_dir: Path = Path("tallyport-data")
    log_level: Level = "info"
    log_format: Style = "auto"


def _listed(zone: str) -> str:
    if zone not in zoneinfo.available_timezones():
        raise ValueError("use a name of the IANA database, such as Europe/Berlin")
    return zone


class HttpSection(_Section):
    """Where the API and the screens are served. ``time_zone`` is the site's, in which screens show
    times: a name of the IANA database; without one each browser shows its own.
    """

    host: str = "127.0.0.1"
    port: Port = 8080
    time_zone: str = ""

    @field_validator("time_zone")
    @classmethod
    def _known(cls, zone: str) -> str:
        return _listed(zone) if zone else zone


class MqttSection(_Section):
    """The broker: embedded in this process, or another one at ``host:port``."""

    embedded: bool = True
    host: str = "127.0.0.1"
    port: Port = 1883
    username: str | None = None
    password: SecretStr | None = None
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None

    @model_validator(mode="after")
    def _whole(self) -> MqttSection:
        if not self.embedded and self.port == 0:
            raise ValueError("port 0 (any free port) only makes sense with embedded = true")
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("cert_file and key_file belong together: give both or neither")
        if self.password is not None and self.username is None:
            raise ValueError("a password needs a username")
        return self


class DatabaseSection(_Section):
    """The database by SQLAlchemy URL; without one, SQLite in ``data_dir``."""

    url: str | None = Field(default=None, pattern=r"^(sqlite|postgresql)(\+[a-z0-9]+)?://")


class WorkerSection(_Section):
    """One of several central processes on one PostgreSQL database and one broker: each takes its
    share of the edges and read points, and takes over from one that falls silent for ``lease_s``.
    ``name`` is this one's on the broker; without one, the machine's.
    """

    shared: bool = False
    name: str = Field(default_factory=_host_name, pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")
    lease_s: Annotated[float, Field(ge=1.0, le=600.0)] = 15.0


class LedgerSection(_Section):
    """The ledger's digest, told outside the database; without a file, ``digests.jsonl`` in
    ``data_dir``. Better: a file on another machine's disk.
    """

    digest_file: Path | None = None
    digest_every_s: Annotated[float, Field(ge=0.1, le=86_400)] = 60.0


class ReportsSection(_Section):
    """Reports that are written each day at ``at`` of ``time_zone``, of the day before, into
    ``folder`` (``reports`` in ``data_dir`` without one), and removed after ``keep_days``.
    """

    each: tuple[ReportName, ...] = ()
    format: Literal["csv", "xlsx", "parquet"] = "csv"
    at: time = time(2, 30)
    time_zone: str = "UTC"
    folder: Path | None = None
    keep_days: Annotated[int, Field(ge=1, le=36_500)] = 90

    @field_validator("time_zone")
    @classmethod
    def _known(cls, zone: str) -> str:
        return _listed(zone)


class ArchiveSection(_Section):
    """Where each sealed block of the ledger is kept as well: in a ``folder``, or under the ``url``
    (``s3://bucket/prefix``) of a store that speaks S3 (needs ``tallyport[s3]``); none: nowhere.

    ``endpoint`` is the store's address, empty Amazon's; without keys they are taken from the
    environment. ``conditional = false`` is for stores that do not know ``If-None-Match``.
    """

    folder: Path | None = None
    url: Annotated[str, Field(pattern=r"^(s3://[a-z0-9.-]{3,63}(/[^\s?#]*)?)?$")] = ""
    endpoint: Annotated[str, Field(pattern=r"^(https?://\S+)?$")] = ""
    region: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$")] = "us-east-1"
    access_key: str = ""
    secret_key: SecretStr | None = None
    conditional: bool = True


class QuarantineSection(_Section):
    """What is kept of payloads that nobody understands; beyond it the oldest go, counted."""

    max_rows: Annotated[int, Field(ge=100, le=10_000_000)] = 10_000
    max_mib: Annotated[int, Field(ge=2, le=1_048_576)] = 64


class ReviewSection(_Section):
    """How long a review may wait: then it is marked, and at last closed without posting
    anything. 0 is for ever.
    """

    escalate_after_h: Annotated[float, Field(ge=0, le=8_760)] = 24.0
    expire_after_days: Annotated[float, Field(ge=0, le=3_650)] = 0.0


class AlertSection(_Section):
    """How often alerts are looked for by the clock: places, devices, documents and reviews every
    ``look_every_s``, every item every ``sweep_every_min``. What moves is looked at as it moves.
    ``url`` is where people reach central, for links in what they are told; messages that were sent
    are kept for ``keep_days``.
    """

    look_every_s: Annotated[float, Field(ge=1, le=3_600)] = 30.0
    sweep_every_min: Annotated[float, Field(ge=1, le=1_440)] = 60.0
    url: str = Field(default="", pattern=r"^(https?://[^\s/]+(/\S*[^\s/])?)?$")
    keep_days: Annotated[int, Field(ge=1, le=3_650)] = 90


class GraphSection(_Section):
    """The GraphQL API and what one query of it may be: how deep, of how many words and aliases, and
    how many things it may give at most (nested lists multiply).
    """

    enabled: bool = True
    introspection: bool = True
    most_depth: Annotated[int, Field(ge=1, le=50)] = 10
    most_tokens: Annotated[int, Field(ge=10, le=20_000)] = 1_000
    most_aliases: Annotated[int, Field(ge=0, le=1_000)] = 15
    most_cost: Annotated[int, Field(ge=10, le=1_000_000)] = 20_000


class MailSection(_Section):
    """The site's mail server, for alerts. ``sender`` is who mail is from."""

    host: str = ""
    port: Port = 587
    security: Literal["none", "starttls", "tls"] = "starttls"
    username: str | None = None
    password: SecretStr | None = None
    sender: str = Field(default="tallyport@localhost", pattern=r"^[^\r\n]+@[^\s]+$")
    ca_file: Path | None = None

    @model_validator(mode="after")
    def _whole(self) -> MailSection:
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password belong together: give both or neither")
        if self.username is not None and self.security == "none":
            raise ValueError('a login needs security = "starttls" or "tls": it would be readable')
        return self


class OidcSection(_Section):
    """A provider by which people log in. ``roles`` says what a group there gives here: a role, or
    ``role@LOCATION``.
    """

    issuer: str = Field(pattern=r"^https?://")
    client_id: str
    client_secret: SecretStr | None = None
    groups_claim: str = "groups"
    roles: dict[str, Annotated[str, Field(pattern=_GROUP_ROLE)]] = {}
    label: str = "Log in with your organisation's account"


class AccessSection(_Section):
    """Who may use the API and the screens, see docs/access.md.

    ``auto`` is open while central is bound to the loopback and nobody has an account; ``open`` is
    open there in any case, and on the network only with ``open_to_network`` besides.
    """

    mode: Literal["auto", "open", "required"] = "auto"
    open_to_network: bool = False
    hosts: tuple[str, ...] = ()
    secret_file: Path | None = None
    session_idle_h: Annotated[float, Field(ge=0.1, le=8_760)] = 12.0
    session_days: Annotated[float, Field(ge=0.1, le=365)] = 14.0
    token_minutes: Annotated[int, Field(ge=1, le=60)] = 15
    refresh_days: Annotated[float, Field(ge=0.1, le=365)] = 30.0
    oidc: OidcSection | None = None
    requests_per_minute: Annotated[int, Field(ge=10, le=10_000_000)] = 6_000


class SeriesSection(_Section):
    """Where measurements go: embedded DuckDB, or a server that speaks InfluxDB's v2 write."""

    kind: Literal["duckdb", "influx"] = "duckdb"
    url: str | None = Field(default=None, pattern=r"^https?://")
    token: SecretStr | None = None
    org: str = "tallyport"
    bucket: str = "tallyport"
    keep_days: Annotated[int, Field(ge=1, le=3650)] = 30
    keep_minutes_days: Annotated[int, Field(ge=1, le=3650)] = 400

    @model_validator(mode="after")
    def _reachable(self) -> SeriesSection:
        if self.kind == "influx" and self.url is None:
            raise ValueError('kind = "influx" needs url, e.g. "http://127.0.0.1:8086"')
        return self


class BrokerSection(_Section):
    """A message broker that events may be told to. ``url`` is ``amqp(s)://``, ``nats://``,
    ``tls://`` (NATS with TLS) or ``kafka(+ssl)://``, with user and password in it where needed.
    ``name`` is RabbitMQ's exchange, what NATS's subjects begin with, or Kafka's topic.
    """

    url: SecretStr
    name: str = Field(default="tallyport.events", pattern=r"^[A-Za-z0-9_.-]{1,200}$")
    ca_file: Path | None = None
    jetstream: bool = True
    """NATS: let a stream acknowledge, which has to be there; without it nothing is kept."""

    @model_validator(mode="after")
    def _known(self) -> BrokerSection:
        if self.scheme not in {"amqp", "amqps", "nats", "tls", "kafka", "kafka+ssl"}:
            raise ValueError("url begins with amqp, amqps, nats, tls, kafka or kafka+ssl, and ://")
        return self

    @property
    def scheme(self) -> str:
        """What the broker speaks."""
        return self.url.get_secret_value().partition("://")[0]


class EventsSection(_Section):
    """How events are told: ``source`` names this central in them. Webhooks go to public addresses
    alone, and to ``webhook_networks`` (``["10.1.0.0/16"]``).
    """

    source: str = Field(default="urn:tallyport:central", pattern=r"^\S{1,200}$")
    webhook_networks: tuple[IPvAnyNetwork, ...] = ()
    webhook_timeout_s: Annotated[float, Field(ge=0.5, le=120)] = 15.0
    webhook_ca_file: Path | None = None
    brokers: dict[str, BrokerSection] = {}


class EpcisSection(_Section):
    """What locations are called in EPCIS events, by their codes: a GLN as an SGLN URN or a Digital
    Link. One that is not named gets a name of this central's own.
    """

    locations: dict[str, Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9+.-]*:\S+$")]] = {}


class CarrierSection(_Section):
    """A carrier that reads and writes files: a folder for each way, and one for files that are
    wrong (``quarantine`` in ``tracking`` without one).
    """

    shipments: Path
    tracking: Path
    quarantine: Path | None = None


class OrdersSection(_Section):
    """Where the numbers of cartons (SSCC) come from: the company's prefix that GS1 gave it, and the
    digit before it. Without a prefix nothing is packed into cartons. ``carriers`` by the names that
    shipments are told with, looked at every ``look_every_s``.
    """

    company_prefix: str = Field(default="", pattern=r"^(\d{4,12})?$")
    sscc_extension: Annotated[int, Field(ge=0, le=9)] = 0
    carriers: dict[Annotated[str, Field(min_length=1, max_length=100)], CarrierSection] = {}
    look_every_s: Annotated[float, Field(ge=0.1, le=3_600)] = 5.0


class AttachmentsSection(_Section):
    """Files that belong to items, orders, movements and reviews: where they lie (``attachments``
    in ``data_dir`` without a ``folder``), how large they may be, of which types (found by their
    content), how many one thing has. What is removed stays ``keep_days`` in the folder, for
    backups of the database that name it.
    """

    folder: Path | None = None
    most_mib: Annotated[int, Field(ge=1, le=100)] = 20
    types: tuple[Media, ...] = ("pdf", "png", "jpeg", "webp", "text")
    most_each: Annotated[int, Field(ge=1, le=500)] = 100
    keep_days: Annotated[int, Field(ge=1, le=3_650)] = 30


class CentralSettings(_Section):
    """All of central's settings."""

    central: CentralSection = CentralSection()
    http: HttpSection = HttpSection()
    mqtt: MqttSection = MqttSection()
    database: DatabaseSection = DatabaseSection()
    worker: WorkerSection = WorkerSection()
    ledger: LedgerSection = LedgerSection()
    archive: ArchiveSection = ArchiveSection()
    quarantine: QuarantineSection = QuarantineSection()
    reviews: ReviewSection = ReviewSection()
    access: AccessSection = AccessSection()
    series: SeriesSection = SeriesSection()
    alerts: AlertSection = AlertSection()
    events: EventsSection = EventsSection()
    epcis: EpcisSection = EpcisSection()
    orders: OrdersSection = OrdersSection()
    reports: ReportsSection = ReportsSection()
    mail: MailSection = MailSection()
    graphql: GraphSection = GraphSection()
    attachments: AttachmentsSection = AttachmentsSection()
    erp: ErpSection = ErpSection()
    labels: LabelsSection = LabelsSection()
    printers: tuple[PrinterSection, ...] = ()

    @field_validator("printers")
    @classmethod
    def _by_name(cls, printers: tuple[PrinterSection, ...]) -> tuple[PrinterSection, ...]:
        names = [one.name for one in printers]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two printers have the same name: {', '.join(twice)}")
        return printers

    @model_validator(mode="after")
    def _closed(self) -> CentralSettings:
        access = self.access
        if access.mode == "open" and not self.is_local and not access.open_to_network:
            raise ValueError(
                f'[access] mode = "open" lets whoever reaches {self.http.host} do everything: '
                'bind http.host to 127.0.0.1, let people log in (mode = "required"), or say '
                "open_to_network = true as well"
            )
        if self.worker.shared and access.mode == "required" and access.secret_file is None:
            raise ValueError(
                "[worker] shared = true needs [access] secret_file, the same for all workers"
            )
        return self

    @model_validator(mode="after")
    def _shareable(self) -> CentralSettings:
        if not self.worker.shared:
            return self
        if not (self.database.url or "").startswith("postgresql"):
            raise ValueError("[worker] shared = true needs database.url of a PostgreSQL database")
        if self.mqtt.embedded:
            raise ValueError("[worker] shared = true needs a broker of its own: embedded = false")
        return self

    @property
    def data_dir(self) -> Path:
        """The folder of everything this central writes."""
        return self.central.data_dir

    @property
    def is_local(self) -> bool:
        """Whether only this machine reaches the API and the screens."""
        host = self.http.host
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"

    @property
    def secret_path(self) -> Path:
        """The file with the key that tokens are signed with."""
        return self.access.secret_file or self.data_dir / "access.secret"

    @property
    def database_url(self) -> str:
        """The SQLAlchemy URL to open."""
        if self.database.url is not None:
            return self.database.url
        return f"sqlite:///{(self.data_dir / 'central.sqlite').absolute()}"

    @property
    def client_id(self) -> str:
        """Who this central is on the broker: several workers are several."""
        return worker_name(self.worker.name) if self.worker.shared else CENTRAL

    @property
    def digest_path(self) -> Path:
        """The file that the ledger's digests are appended to."""
        return self.ledger.digest_file or self.data_dir / "digests.jsonl"

    @property
    def series_path(self) -> Path:
        """The embedded series store's file."""
        return self.data_dir / "series.duckdb"

    @property
    def extract_path(self) -> Path:
        """The folder of the copy that reports are made from; it can be lost."""
        return self.data_dir / "extract"

    @property
    def attachments_path(self) -> Path:
        """The folder of attachments."""
        return self.attachments.folder or self.data_dir / "attachments"

    @property
    def ready_path(self) -> Path:
        """The file that says at which ports this central answers, while it does."""
        return self.data_dir / "central.ready.json"


def load_settings(path: Path | None) -> CentralSettings:
    """Read the settings file, or take the defaults; raise ``ConfigError`` with all mistakes."""
    if path is None:
        return check_settings({}, CentralSettings)
    return read_settings(path, CentralSettings)
