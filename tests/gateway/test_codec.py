from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import codec
from gateway.contract import (
    MAX_BATCH,
    Antenna,
    Batch,
    CodeScanned,
    ContractError,
    DeviceDescribed,
    DeviceHealth,
    GateWindow,
    Observation,
    Presence,
    TagResident,
    TagSighting,
    Watermark,
    WeightDisturbed,
    WeightSettled,
)

GOLDEN = Path(__file__).parents[1] / "wire" / "v1"
KINDS = [kind.__struct_config__.tag for kind in get_args(Observation)]
OTHERS = ("batch", "watermark", "presence", "digest")
AT = datetime(2026, 3, 14, 9, 26, 53, 589793, tzinfo=UTC)


def codec_of(name: str) -> tuple[Callable[[bytes], Any], Callable[[Any], bytes]]:
    if name == "watermark":
        return codec.decode_watermark, codec.encode_watermark
    if name == "presence":
        return codec.decode_presence, codec.encode_presence
    if name == "digest":
        return codec.decode_digest, codec.encode_digest
    return codec.decode, codec.encode


@pytest.mark.parametrize("name", [*KINDS, *OTHERS])
def test_what_version_1_once_said_still_means_the_same(name: str) -> None:
    payload = (GOLDEN / f"{name}.json").read_bytes()
    decode, encode = codec_of(name)
    said = json.loads(payload)
    now = json.loads(encode(decode(payload)))
    assert of_old(now, said) == said  # fields are only ever added, with defaults
    if name in KINDS:
        assert [entry["kind"] for entry in json.loads(payload)["observations"]] == [name]


def of_old(now: Any, said: Any) -> Any:
    """What is said now, without fields that were added since."""
    if isinstance(said, dict) and isinstance(now, dict):
        return {key: of_old(now[key], said[key]) for key in said if key in now}
    if isinstance(said, list) and isinstance(now, list) and len(now) == len(said):
        return [of_old(*pair) for pair in zip(now, said, strict=True)]
    return now


def test_no_golden_payload_is_left_alone() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == {*KINDS, *OTHERS}
    together = json.loads((GOLDEN / "batch.json").read_bytes())["observations"]
    assert [entry["kind"] for entry in together] == KINDS


def changed(name: str, **fields: Any) -> bytes:
    return json.dumps(json.loads((GOLDEN / f"{name}.json").read_bytes()) | fields).encode()


def test_fields_of_a_newer_sender_are_ignored() -> None:
    old = json.loads((GOLDEN / "batch.json").read_bytes())
    new = old | {"mood": {"deep": [1]}}
    new["observations"] = [entry | {"novelty": None} for entry in old["observations"]]
    new["observations"][7]["antennas"][0]["gain_dbi"] = 8.5
    assert codec.decode(json.dumps(new).encode()) == codec.decode(json.dumps(old).encode())
    assert codec.decode_watermark(changed("watermark", x=1)).upto_seq == 108
    assert codec.decode_presence(changed("presence", x=1)).state == "offline"


@pytest.mark.parametrize(
    ("payload", "where"),
    [
        (changed("batch", v=2), "$.v"),
        (changed("batch", v="1"), "$.v"),
        (changed("batch", edge="Dock Pi"), "$.edge"),
        (changed("batch", first_seq=0), "$.first_seq"),
        (changed("batch", sent_at="2026-03-14T09:26:54"), "$.sent_at"),
        (changed("batch", observations=[{"kind": "smell"}]), "$.observations[0].kind"),
        (
            (GOLDEN / "gate_window.json").read_bytes().replace(b'53.589793Z"', b'53.589793"'),
            "$.observations[0].event_time",
        ),
        (
            (GOLDEN / "tag_sighting.json").read_bytes().replace(b'"3034', b'"zz34'),
            "$.observations[0].epc",
        ),
        (changed("batch", committed_seq=2**63), "$.committed_seq"),
        (changed("batch", after_seq=2**63), "$.after_seq"),
        (changed("batch", edge="dock-pi\n"), "$.edge"),
        (changed("batch", epoch="k3v9x2m7q1ab\n"), "$.epoch"),
        (
            (GOLDEN / "tag_sighting.json").read_bytes().replace(b'1A85"', b'1A85\\n"'),
            "$.observations[0].epc",
        ),
        (b"{}", "`v`"),
        (b"", "truncated"),
        (b"[" * 100_000, "array"),
        (b'{"v":1,"x":' + b"[" * 100_000, "not a version 1 payload"),
        (codec.ZSTD_MAGIC + b"nonsense", "zstd"),
        (zstandard.compress(b" " * (codec.MAX_PAYLOAD_BYTES + 1)), "unpacks to more"),
        (b" " * (codec.MAX_PAYLOAD_BYTES + 1), "at most"),
    ],
)
def test_what_is_not_version_1_is_refused_with_a_place(payload: bytes, where: str) -> None:
    with pytest.raises(ContractError) as refused:
        codec.decode(payload)
    assert where in str(refused.value)


