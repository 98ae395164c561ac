"""The pure parts of the floor's scripts, run in a browser: barcodes as central reads them, the
queue under every accident that can be thought of, a scanner told from a person.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.command_codes import Verb, check_character, command_code, place_code
from gateway.gs1 import parse_scan
from gateway.gs1.keys import check_digit
from tests.central.harness import bench, served
from tests.central.scan.phone import NEEDS_BROWSER, Phone, phone

pytestmark = NEEDS_BROWSER
GS = "\x1d"
FIELDS = ("gtin", "sscc", "elements", "lot", "expiry", "quantity", "serial")
SAMPLES = 4_000
QUEUES = 400


@pytest.fixture
async def one(tmp_path: Path) -> AsyncIterator[Phone]:
    async with bench(tmp_path) as made, served(made) as url, phone(url) as opened:
        yield opened


def key(rng: random.Random, digits: int) -> str:
    payload = "".join(rng.choices("0123456789", k=digits - 1))
    return payload + (check_digit(payload) if rng.random() < 0.9 else rng.choice("0123456789"))


def words(rng: random.Random, most: int) -> str:
    return "".join(rng.choices("ABCXYZabc0123456789-/.+_", k=rng.randint(0, most + 2)))


def element(rng: random.Random) -> tuple[str, str]:
    """An application identifier with a value, and what ends it."""
    number = "".join(rng.choices("0123456789", k=6))
    day = rng.choice(
        (number, f"{rng.randint(0, 99):02}{rng.randint(0, 13):02}{rng.randint(0, 32):02}")
    )
    ai, value = rng.choice((
        ("00", key(rng, 18)), ("01", key(rng, 14)), ("02", key(rng, 14)), ("10", words(rng, 20)),
        ("11", day), ("15", day), ("17", day), ("20", number[:2]), ("21", words(rng, 20)),
        ("30", number[: rng.randint(0, 6)]), ("37", number[: rng.randint(0, 6)]),
        (f"310{rng.randint(0, 6)}", number), ("400", words(rng, 30)), ("414", key(rng, 13)),
        ("8005", number), ("240", words(rng, 9)),
    ))  # fmt: skip
    return ai, value


def sample(rng: random.Random) -> tuple[str, str | None]:
    """Something that a scanner may send, right and wrong."""
    kind = rng.random()
    if kind < 0.2:
        digits = key(rng, rng.choice((8, 12, 13, 14, 18, 17)))
        return digits, rng.choice((None, None, "]E0", "]E4", "]I1", "]C0", "]E3"))
    if kind < 0.25:
        return rng.choice(("0", "1")) + key(rng, 7), "]E0"
    if kind < 0.3:
        return words(rng, 30), rng.choice((None, "]C0", "]Q1"))
    parts = [element(rng) for _ in range(rng.randint(1, 4))]
    ends = (GS, GS, "", "{GS}", "^")
    text = "".join(ai + value + rng.choice(ends) for ai, value in parts)
    aim = rng.choice((None, "]C1", "]d2", "]Q3", "]e0"))
    return (f"{aim}{text}", None) if aim and rng.random() < 0.3 else (text, aim)


async def test_barcodes_read_as_central_reads_them(one: Phone) -> None:
    rng = random.Random(20260201)
    samples = [sample(rng) for _ in range(SAMPLES)]
    read: list[dict[str, Any]] = await one.page.evaluate(
        """async (samples) => {
          const { parseScan } = await import("/static/scan/gs1.js");
          return samples.map(([data, aim]) => parseScan(data, aim));
        }""",
        [list(pair) for pair in samples],
    )
    same = 0
    for (data, aim), here in zip(samples, read, strict=True):
        there = parse_scan(data, aim)
        if "only central knows" in (here["error"] or ""):
            continue
        assert {name: here[name] for name in FIELDS} == {
            name: getattr(there, name) for name in FIELDS
        }, (data, aim, here, there)
        assert (here["error"] is None) == (there.error is None), (data, aim, here, there)
        same += there.error is None
    assert same > SAMPLES / 4, "most samples were nonsense: that proves little"


async def test_our_labels_read_as_central_reads_them(one: Phone) -> None:
    rng = random.Random(7)
    places = ["".join(rng.choices("ABCz019._-", k=rng.randint(1, 40))) for _ in range(200)]
    codes = [place_code(one_) for one_ in places] + [command_code(verb) for verb in Verb]
    read: list[dict[str, str]] = await one.page.evaluate(
        """async (codes) => {
          const { parseFloorCode } = await import("/static/scan/floor_codes.js");
          return codes.map(parseFloorCode);
        }""",
        codes,
    )
    assert [told.get("place") for told in read[: len(places)]] == places
    assert [told.get("command") for told in read[len(places) :]] == [str(verb) for verb in Verb]
    wrong = [code[:-1] + ("A" if code[-1] != "A" else "B") for code in codes]
    torn = await one.page.evaluate(
        """async (codes) => {
          const { parseFloorCode } = await import("/static/scan/floor_codes.js");
          return codes.every((code) => parseFloorCode(code).torn);
        }""",
        wrong,
    )
    assert torn
    assert check_character("TP-C-PICK") == "F"


_QUEUE = (Path(__file__).parent / "queue_accidents.js").read_text(encoding="utf-8")


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_the_queue_loses_nothing_and_doubles_nothing(one: Phone, seed: int) -> None:
    """Requests and answers are lost, pages closed, commands refused, changed and taken back, in
    any order: in the end central did what was wanted, once.
    """
    assert await one.page.evaluate(_QUEUE, [QUEUES, seed]) == []


async def test_central_in_trouble_is_asked_again_and_then_a_person_is(one: Phone) -> None:
    states: list[list[Any]] = await one.page.evaluate(
        """async () => {
          const { answered, pauseMs, started } = await import("/static/scan/queue.js");
          let busy = { state: "waiting", tries: 0, needs: [], body: {} };
          let faulty = busy;
          const seen = [];
          for (let at = 0; at < 7; at += 1) {
            busy = answered(started(busy), { status: 503, retryAfterMs: 90_000 }, 0, 0.5);
            const again = faulty.state === "waiting";
            if (again) faulty = answered(started(faulty), { status: 500 }, 0, 0.5);
            seen.push([busy.state, busy.nextMs, faulty.state]);
          }
          return [...seen, [pauseMs(1, 1), pauseMs(20, 1)]];
        }"""
    )
    *seen, pauses = states
    assert [row[0] for row in seen] == ["waiting"] * 7
    assert all(row[1] >= 90_000 for row in seen), "it waits as long as central asks it to"
    assert [row[2] for row in seen] == ["waiting"] * 4 + ["refused"] * 3
    assert pauses == [1_000, 60_000]


async def test_a_scanner_is_told_from_a_person(one: Phone) -> None:
    keys: list[list[Any]] = await one.page.evaluate(
        (Path(__file__).parent / "wedge_keys.js").read_text(encoding="utf-8")
    )
    assert keys == [
        "]C10109521234000013", f"0109521234000013{GS}21A", "A-12",
        None, None, None, f"0195X{GS}17", "4006381333931",
    ]  # fmt: skip


async def test_a_burst_is_caught_in_a_field_and_typing_is_left_alone(one: Phone) -> None:
    await one.go("move")
    await one.page.click("#type-code")
    field = one.page.locator("#typed")
    await field.press_sequentially("A-1", delay=120)
    assert await field.input_value() == "A-1"
    await one.scan("no-such-code")
    await one.told("Not known", "bad")
    assert await one.page.locator("dialog").count() == 0


async def test_ids_sort_by_time_and_clocks_are_put_right(one: Phone) -> None:
    told = await one.page.evaluate(
        (Path(__file__).parent / "ids_and_clocks.js").read_text(encoding="utf-8")
    )
    assert told["sorted"]
    assert told["unlike"] == 300
    assert told["form"]
    assert told["never"], "nothing happens later than central's now"
    assert (told["better"], told["worse"], told["set"]) == (20, 20, -200)
    assert "60 min behind" in told["says"]
    assert told["silent"] == ""
