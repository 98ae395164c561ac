"""The window, central's word, and every reason to send again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.backoff import Backoff
from edge.chapters import Chapter, Stretch
from edge.fold.moments import moment
from edge.uplink import Uplink, UplinkSettings
from gateway import codec
from gateway.clock import SystemClock
from gateway.contract import CodeScanned, Watermark
from gateway.mqtt import NotConnected, PublishRefused
from tests.edge.waiting import until

EPOCH = "0123456789abcdef"


def body(seq: int) -> bytes:
    return msgspec.json.encode(
        CodeScanned(device="gun", read_point="desk", event_time=moment(seq), data=str(seq))
    )


class Log:
    """A journal in memory; what is trimmed is gone. ``before`` are earlier chapters' rows."""

    def __init__(self, rows: int, before: dict[str, int] | None = None) -> None:
        self.rows = {seq: body(seq) for seq in range(1, rows + 1)}
        self.earlier = {
            epoch: {seq: body(seq) for seq in range(1, count + 1)}
            for epoch, count in (before or {}).items()
        }
        self.committed_seq = rows
        self.trimmed_upto = 0
        self.after = ("", 0)
        self.set_aside_why: dict[str, str] = {}

    @property
    def chapters(self) -> tuple[Chapter, ...]:
        earlier = [Chapter(epoch, max(rows)) for epoch, rows in self.earlier.items()]
        return (*earlier, Chapter(EPOCH, self.committed_seq, self.trimmed_upto, *self.after))

    async def read(self, epoch: str, after_seq: int, limit: int) -> Stretch:
        await asyncio.sleep(0)
        rows = self.earlier.get(epoch, self.rows)
        last = max(rows) if epoch in self.earlier else self.committed_seq
        seqs = sorted(seq for seq in rows if seq > after_seq)
        if not seqs:
            return Stretch(last + 1, last - after_seq, [])
        run = [seq for n, seq in enumerate(seqs[:limit]) if seq == seqs[0] + n]
        return Stretch(run[0], run[0] - after_seq - 1, [rows[seq] for seq in run])

    async def trim(self, epoch: str, upto_seq: int) -> None:
        if epoch == EPOCH:
            self.trimmed_upto = upto_seq
            self.rows = {seq: one for seq, one in self.rows.items() if seq > upto_seq}
        elif upto_seq >= max(self.earlier[epoch]):
            del self.earlier[epoch]
        else:
            rows = self.earlier[epoch].items()
            self.earlier[epoch] = {seq: one for seq, one in rows if seq > upto_seq}

    async def set_aside(self, epoch: str, why: str) -> int:
        if epoch not in self.earlier:
            return 0
        self.set_aside_why[epoch] = why
        return len(self.earlier.pop(epoch))


class Central:
    """Takes batches as central does: refuses gaps, ignores repeats, says how far it is."""

    def __init__(self) -> None:
        self.upto = 0
        self.epoch = EPOCH
        self.lost = 0
        self.seen: list[int] = []
        self.closed: dict[str, int] = {}
        self.messages = 0
        self.fails: Exception | None = None
        self.swallows = 0
        self.is_there = True
        self.says: Callable[[bytes], None] | None = None
        self.arrived = asyncio.Event()

    async def publish(self, _topic: str, payload: bytes) -> bool:
        await asyncio.sleep(0)
        self.messages += 1
        self.arrived.set()
        if self.fails is not None:
            raise self.fails
        if self.swallows:
            self.swallows -= 1
        elif self.is_there:
            self._take(payload)
        return self.is_there

    def _take(self, payload: bytes) -> None:
        batch = codec.decode(payload)
        if batch.epoch != self.epoch:
            self.closed[self.epoch], self.epoch = self.upto, batch.epoch
            self.upto, self.seen = 0, []
        if batch.first_seq - batch.lost_before > self.upto + 1:
            return
        self.lost += max(0, batch.first_seq - 1 - self.upto)
        for index, one in enumerate(batch.observations):
            seq = batch.first_seq + index
            if seq > self.upto:
                assert isinstance(one, CodeScanned)
                assert one.data == str(seq)
                self.seen.append(seq)
        last_seq = batch.first_seq + len(batch.observations) - 1
        self.upto = max(self.upto, last_seq)
        if self.says is not None:
            self.says(self.mark())

    def mark(
        self, upto: int | None = None, *, fenced: bool = False, epoch: str | None = None
    ) -> bytes:
        upto = self.upto if upto is None else upto
        return codec.encode_watermark(
            Watermark(edge="pi", epoch=epoch or self.epoch, upto_seq=upto, fenced=fenced)
        )