@pytest.mark.parametrize(
    ("name", "field", "values"),
    [
        ("tag_sighting", "peak_rssi_dbm", [1e308, -1e308, 3e3]),
        ("tag_sighting", "count", [0, 2**31 + 1, 10**400]),
        ("tag_sighting", "antenna", [-1, 65_536, 10**30]),
        ("weight_settled", "gross_mg", [10**15 + 1, -(2**63), 10**400]),
        ("weight_settled", "std_mg", [-1, 10**300]),
        ("device_health", "counters", [{"frames": -1}, {"frames": 10**400}]),
        ("device_health", "counters", [{f"c{n}": n for n in range(1_001)}]),
        ("device_described", "antennas", [[{"antenna": n} for n in range(257)]]),
        ("code_scanned", "event_time", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"]),
        ("tag_resident", "until", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"]),
        ("gate_window", "closed_at", ["1899-12-31T23:59:59Z", "9999-01-01T00:00:00.000001Z"]),
    ],
)
def test_what_no_device_can_say_is_refused(name: str, field: str, values: list[Any]) -> None:
    """Most of these once stopped judging, the charts or the first screen, for ever."""
    for value in values:
        told = msgspec.json.decode((GOLDEN / f"{name}.json").read_bytes())
        told["observations"][0][field] = value
        with pytest.raises(ContractError):
            codec.decode(json.dumps(told).encode())


def test_a_watermark_that_no_journal_could_reach_is_refused() -> None:
    for upto_seq in (-1, 2**40 + 1, 10**400):
        told = {"v": 1, "edge": "dock-pi", "epoch": "k3v9x2m7q1ab", "upto_seq": upto_seq}
        with pytest.raises(ContractError):
            codec.decode_watermark(json.dumps(told).encode())


def test_what_breaks_the_contract_is_not_sent() -> None:
    good = codec.decode((GOLDEN / "batch.json").read_bytes())
    naive = datetime(2026, 3, 14)  # noqa: DTZ001 - that is the mistake
    for broken in (
        msgspec.structs.replace(good, sent_at=naive),
        msgspec.structs.replace(good, edge="Capital"),
        msgspec.structs.replace(good, observations=good.observations[:1] * (MAX_BATCH + 1)),
        msgspec.structs.replace(good, v=2),
    ):
        with pytest.raises(ContractError):
            codec.encode(broken)


names = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,20}", fullmatch=True)
moments = st.datetimes(
    datetime(1970, 1, 2), datetime(2200, 1, 1),  # noqa: DTZ001 - given their zone below
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))]),
)  # fmt: skip
texts = st.text(st.characters(codec="utf-8"), max_size=20)
small = st.integers(0, 65_535)
masses = st.integers(-(10**15), 10**15)
counts = st.integers(1, 2**31)
decimals = st.none() | st.floats(-1e9, 1e9)
levels = st.none() | st.floats(-400, 400)
epcs = st.binary(max_size=64).map(lambda raw: raw.hex().upper())
where = {"device": names, "read_point": names, "event_time": moments}
tag = {"epc": epcs, "antenna": small, "count": counts, "epc_bits": small}
antennas = st.builds(Antenna, antenna=small, side=texts, alias=texts, x_m=decimals)
observations = st.one_of(
    st.builds(TagSighting, **where, **tag, peak_rssi_dbm=levels, phase_rad=decimals),
    st.builds(TagResident, **where, **tag, until=moments, low_rssi_dbm=levels),
    st.builds(GateWindow, **where, closed_at=moments, closed_by=texts, reads=counts),
    st.builds(
        WeightSettled,
        **where,
        plate=small,
        gross_mg=masses,
        disturbed_at=moments,
        calibration=st.none() | small,
        zero=st.none() | st.booleans(),
    ),
    st.builds(WeightDisturbed, **where, plate=small, reason=texts, gross_mg=st.none() | masses),
    st.builds(CodeScanned, **where, data=texts, symbology=st.none() | texts),
    st.builds(DeviceHealth, **where, state=texts, counters=st.dictionaries(texts, counts)),
    st.builds(DeviceDescribed, **where, driver=texts, antennas=st.lists(antennas, max_size=3)),
)
batches = st.builds(
    Batch,
    edge=names,
    epoch=st.from_regex(r"[0-9a-z]{8,64}", fullmatch=True),
    first_seq=st.integers(1, 2**40),
    observations=st.lists(observations, max_size=5),
    lost_before=st.integers(0, 2**40),
    sent_at=moments,
)


@given(batches, st.booleans())
@settings(max_examples=150, deadline=None)
def test_a_batch_comes_back_as_it_went(batch: Batch, compress: bool) -> None:
    assert codec.decode(codec.encode(batch, compress=compress)) == batch


@given(names, texts, moments, st.integers(0, 2**40), st.booleans())
def test_watermark_and_presence_come_back(
    edge: str, text: str, at: datetime, seq: int, fenced: bool
) -> None:
    watermark = Watermark(edge=edge, epoch=text, upto_seq=seq, fenced=fenced)
    assert codec.decode_watermark(codec.encode_watermark(watermark)) == watermark
    presence = Presence(edge=edge, state=text, since=at, reason=text)
    assert codec.decode_presence(codec.encode_presence(presence)) == presence


PLAIN = (GOLDEN / "batch.json").read_bytes()
damage = st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 255)), max_size=4)


@given(st.binary(max_size=200), st.sampled_from([b"", b"{", codec.ZSTD_MAGIC, PLAIN]), damage)
@settings(max_examples=300, deadline=None)
def test_garbage_raises_nothing_but_contract_errors(
    tail: bytes, head: bytes, hits: list[tuple[int, int]]
) -> None:
    broken = bytearray(head or zstandard.compress(PLAIN))
    for place, value in hits:
        broken[place % len(broken)] = value
    for decode in (codec.decode, codec.decode_watermark, codec.decode_presence):
        for payload in (bytes(broken), bytes(broken) + tail, tail):
            try:
                decode(payload)
            except ContractError as refused:
                assert str(refused)
