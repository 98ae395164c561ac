"""What runs in the inventory system besides the road: its parts that never end, and its work by
the clock. Built here, run by ``central.app``.

To add a part, build it in ``Inventory`` and name it in ``parts``; to add work that is done every
so often, name it in ``jobs``.
"""

from __future__ import annotations

import time as clock
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from datetime import time
from typing import NamedTuple

import structlog

from central.access import sessions
from central.alerts.model import ChannelKind
from central.alerts.telling import outbox
from central.alerts.telling.delivery import Delivery
from central.alerts.telling.fan_out import FanOut
from central.alerts.telling.mail import Mail
from central.alerts.telling.programs import Hook, Topic
from central.alerts.telling.ways import Way
from central.alerts.watch import Watch
from central.archive.follower import AUDIT, LEDGER, Archivist
from central.archive.wanted import shelves_of
from central.attachments.desk import AttachmentDesk
from central.attachments.folder import Folder
from central.audit.heads import AuditHeads
from central.carriers.desk import CarrierDesk
from central.carriers.folder import FolderCarrier, Folders
from central.config import CentralSettings
from central.counts import scheduling
from central.database import statistics
from central.database.store import Database
from central.database.tide import Tide
from central.epcis import standing
from central.epcis.names import Names
from central.epcis.reporting import Reports
from central.erp import target as erp
from central.erp.part import Erp
from central.events.courier import Road
from central.events.couriers import Couriers
from central.keeping.digests import Digests
from central.labels import jobs as label_jobs
from central.labels.desk import LabelDesk
from central.labels.spooler import Spooler
from central.lots.expiry import Expiry
from central.orders.watching import OrderWatcher
from central.receiving.receipts import ReceiptTeller
from central.receiving.watching import ReceivingWatcher
from central.reports.desk import ReportDesk
from central.reports.regular import RegularReports
from central.reservations.following import Settler
from central.reviews.store import Ageing, age
from central.tags.watching import TagWatcher
from gateway.link import Link

__all__ = ["Daily", "Ground", "Inventory", "Job", "Part"]

_log = structlog.get_logger("central")
_DAY_US = 86_400 * 1_000_000


class Ground(NamedTuple):
    """What every part stands on. ``link`` is the connection to the broker."""

    settings: CentralSettings
    database: Database
    tide: Tide
    link: Link


class Part(NamedTuple):
    """Something that runs until it is cancelled. Of several workers one runs it: what it tells
    must not be told twice, and it goes on from a cursor in the database.
    """

    name: str
    run: Callable[[], Coroutine[None, None, None]]


class Job(NamedTuple):
    """Work that is done every so often, harmless however many workers do it."""

    seconds: float
    name: str
    work: Callable[[], Awaitable[None]]


class Daily(NamedTuple):
    """Work that is done once a day, at a time when little else is: harmless as a ``Job``."""

    at: time
    zone: str
    name: str
    work: Callable[[], Awaitable[object]]


def _archivists(ground: Ground) -> list[Archivist]:
    """For each archive who keeps the ledger there, and who keeps the audit's hashes."""
    return [
        Archivist(ground.database, ground.tide, shelf, source=source)
        for shelf in shelves_of(ground.settings.archive)
        for source in (LEDGER, AUDIT)
    ]


def _carriers(settings: CentralSettings) -> dict[str, FolderCarrier]:
    """The carriers that are told by files, by name."""
    return {
        name: FolderCarrier(
            Folders(one.shipments, one.tracking, one.quarantine or one.tracking / "quarantine")
        )
        for name, one in settings.orders.carriers.items()
    }