@asynccontextmanager
async def road(
    rows: int,
    *,
    resend_after_s: float = 30.0,
    window: int = 4,
    batch: int = 10,
    talks: bool = True,
    before: dict[str, int] | None = None,
) -> AsyncIterator[tuple[Uplink, Central, Log]]:
    log, central = Log(rows, before), Central()
    uplink = Uplink(
        log,
        central.publish,
        site="s",
        edge="pi",
        settings=UplinkSettings(batch=batch, window=window, resend_after_s=resend_after_s),
        clock=SystemClock(),
        backoff=Backoff(first_s=0.01, most_s=0.01, least_s=0.01),
    )
    if talks:
        central.says = uplink.watermark
    running = asyncio.create_task(uplink.run())
    try:
        yield uplink, central, log
        assert not running.done(), running
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_everything_arrives_once_and_the_journal_is_trimmed() -> None:
    async with road(995) as (uplink, central, log):
        uplink.connected()
        await uplink.drained()
        await until(lambda: log.trimmed_upto == 995)
        assert central.seen == list(range(1, 996))
        log.rows[996] = body(996)
        log.committed_seq = 996
        uplink.wake()
        await uplink.drained()
        assert central.seen[-1] == 996
        assert uplink.counters["observations_sent"] == 996


async def test_no_more_than_the_window_goes_out_without_centrals_word() -> None:
    async with road(1_000, talks=False) as (uplink, central, _log):
        uplink.connected()
        await until(lambda: central.messages == 4)
        uplink.watermark(central.mark(10))
        await until(lambda: central.messages == 5)
        for _ in range(50):
            await asyncio.sleep(0)
        assert central.messages == 5


async def test_what_a_broker_swallowed_is_sent_again() -> None:
    async with road(200, resend_after_s=0.05) as (uplink, central, _log):
        central.swallows = 2
        uplink.connected()
        await until(lambda: central.upto == 200)
        assert uplink.counters["resends_stalled"] >= 1
        assert central.seen == list(range(1, 201))
        assert uplink.trouble == ""


async def test_a_new_connection_sends_from_the_watermark() -> None:
    async with road(60, talks=False) as (uplink, central, _log):
        central.fails = NotConnected("gone")
        uplink.connected()
        await until(lambda: central.messages >= 1)
        await asyncio.sleep(0)
        central.fails = None
        central.says = uplink.watermark
        uplink.connected()
        await until(lambda: central.upto == 60)


async def test_a_denied_publish_is_not_sent_and_is_told() -> None:
    async with road(20) as (uplink, central, _log):
        central.fails = PublishRefused("t", 0x87, "Not authorized")
        uplink.connected()
        await until(lambda: uplink.counters["publishes_refused"] >= 2)
        assert "Not authorized" in uplink.trouble
        assert "access list" in uplink.hint
        central.fails = None
        await until(lambda: central.upto == 20)
        assert uplink.trouble == ""


