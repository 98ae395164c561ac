"""Both stores of measurements answer alike, and our lines are InfluxDB's."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
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
    Fold,
    Point,
    SeriesRefused,
    SeriesStore,
    SeriesUnavailable,
)
from central.insight.series_duckdb import DuckDBSeries
from central.insight.series_influx import InfluxSeries
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


def _antenna(seconds: float, antenna: str = "1", **fields: float) -> Point:
    return Point(
        measurement="antenna",
        tags={"device": "dock, 1=a", "antenna": antenna},
        fields=fields,
        time_us=START + int(seconds * SECOND),
    )


async def _answers_alike(store: SeriesStore) -> None:
    points = [_antenna(n / 2, reads=10.0, rssi_dbm=-50.0 - n) for n in range(20)]
    await store.write(points)
    await store.write(points[5:12])  # sent twice: counted once
    await store.write([_antenna(3, antenna="2", reads=7.0)])
    tags = points[0].tags
    span = {"from_us": START, "to_us": START + 10 * SECOND}
    rate = await store.query("antenna", tags, "reads", max_points=10, fold=Fold.RATE, **span)
    assert [(s.time_us - START) // SECOND for s in rate] == list(range(10))
    assert {s.value for s in rate} == {20.0}
    mean = await store.query("antenna", tags, "rssi_dbm", max_points=5, **span)
    assert [s.value for s in mean] == [-51.5, -55.5, -59.5, -63.5, -67.5]
    high = await store.query("antenna", tags, "rssi_dbm", max_points=1, fold=Fold.MAX, **span)
    last = await store.query("antenna", tags, "rssi_dbm", max_points=1, fold=Fold.LAST, **span)
    assert ([s.value for s in high], [s.value for s in last]) == ([-50.0], [-69.0])
    assert await store.query("antenna", {"device": "x"}, "reads", max_points=5, **span) == []
    found = [f for f in await store.feeds() if f.measurement == "antenna"]
    assert [f.tags for f in found] == [{"device": "dock, 1=a", "antenna": n} for n in ("1", "2")]


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


async def test_duckdb_keeps_prunes_and_survives_a_broken_file(tmp_path: Path) -> None:
    path = tmp_path / "series.duckdb"
    store = DuckDBSeries(path)
    assert await store.open()
    await store.write([_antenna(n, reads=1.0) for n in range(10)])
    await store.prune(START + 5 * SECOND)
    await store.close()
    store = DuckDBSeries(path)
    assert not await store.open()
    tags = _antenna(0).tags
    span = {"from_us": START, "to_us": START + 10 * SECOND, "max_points": 100}
    assert len(await store.query("antenna", tags, "reads", **span)) == 5
    await store.close()
    path.write_bytes(b"torn" * 5000)
    store = DuckDBSeries(path)
    assert await store.open(), "a new file asks to be filled again"
    assert path.with_name("series.duckdb.bad").exists()
    assert await store.feeds() == []
    await store.close()