class Inventory:
    """The parts, wired. ``counters`` are shown as metrics, by part."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        settings = ground.settings
        self._digests = Digests(
            ground.database, ground.tide, ground.link,
            file=settings.digest_path, every_s=settings.ledger.digest_every_s,
        )  # fmt: skip
        self.reports = ReportDesk(settings.extract_path, ground.database.read_now)
        self.attachments = AttachmentDesk(Folder(settings.attachments_path), settings.attachments)
        self.labels = LabelDesk(settings)
        self._spooler = Spooler(ground.database, ground.tide, self.labels.printers.values())
        self._watch = Watch(
            ground.database, ground.tide,
            look_every_s=settings.alerts.look_every_s,
            sweep_every_s=settings.alerts.sweep_every_min * 60,
        )  # fmt: skip
        self._erp = Erp(ground.database, ground.tide, settings.erp, settings.events)
        self._couriers = Couriers(
            Road(
                ground.database, ground.link, ground.tide, ground.settings.events,
                others={
                    erp.KIND: self._erp.targets,
                    standing.KIND: Reports(Names(settings.epcis.locations), settings.events),
                },
            )
        )  # fmt: skip
        self.ways: dict[ChannelKind, Way] = {
            "email": Mail(settings.mail, settings.alerts.url),
            "apprise": FanOut(settings.alerts.url),
            "webhook": Hook(settings.events),
            "mqtt": Topic(settings.events, ground.link),
        }
        self._delivery = Delivery(ground.database, ground.tide, self.ways)
        self._archivists = _archivists(ground)
        self._audit_heads = AuditHeads(
            ground.database, ground.tide, every_s=settings.ledger.digest_every_s
        )
        watchers = (TagWatcher(), OrderWatcher(), ReceivingWatcher())
        self._settler = Settler(ground.database, ground.tide, watchers=watchers)
        self._receipts = ReceiptTeller(ground.database, ground.tide)
        self._folders = _carriers(settings)
        self._carriers = CarrierDesk(
            ground.database, ground.tide, self._folders, look_every_s=settings.orders.look_every_s
        )
        self.counters: dict[str, Counter[str]] = {
            **{f"archive_{no}": one.counters for no, one in enumerate(self._archivists)},
            **{f"carrier_{no}": one.counters for no, one in enumerate(self._folders.values())},
            "carriers": self._carriers.counters,
            "labels": self._spooler.counters,
            "reservations": self._settler.counters,
            "goods_receipts": self._receipts.counters,
            "digests": self._digests.counters,
            "audit_heads": self._audit_heads.counters,
            "alerts": self._watch.counters,
            "alerts_told": self._delivery.counters,
            "events": self._couriers.counters,
            "erp": self._erp.counters,
        }

    def parts(self) -> list[Part]:
        """All that runs for as long as central does."""
        settings = self._ground.settings
        return [
            Part("digests", self._digests.run),
            Part("alerts", self._watch.run),
            Part("events", self._couriers.run),
            Part("reservations", self._settler.run),
            Part("goods receipts", self._receipts.run),
            *([Part("erp", self._erp.run)] if settings.erp.connections else []),
            *([Part("carriers", self._carriers.run)] if self._folders else []),
            *(Part(f"archive {no}", one.run) for no, one in enumerate(self._archivists)),
            Part("audit heads", self._audit_heads.run),
            Part("alert messages", self._delivery.run),
            *([Part("label printing", self._spooler.run)] if self.labels.printers else []),
        ]

    def jobs(self) -> list[Job]:
        """All that is done by the clock."""
        return [
            Job(300, "age reviews", self._age_reviews),
            Job(900, "ask for counts", self._ask_for_counts),
            Job(_DAY_US / 1e6, "forget alert messages", self._forget_messages),
            Job(_DAY_US / 1e6, "forget ERP messages", self._erp.forget_old),
            Job(_DAY_US / 1e6, "forget label jobs", self._forget_labels),
            Job(5, "end reservations", self._settler.expire),
            Job(3_600, "expire lots", Expiry(self._ground.database, self._ground.tide).sweep),
            Job(3_600, "sweep sessions", self._sweep_sessions),
            Job(3_600, "sweep attachments", self._sweep_attachments),
        ]

    def nights(self) -> list[Daily]:
        """All that is done off-peak."""
        told = self._ground.settings.reports
        known = Daily(told.at, told.time_zone, "refresh statistics", self._refresh_statistics)
        if not told.each:
            return [known]
        folder = told.folder or self._ground.settings.data_dir / "reports"
        regular = RegularReports(self.reports, folder, told.each, told.format, told.keep_days)
        return [known, Daily(told.at, told.time_zone, "write reports", regular.write)]

    async def _refresh_statistics(self) -> None:
        """Let the database look anew at what it plans by."""
        await self._ground.database.write(statistics.refresh)

    async def _sweep_attachments(self) -> None:
        """Delete the files that nothing names any more."""
        await self.attachments.sweep(self._ground.database)

    async def _sweep_sessions(self) -> None:
        """Delete sessions and tokens that have expired."""
        now_us = clock.time_ns() // 1_000
        await self._ground.database.write(lambda c: sessions.sweep(c, now_us=now_us))

    async def _forget_messages(self) -> None:
        """Those that were sent long ago."""
        kept_us = self._ground.settings.alerts.keep_days * _DAY_US
        before_us = clock.time_ns() // 1_000 - kept_us
        await self._ground.database.write(lambda c: outbox.drop_old(c, before_us))

    async def _forget_labels(self) -> None:
        """Those that were printed long ago."""
        kept_us = self._ground.settings.labels.keep_days * _DAY_US
        before_us = clock.time_ns() // 1_000 - kept_us
        await self._ground.database.write(lambda c: label_jobs.drop_old(c, before_us))

    async def _ask_for_counts(self) -> None:
        """Ask for the counts that schedules say are due."""
        now_us = clock.time_ns() // 1_000
        asked = await self._ground.database.write(lambda c: scheduling.ask_due(c, now_us))
        if asked:
            _log.info("counts_asked_for", counts=len(asked))
            self._ground.tide.rise()

    async def _age_reviews(self) -> None:
        """Mark and close what waited too long."""
        rules, now_us = self._ground.settings.reviews, clock.time_ns() // 1_000
        limits = Ageing(
            escalate_us=round(rules.escalate_after_h * 3_600e6),
            expire_us=round(rules.expire_after_days * _DAY_US),
        )
        aged = await self._ground.database.write(lambda c: age(c, limits, now_us=now_us))
        if any(aged):
            _log.info("reviews_aged", escalated=aged.escalated, expired=aged.expired)
            self._ground.tide.rise()