async def test_what_nobody_took_is_sent_again_soon_and_told() -> None:
    """A broker that comes back empty before central does takes everything and keeps nothing."""
    async with road(60, resend_after_s=3_600.0) as (uplink, central, _log):
        central.is_there = False
        uplink.connected()
        await until(lambda: uplink.counters["publishes_unheard"] >= 3)
        assert "nobody" in uplink.trouble
        assert "is central running" in uplink.hint
        central.is_there = True
        await until(lambda: central.upto == 60)
        await until(lambda: uplink.trouble == "")
        assert central.seen == list(range(1, 61))
        assert uplink.counters["resends_stalled"] == 0


async def test_a_restored_central_gets_again_what_is_left_and_learns_what_is_lost() -> None:
    async with road(100) as (uplink, central, log):
        uplink.connected()
        await until(lambda: log.trimmed_upto == 100)
        log.rows |= {seq: body(seq) for seq in range(91, 106)}  # trimmed in whole segments
        log.committed_seq = 105
        central.upto = 40
        uplink.watermark(central.mark())
        await until(lambda: central.upto == 105)
        assert central.lost == 50
        assert uplink.counters["watermarks_back"] == 1


async def test_a_fenced_journal_is_silent_and_says_why() -> None:
    async with road(50, talks=False) as (uplink, central, _log):
        uplink.watermark(central.mark(0, fenced=True))
        uplink.connected()
        for _ in range(50):
            await asyncio.sleep(0)
        assert central.messages == 0
        assert "replaced this journal" in uplink.trouble


OLDER = "1111111111111111"
OLDEST = "0000000000000000"


async def test_earlier_chapters_go_first_each_under_its_own_epoch() -> None:
    async with road(30, before={OLDEST: 25, OLDER: 7}) as (uplink, central, log):
        central.epoch = OLDEST
        assert uplink.backlog == 62
        uplink.connected()
        await asyncio.wait_for(uplink.drained(), 30)
        assert central.closed == {OLDEST: 25, OLDER: 7}
        assert (central.epoch, central.seen) == (EPOCH, list(range(1, 31)))
        assert [one.epoch for one in log.chapters] == [EPOCH]
        await until(lambda: uplink.backlog == 0)


async def test_what_is_gone_at_the_end_of_an_earlier_chapter_is_declared() -> None:
    async with road(5, before={OLDER: 20}) as (uplink, central, log):
        central.epoch = OLDER
        del log.earlier[OLDER][20]
        log.earlier[OLDER] |= {23: b"broken"}
        uplink.connected()
        await asyncio.wait_for(uplink.drained(), 30)
        assert central.closed == {OLDER: 23}
        assert central.lost == 4
        assert central.seen == [1, 2, 3, 4, 5]


async def test_an_earlier_chapter_that_central_has_closed_is_put_aside() -> None:
    async with road(5, before={OLDER: 20}, talks=False) as (uplink, central, log):
        central.says = uplink.watermark
        uplink.watermark(central.mark(12, fenced=True, epoch=OLDER))
        uplink.connected()
        await asyncio.wait_for(uplink.drained(), 30)
        assert central.seen == [1, 2, 3, 4, 5]
        assert list(log.set_aside_why) == [OLDER]
        assert uplink.counters["observations_set_aside"] == 8
        assert not uplink.fenced


async def test_an_earlier_chapter_that_central_closed_with_all_of_it_is_no_loss() -> None:
    """A card that could delete nothing shows at the next start what was confirmed long ago."""
    async with road(5, before={OLDER: 20}, talks=False) as (uplink, central, log):
        central.says = uplink.watermark
        uplink.watermark(central.mark(20, fenced=True, epoch=OLDER))
        uplink.connected()
        await asyncio.wait_for(uplink.drained(), 30)
        assert central.seen == [1, 2, 3, 4, 5]
        assert log.set_aside_why == {}
        assert uplink.counters["observations_set_aside"] == 0


