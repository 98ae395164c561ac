"""The journal to central: a window of batches on the way, and central's word for what arrived.

The broker's acknowledgement says only that a message left; a batch is done when central's
retained watermark covers it, and only that trims the journal. Whatever goes wrong has the
same cure, which is why there is only one: forget what is on the way and send again from the
watermark. Central drops what it already has. The journal's chapters go one after another, the
oldest first; one begins when central has all of the one before.

Reasons to rewind: a new connection, a watermark that went back (central was restored), no
progress for ``resend_after_s`` (a broker dropped something; doubled each time, so that an
absent central is not buried in repeats), a publish that the broker denied or had nobody for.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import structlog

from edge import batches
from edge.backoff import Backoff
from edge.chapters import Chapter, Source
from gateway import codec, topics
from gateway.clock import Clock
from gateway.contract import ContractError, Watermark
from gateway.mqtt import NotConnected, PublishRefused

_log = structlog.get_logger("edge.uplink")
_LONGEST_RESEND_S = 300.0
_NOBODY = "the broker has nobody to give this edge's observations to"
_CENTRAL_HINT = "is central running and connected to the same broker? Nothing is lost meanwhile"


Publish = Callable[[str, bytes], Awaitable[object]]
"""Publish with QoS 1: returns when the broker accepted, False if it had nobody to give it to;
raises PublishRefused, NotConnected.
"""


class UplinkSettings(NamedTuple):
    """``batch`` observations per message, ``window`` messages on the way."""

    batch: int = 200
    window: int = 20
    compress: bool = False
    resend_after_s: float = 15.0


class Uplink:
    """See the module. ``connected`` and ``watermark`` are told by whoever owns the connection;
    its end shows in the next publish. ``wake`` says that something was committed. ``trouble``
    is a sentence for people, empty when all is well.
    """

    def __init__(
        self,
        source: Source,
        publish: Publish,
        *,
        site: str,
        edge: str,
        settings: UplinkSettings,
        clock: Clock,
        on_news: Callable[[], None] = lambda: None,
        backoff: Backoff | None = None,
    ) -> None:
        self._source = source
        self._publish = publish
        self._topic = topics.observations(site, edge)
        self._edge = edge
        self._settings = settings
        self._clock = clock
        self._on_news = on_news
        self._backoff = backoff or Backoff(first_s=2.0, most_s=300.0, least_s=1.0)
        self._is_connected = False
        self._wake = asyncio.Event()
        self._advanced = asyncio.Event()
        self._flight: deque[int] = deque()  # last sequence number of each batch on the way
        self._round = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._chapter = source.chapters[0]
        self._acked = self._cursor = self._chapter.trimmed_upto
        self._progress_at = self._clock.steady_s()
        self._resend_s = settings.resend_after_s
        self._hold_until = 0.0
        self._nothing_at = (-1, -1)
        self._closed = False
        self.fenced = False
        self._past_upto = 0
        self._calm = ("", "")  # trouble and hint while nothing else is to be told
        self.trouble = ""
        self.hint = ""
        self.counters = dict.fromkeys(
            (
                "batches_sent", "observations_sent", "rewinds", "resends_stalled",
                "publishes_refused", "publishes_unheard",
                "watermarks", "watermarks_foreign", "watermarks_back",
                "observations_skipped", "observations_set_aside", "observations_forgotten",
            ),
            0,
        )  # fmt: skip

    @property
    def acked_seq(self) -> int:
        """Central has committed everything of the chapter being sent up to here."""
        return self._acked

    @property
    def backlog(self) -> int:
        """Durable observations that central has not confirmed."""
        waiting = sum(one.last_seq - one.trimmed_upto for one in self._source.chapters)
        return max(0, waiting - (self._acked - self._upto().trimmed_upto))

    def _upto(self) -> Chapter:
        """The chapter being sent, as far as the journal has got."""
        for one in self._source.chapters:
            if one.epoch == self._chapter.epoch:
                return one
        return self._chapter

    # ---- what happens to it ----------------------------------------------------------------
    def wake(self) -> None:
        """Something changed that may allow sending."""
        self._wake.set()

    def connected(self) -> None:
        """A new connection: nothing is known of what was on the way, nor why it took long."""
        self._is_connected = True
        self._resend_s = self._settings.resend_after_s
        self._rewind()

    def disconnected(self) -> None:
        """The connection is gone: nothing is sent until ``connected``."""
        self._is_connected = False
        self._rewind()

    def watermark(self, payload: bytes) -> None:
        """Central's word, as it came."""
        try:
            mark = codec.decode_watermark(payload)
        except ContractError as error:
            self.counters["watermarks_foreign"] += 1
            _log.error("watermark_unreadable", why=str(error))
            return
        if mark.edge == self._edge:
            self._check_the_past(mark)
        ours = mark.edge == self._edge and mark.epoch == self._chapter.epoch
        this_start = mark.epoch == self._source.chapters[-1].epoch
        if not ours or (this_start and mark.upto_seq > self._upto().last_seq):
            # Of another journal; or of what this start has not written: believed, it would let go
            # of all that comes up to there before it was sent.
            self.counters["watermarks_foreign"] += 1
            _log.warning("watermark_not_believed", epoch=mark.epoch, upto_seq=mark.upto_seq)
            return
        self.counters["watermarks"] += 1
        self._hold_until = 0.0  # central is there, and takes what we send
        self._fence(mark)
        if mark.upto_seq > self._acked:
            self._advance(mark.upto_seq)
        elif mark.upto_seq < self._acked:
            self.counters["watermarks_back"] += 1
            _log.warning("watermark_went_back", was=self._acked, now=mark.upto_seq)
            self._acked = mark.upto_seq
            self._rewind()
        elif self._resend_s > self._settings.resend_after_s:
            # The same word again after a silence: central is back, and lacks what was sent.
            self._resend_s = self._settings.resend_after_s
            self._rewind()
        if mark.again:
            self._rewind()
        self._wake.set()

    async def drained(self) -> None:
        """Wait until central has everything that is durable now."""
        newest = self._source.chapters[-1]
        while self._chapter.epoch != newest.epoch or self._acked < newest.last_seq:
            self._advanced.clear()
            await self._advanced.wait()

    # ---- sending ---------------------------------------------------------------------------
    async def run(self) -> None:
        """Send until cancelled."""
        try:
            while True:
                await self._let_go()
                if not (self._may_send() and await self._send_next()):
                    await self._pause()
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _may_send(self) -> bool:
        return (
            self._is_connected
            and not self.fenced
            and len(self._flight) < self._settings.window
            and self._cursor < self._upto().last_seq
            and (self._cursor, self._upto().last_seq) != self._nothing_at
            and self._clock.steady_s() >= self._hold_until
        )

    async def _send_next(self) -> bool:
        """Put the next batch on its way; false when there was none after all."""
        begun, chapter = self._round, self._upto()
        stretch = await self._source.read(chapter.epoch, self._cursor, self._settings.batch)
        if begun != self._round:
            return True  # rewound while reading: the cursor is another one
        if stretch.bodies:
            stretch, skipped = batches.sendable(stretch)
            self.counters["observations_skipped"] += skipped
        if not stretch.bodies and chapter.epoch == self._source.chapters[-1].epoch:
            # Only a declared gap is left; it travels with the next observation.
            self._nothing_at = (self._cursor, chapter.last_seq)
            return False
        payload = batches.encode(
            self._edge, chapter, stretch,
            now_us=self._clock.now_us(), compress=self._settings.compress,
        )  # fmt: skip
        if not self._flight:
            self._progress_at = self._clock.steady_s()
        last_seq = stretch.first_seq + len(stretch.bodies) - 1
        self._cursor = last_seq
        self._flight.append(last_seq)
        self.counters["batches_sent"] += 1
        self.counters["observations_sent"] += len(stretch.bodies)
        task = asyncio.create_task(self._deliver(payload, self._round))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return True

    async def _deliver(self, payload: bytes, sent_in: int) -> None:
        try:
            heard = await self._publish(self._topic, payload)
        except PublishRefused as refused:
            if sent_in == self._round:
                self._denied(refused)
        except NotConnected:
            if sent_in == self._round:
                self.disconnected()
        else:
            if sent_in == self._round and heard is False:
                self._unheard()
            elif sent_in == self._round and self.trouble.startswith("the broker"):
                self._report(*self._calm)

    def _denied(self, refused: PublishRefused) -> None:
        self._hold_until = self._clock.steady_s() + self._backoff.next_s()
        self._again(
            "publishes_refused",
            f"the broker refuses what this edge publishes: {refused}",
            f"allow this edge to publish to {self._topic} in the broker's access list",
        )

    def _unheard(self) -> None:
        """The broker came back empty, and before central: worth a word from the second time on."""
        said = (_NOBODY, _CENTRAL_HINT) if self._backoff.failures else (self.trouble, self.hint)
        hold_s = min(self._backoff.next_s(), self._settings.resend_after_s)
        self._hold_until = self._clock.steady_s() + hold_s
        self._again("publishes_unheard", *said)

    async def _pause(self) -> None:
        """Sleep until something changes, or until it is time to send again unasked."""
        now_s = self._clock.steady_s()
        due = [self._progress_at + self._resend_s] if self._flight else []
        due += [self._hold_until] if self._hold_until > now_s else []
        # Not wait_for: Python 3.11's swallows a cancellation that meets the result.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.01, min(due) - now_s) if due else None):
                await self._wake.wait()
        self._wake.clear()
        overdue = self._clock.steady_s() >= self._progress_at + self._resend_s
        if self._flight and overdue and self._is_connected:
            self._stalled()

    def _stalled(self) -> None:
        waited_s, self._resend_s = self._resend_s, min(2 * self._resend_s, _LONGEST_RESEND_S)
        trouble = f"central has confirmed nothing for {waited_s:.0f} s"
        self._again("resends_stalled", trouble, _CENTRAL_HINT)

    def _again(self, counter: str, trouble: str, hint: str) -> None:
        """Send from the watermark again, and say why."""
        self.counters[counter] += 1
        self._report(trouble, hint)
        self._rewind()

    async def _let_go(self) -> None:
        """Trim what central has; go on with the next chapter when this one is done with."""
        epoch = self._chapter.epoch
        if self._acked > self._upto().trimmed_upto:
            await self._source.trim(epoch, self._acked)
        if self._closed:
            await self._close_chapter(epoch)
        oldest = self._source.chapters[0]
        if oldest.epoch != epoch:
            self._chapter, self._acked, self._closed = oldest, oldest.trimmed_upto, False
            self._rewind()
            self._advanced.set()

    async def _close_chapter(self, epoch: str) -> None:
        """Central fenced an earlier chapter: what it has of it is final. Often it has all, as when
        a card that could delete nothing shows again what was confirmed long ago.
        """
        concerned = await self._source.set_aside(epoch, "central has fenced this journal")
        if concerned:
            self.counters["observations_set_aside"] += concerned
            _log.error("chapter_set_aside", epoch=epoch, observations=concerned)

    # ---- bookkeeping -----------------------------------------------------------------------
    def _advance(self, upto_seq: int) -> None:
        if upto_seq > self._upto().last_seq:
            known = max(self._acked, self._upto().last_seq)
            self._forgotten(self._chapter.epoch, upto_seq - known)
            if self._chapter.epoch == self._source.chapters[-1].after_epoch:
                self._past_upto = upto_seq
        self._acked = upto_seq
        self._cursor = max(self._cursor, upto_seq)
        while self._flight and self._flight[0] <= upto_seq:
            self._flight.popleft()
        self._progress_at = self._clock.steady_s()
        self._resend_s = self._settings.resend_after_s
        self._backoff.reset()
        self._advanced.set()
        if not self.fenced:
            self._report(*self._calm)

    def _check_the_past(self, mark: Watermark) -> None:
        """Of the start before this one nothing may wait any more, and yet central has more."""
        chapters = self._source.chapters
        this = chapters[-1]
        if mark.epoch == this.after_epoch and all(one.epoch != mark.epoch for one in chapters):
            known = max(this.after_seq, self._past_upto)
            if mark.upto_seq > known:
                self._forgotten(mark.epoch, mark.upto_seq - known)
                self._past_upto = mark.upto_seq

    def _forgotten(self, epoch: str, count: int) -> None:
        """Central has more of an earlier start than the disk: told for as long as we run."""
        self.counters["observations_forgotten"] += count
        _log.error("journal_behind_central", epoch=epoch, forgotten=count)
        self._calm = (
            f"the disk forgot {self.counters['observations_forgotten']} observations that had "
            "been synced and sent; others may be gone that had not been sent",
            "it does not keep what it says it keeps, or it is a copy: replace the card",
        )

    def _fence(self, mark: Watermark) -> None:
        if mark.fenced and self._chapter.epoch != self._source.chapters[-1].epoch:
            self._closed = True
            return
        if mark.fenced == self.fenced:
            return
        self.fenced = mark.fenced
        if self.fenced:
            self._report(
                "central has replaced this journal by a newer one and takes nothing from it",
                "another box runs under this edge's name, or this card is an old copy: give "
                "this edge its own name; restarted, it takes over from the other one",
            )
        else:
            self._report(*self._calm)
        self._rewind()

    def _rewind(self) -> None:
        self.counters["rewinds"] += 1
        self._round += 1
        self._flight.clear()
        self._cursor = self._acked
        self._nothing_at = (-1, -1)
        self._progress_at = self._clock.steady_s()
        self._wake.set()

    def _report(self, trouble: str, hint: str) -> None:
        if trouble == self.trouble:
            return
        self.trouble, self.hint = trouble, hint
        if trouble:
            _log.error("uplink_trouble", cause=trouble, hint=hint)
        else:
            _log.info("uplink_well")
        self._on_news()
