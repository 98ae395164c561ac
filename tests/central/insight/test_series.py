"""Both stores of measurements answer alike, and our lines are InfluxDB's."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import time
import urllib.parse
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from central.insight.line_protocol import line
from central.insight.series import (
    Feed,
    Point,
    Sample,
    SeriesRefused,
    SeriesStore,
    SeriesUnavailable,
    Word,
    fits,
)
from central.insight.series_duckdb import DuckDBSeries
from central.insight.series_influx import InfluxSeries
from central.insight.windows import MINUTE_US, Bucket, Fold, Window, window
from tests.fakes import influxd

SECOND = 1_000_000
START = 1_700_000_000 * SECOND

_words = st.text(min_size=0, max_size=12).filter(lambda t: "\x00" not in t)
_numbers = st.floats(allow_nan=True, allow_infinity=True, width=64)


@settings(max_examples=200, deadline=None)
@given(
    measurement=_words.filter(lambda t: not t.startswith("#")),
    tags=st.dictionaries(_words, _words, max_size=4),
    fields=st.dictionaries(_words, _numbers, max_size=4),
    time_us=st.integers(0, 2**62),
)
def test_our_lines_equal_the_clients(
    measurement: str, tags: dict[str, str], fields: dict[str, float], time_us: int
) -> None:
    from influxdb_client import Point as Oracle

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        oracle = Oracle(measurement)
        for key, value in tags.items():
            oracle.tag(key, value)
        for name, number in fields.items():
            oracle.field(name, float(number))
        expected = oracle.time(time_us, write_precision="us").to_line_protocol()
    ours = line(Point(measurement=measurement, tags=tags, fields=fields, time_us=time_us))
    assert ours == expected


@pytest.fixture(scope="module")
def influx_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if influxd.influxd_path() is None:
        pytest.skip("influxd is not installed (apt-get install influxdb)")
    with influxd.running_influxd(tmp_path_factory.mktemp("influxd"), "tally") as url:
        yield url


@asynccontextmanager
async def _opened(store: SeriesStore) -> AsyncIterator[SeriesStore]:
    await store.open()
    try:
        yield store
    finally:
        await store.close()


def _point(measurement: str, tags: dict[str, str], time_us: int, **fields: float) -> Point:
    return Point(measurement=measurement, tags=tags, fields=fields, time_us=time_us)


def _antenna(seconds: float, antenna: str = "1", **fields: float) -> Point:
    return Point(
        measurement="antenna",
        tags={"device": "dock, 1=a", "antenna": antenna},
        fields=fields,
        time_us=START + int(seconds * SECOND),
    )


async def _values(
    store: SeriesStore, tags: dict[str, str], field: str, fold: Fold, asked: Window
) -> list[float]:
    stretch_us, rows = await store.buckets("antenna", tags, field, asked)
    return [row.value(fold, stretch_us) for row in rows]


async def _all(store: SeriesStore, tags: dict[str, str], field: str, to_us: int) -> list[Sample]:
    pages = store.samples("antenna", tags, field, from_us=START, to_us=to_us)
    return [one async for page in pages for one in page]


def _span(seconds: int, stretch_s: int) -> Window:
    return Window(
        from_us=START, to_us=START + seconds * SECOND, stretch_us=stretch_s * SECOND
    )  # START is a multiple of 20 s


async def _answers_alike(store: SeriesStore) -> None:
    points = [_antenna(n / 2, reads=10.0, rssi_dbm=-50.0 - n) for n in range(20)]
    await store.write(points)
    await store.write(points[5:12])  # sent twice: counted once
    await store.write([_antenna(3, antenna="2", reads=7.0)])
    tags = points[0].tags
    _, rows = await store.buckets("antenna", tags, "reads", _span(10, 1))
    assert [(row.time_us - START) // SECOND for row in rows] == list(range(10))
    assert {row.value(Fold.RATE, SECOND) for row in rows} == {20.0}
    mean = await _values(store, tags, "rssi_dbm", Fold.MEAN, _span(10, 2))
    assert mean == [-51.5, -55.5, -59.5, -63.5, -67.5]
    _, (whole,) = await store.buckets("antenna", tags, "rssi_dbm", _span(10, 10))
    assert whole == Bucket(
        time_us=START, low=-69.0, high=-50.0, total=-1190.0, count=20, last=-69.0
    )
    assert await store.buckets("antenna", {"device": "x"}, "reads", _span(10, 2)) == (
        2 * SECOND,
        [],
    )
    newest = await store.newest("antenna", tags, "rssi_dbm", before_us=START + 3 * SECOND)
    assert newest == Sample(time_us=START + 2_500_000, value=-55.0)
    assert await store.newest("antenna", tags, "rssi_dbm", before_us=START) is None
    assert await store.began("antenna", tags, "rssi_dbm") == START
    assert await store.began("antenna", {"device": "x"}, "reads") is None
    every = await _all(store, tags, "rssi_dbm", START + 10 * SECOND)
    assert [one.value for one in every] == [-50.0 - n for n in range(20)]
    assert every[3].time_us == START + 1_500_000
    found = [f for f in await store.feeds() if f.measurement == "antenna"]
    assert [f.tags for f in found] == [{"device": "dock, 1=a", "antenna": n} for n in ("1", "2")]
    assert found[0].fields == ("reads", "rssi_dbm")
    await _finds_alike(store)


async def _finds_alike(store: SeriesStore) -> None:
    goods = [{"sku": sku, "location": "A"} for sku in ("100%", 'OAT "5"', "Ä-1")]
    await store.write([_point("stock", tags, START, on_hand=1.0) for tags in goods])
    feeds = await store.feeds()
    for words in (
        [],
        [Word(text="dock")],
        [Word(text="dock"), Word(text="rssi")],
        [Word(text="100%")],
        [Word(text="nothing", tags=frozenset({("sku", 'OAT "5"'), ("sku", "Ä-1")}))],
        [Word(text="nothing", fields=frozenset({("stock", "on_hand")}))],
        [Word(text="ä-1")],
        [Word(text="nothing")],
    ):
        expected = [
            (feed.measurement, feed.tags, field)
            for feed in feeds
            for field in feed.fields
            if all(fits(word, feed, field) for word in words)
        ]
        found = await store.find(words, 50)
        assert sorted(map(str, expected)) == sorted(
            str((feed.measurement, feed.tags, field)) for feed, field in found
        ), words
        assert len(await store.find(words, 1)) == min(1, len(expected))


async def test_duckdb_answers(tmp_path: Path) -> None:
    async with _opened(DuckDBSeries(tmp_path / "series.duckdb")) as store:
        await _answers_alike(store)


@pytest.mark.influx
async def test_influx_answers(influx_url: str) -> None:
    store = InfluxSeries(url=influx_url, token="t", org="o", bucket="tally")
    async with _opened(store):
        await _answers_alike(store)


@pytest.mark.influx
async def test_influx_names_what_is_wrong(influx_url: str) -> None:
    point = _antenna(0, reads=1.0)
    store = InfluxSeries(url=influx_url, token="t", org="o", bucket="nowhere")
    async with _opened(store):
        with pytest.raises(SeriesUnavailable, match="nowhere"):
            await store.write([point])
    gone = InfluxSeries(
        url=f"http://127.0.0.1:{influxd.free_port()}", token="", org="o", bucket="x"
    )
    async with _opened(gone):
        with pytest.raises(SeriesUnavailable, match="cannot be reached"):
            await gone.write([point])
        with pytest.raises(SeriesUnavailable, match="cannot be reached"):
            await gone.feeds()
    store = InfluxSeries(url=influx_url, token="t", org="o", bucket="tally")
    async with _opened(store):
        await asyncio.to_thread(store._write, "typed v=1i 1")
        with pytest.raises(SeriesRefused, match="conflict"):
            await asyncio.to_thread(store._write, "typed v=1.5 2")


@pytest.mark.influx
async def test_victoria_metrics_takes_our_writes(tmp_path: Path) -> None:
    binary = shutil.which("victoria-metrics")
    if binary is None:
        pytest.skip("victoria-metrics is not installed (apt-get install victoria-metrics)")
    port = influxd.free_port()
    process = await asyncio.to_thread(
        subprocess.Popen,
        [
            binary,
            f"-storageDataPath={tmp_path}",
            f"-httpListenAddr=127.0.0.1:{port}",
            "-retentionPeriod=100y",
            "-memory.allowedBytes=64MB",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        influxd.wait_for_http(port, "/health", process)
        store = InfluxSeries(url=f"http://127.0.0.1:{port}", token="", org="o", bucket="b")
        async with _opened(store):
            await store.write([_antenna(n, reads=float(n)) for n in range(5)])
        asked = urllib.parse.urlencode({"match[]": "antenna_reads", "reduce_mem_usage": "0"})
        influxd.request(port, "GET", "/internal/force_flush")
        _, body = influxd.request(port, "GET", f"/api/v1/export?{asked}")
        exported = json.loads(body)
        assert exported["values"] == [0, 1, 2, 3, 4]
        assert exported["metric"]["antenna"] == "1"
    finally:
        process.terminate()
        process.wait(30)


DAY = 86_400 * SECOND
AROUND = START // DAY * DAY


async def test_duckdb_keeps_prunes_and_survives_a_broken_file(tmp_path: Path) -> None:
    path = tmp_path / "series.duckdb"
    store = DuckDBSeries(path)
    assert await store.open()
    await store.write([_antenna(n, reads=1.0) for n in range(10)])
    await store.prune(START + 5 * SECOND, 0)
    await store.close()
    store = DuckDBSeries(path)
    assert not await store.open()
    tags = _antenna(0).tags
    assert [one.time_us for one in await _all(store, tags, "reads", START + DAY)] == [
        START + n * SECOND for n in range(5, 10)
    ]
    stretch_us, (minute,) = await store.buckets("antenna", tags, "reads", _span(10, 1))
    assert (stretch_us, minute.count) == (MINUTE_US, 10), "minutes are kept for longer"
    await store.write([_antenna(1, reads=5.0)])  # older than points are kept: changes nothing
    assert (await store.buckets("antenna", tags, "reads", _span(10, 1)))[1] == [minute]
    await store.prune(START + 5 * SECOND, START + DAY)
    assert (await store.buckets("antenna", tags, "reads", _span(10, 1)))[1] == []
    await store.close()
    path.write_bytes(b"torn" * 5000)
    store = DuckDBSeries(path)
    assert await store.open(), "a new file asks to be filled again"
    assert path.with_name("series.duckdb.bad").exists()
    assert await store.feeds() == []
    await store.close()


_moments = st.lists(
    st.tuples(st.integers(0, 3 * 86_400), st.integers(-1_000, 1_000)), min_size=1, max_size=40
)


@settings(max_examples=25, deadline=None)
@given(
    writes=st.lists(_moments, min_size=1, max_size=4), stretch_s=st.sampled_from([60, 300, 3_600])
)
async def test_minutes_tell_what_the_points_tell(
    tmp_path_factory: pytest.TempPathFactory,
    writes: list[list[tuple[int, int]]],
    stretch_s: int,
) -> None:
    """Whatever comes late, twice or anew: read by minutes or by points, the same."""
    store = DuckDBSeries(tmp_path_factory.mktemp("minutes") / "series.duckdb")
    async with _opened(store):
        kept = dict[int, float]()
        for moments in writes:
            points = [
                _point("antenna", {"device": "a"}, AROUND + at * SECOND, x=float(value))
                for at, value in moments
            ]
            newest = _point("antenna", {"device": "b"}, time.time_ns() // 1_000, x=1.0)
            await store.write([*points, newest])
            kept.update((point.time_us, point.fields["x"]) for point in points)
        assert store._state.rolled_us > 0
        asked = Window(from_us=AROUND, to_us=AROUND + 4 * DAY, stretch_us=stretch_s * SECOND)
        _, rows = await store.buckets("antenna", {"device": "a"}, "x", asked)
        assert rows == _folded(kept, asked.stretch_us)
        for before_us in (AROUND + DAY, AROUND + 3 * DAY):
            told = await store.newest("antenna", {"device": "a"}, "x", before_us=before_us)
            assert await store.began("antenna", {"device": "a"}, "x") == min(kept)
            older = [at for at in kept if at < before_us]
            assert (told and told.value) == (kept[max(older)] if older else None)


async def test_who_writes_the_past_down_is_not_overtaken(tmp_path: Path) -> None:
    """Minutes are written down behind those who fill a new file, not before them: not one has to
    be mended afterwards. When points are of today again, the rest follows.
    """
    hour = 3_600 * SECOND
    store = DuckDBSeries(tmp_path / "series.duckdb")
    async with _opened(store):
        for nth in range(6):
            at_us = AROUND + nth * hour
            points = [_point("antenna", {}, at_us + n * SECOND, x=1.0) for n in range(0, 3_600, 60)]
            assert store._state.rolled_us <= at_us
            await store.write(points)
        assert store._state.rolled_us > 0
        store._fronts.clear()
        await store.write([_point("antenna", {}, time.time_ns() // 1_000, x=1.0)])
        assert store._state.rolled_us >= AROUND + 6 * hour


def _folded(kept: dict[int, float], stretch_us: int) -> list[Bucket]:
    groups = dict[int, list[float]]()
    for at, value in sorted(kept.items()):
        groups.setdefault(at // stretch_us * stretch_us, []).append(value)
    made = list[Bucket]()
    for at, each in sorted(groups.items()):
        low, high, total = min(each), max(each), sum(each)
        made.append(
            Bucket(time_us=at, low=low, high=high, total=total, count=len(each), last=each[-1])
        )
    return made


async def test_a_file_of_an_earlier_release_is_taken_over(tmp_path: Path) -> None:
    import duckdb

    path = tmp_path / "series.duckdb"
    with duckdb.connect(str(path)) as old:
        old.execute("CREATE TABLE feed (id INTEGER, measurement VARCHAR, tags VARCHAR)")
        old.execute(
            "CREATE TABLE point (feed INTEGER, field VARCHAR, time_us BIGINT, value DOUBLE)"
        )
        old.execute("INSERT INTO feed VALUES (1, 'antenna', '{\"device\": \"a\"}')")
        old.execute(f"INSERT INTO point VALUES (1, 'reads', {START}, 4)")
    async with _opened(DuckDBSeries(path)) as store:
        (feed,) = await store.feeds()
        assert feed == Feed(measurement="antenna", tags={"device": "a"}, fields=("reads",))
        tags = {"device": "a"}
        await store.write([_point("antenna", tags, START + DAY, reads=6.0)])
        asked = window(START, START + 2 * DAY, 4)
        assert await _values(store, tags, "reads", Fold.MAX, asked) == [4.0, 6.0]
        every = await _all(store, tags, "reads", START + 2 * DAY)
        assert [one.value for one in every] == [4.0, 6.0]


@given(
    from_us=st.integers(0, 4_000_000_000 * SECOND),
    span_us=st.integers(0, 4_000_000_000 * SECOND),
    most=st.integers(2, 4_000),
)
def test_a_window_holds_the_span_in_few_whole_stretches(
    from_us: int, span_us: int, most: int
) -> None:
    made = window(from_us, from_us + span_us, most)
    assert made.from_us <= from_us < made.from_us + made.stretch_us
    assert made.to_us >= from_us + span_us
    assert 1 <= len(made) <= most
    assert made.from_us % made.stretch_us == made.to_us % made.stretch_us == 0
    assert made.stretch_us % SECOND == 0
    assert made.stretch_us < MINUTE_US or made.stretch_us % MINUTE_US == 0