async def test_a_word_about_what_is_not_even_written_lets_nothing_go() -> None:
    async with road(5) as (uplink, central, _log):
        uplink.watermark(central.mark(1_000))
        assert uplink.acked_seq == 0
        assert uplink.counters["watermarks_foreign"] == 1
        uplink.connected()
        await asyncio.wait_for(uplink.drained(), 30)
        assert central.seen == [1, 2, 3, 4, 5]


async def test_a_card_that_forgot_what_central_has_is_told_of_for_good() -> None:
    async with road(5, before={OLDER: 20}) as (uplink, central, log):
        log.after = (OLDER, 20)
        central.epoch = OLDER
        uplink.watermark(central.mark(26, epoch=OLDER))
        assert uplink.counters["observations_forgotten"] == 6
        uplink.connected()
        await asyncio.wait_for(uplink.drained(), 30)
        assert central.seen == [1, 2, 3, 4, 5]
        uplink.watermark(central.mark(26, epoch=OLDER))  # retained, and heard again
        assert uplink.counters["observations_forgotten"] == 6
        assert "the disk forgot 6 observations" in uplink.trouble
        assert "replace the card" in uplink.hint


async def test_a_card_that_forgot_even_that_anything_waited_is_found_out_too() -> None:
    async with road(5, talks=False) as (uplink, central, log):
        log.after = (OLDER, 20)
        uplink.watermark(central.mark(20, epoch=OLDER))
        assert not uplink.counters["observations_forgotten"]
        for _ in range(2):
            uplink.watermark(central.mark(23, epoch=OLDER))
        assert uplink.counters["observations_forgotten"] == 3


async def test_words_about_another_journal_or_without_sense_change_nothing() -> None:
    async with road(50, talks=False) as (uplink, central, _log):
        uplink.watermark(central.mark(50, epoch="fedcba9876543210"))
        uplink.watermark(b"{")
        assert uplink.acked_seq == 0
        assert uplink.counters["watermarks_foreign"] == 2


async def test_a_row_that_breaks_the_contract_does_not_stop_the_road() -> None:
    async with road(30) as (uplink, central, log):
        log.rows[5] = b'{"kind":"code_scanned","device":"BAD"}'
        log.rows[6] = b"\xff"
        uplink.connected()
        await until(lambda: central.upto == 30)
        assert central.lost == 2
        assert uplink.counters["observations_skipped"] >= 2


@given(
    st.lists(st.sampled_from(["drop", "fail", "connect", "back", "more", "go"]), max_size=25),
    st.integers(1, 6),
)
@settings(max_examples=25, deadline=None)
def test_whatever_happens_everything_arrives_in_order(events: list[str], window: int) -> None:
    async def storm() -> None:
        async with road(40, resend_after_s=0.02, window=window, batch=7) as (uplink, central, log):
            uplink.connected()
            for event in events:
                if event == "drop":
                    # Each one that is swallowed doubles the wait: not too many at a time.
                    central.swallows = min(central.swallows + 2, 4)
                elif event == "fail":
                    central.fails = NotConnected("gone")
                elif event == "connect":
                    central.fails = None
                    uplink.connected()
                elif event == "back":
                    central.upto = max(log.trimmed_upto, central.upto - 9)
                    uplink.watermark(central.mark())
                elif event == "more":
                    log.committed_seq += 1
                    log.rows[log.committed_seq] = body(log.committed_seq)
                    uplink.wake()
                for _ in range(5):
                    await asyncio.sleep(0)
            central.fails = None
            uplink.connected()
            await until(lambda: central.upto == log.committed_seq)
            assert sorted(set(central.seen)) == list(range(1, log.committed_seq + 1))
            assert central.lost == 0

    asyncio.run(storm())


def test_backoff_is_jittered_and_capped() -> None:
    backoff = Backoff(first_s=1, most_s=8, least_s=0.1, draw=lambda _low, high: high)
    assert [backoff.next_s() for _ in range(6)] == [1, 2, 4, 8, 8, 8]
    backoff.reset()
    assert backoff.next_s() == pytest.approx(1)
