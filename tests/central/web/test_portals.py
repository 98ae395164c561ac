"""Portals, their days and passes: what is rendered on both engines, and who may correct."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from central.access.model import Role
from central.database.moments import to_us
from central.web.portals import passes
from central.web.views import day
from tests.central.access.test_gate import Somebody
from tests.central.harness import Bench, bench
from tests.central.passes import dock


@pytest.fixture
def door() -> Somebody:
    return Somebody()


@pytest.fixture
async def made(tmp_path: Path, books_url: str, door: Somebody) -> AsyncIterator[Bench]:
    async with bench(tmp_path, books_url, door) as opened:
        yield opened


async def driven(made: Bench) -> dict[str, dict[str, Any]]:
    """A dock with a pass that moved and one that is asked about, by their decisions."""
    await made.database.write(dock.set_up)
    await dock.heard(made.database, dock.road(datetime.now(UTC)))
    rows: Any = (await made.get("/passes"))["rows"]
    return {one["decision"]: one for one in reversed(rows) if one["tags"]}


async def page(made: Bench, path: str, status: int = 200) -> str:
    answer = await made.http.get(path)
    assert answer.status_code == status, answer.text
    return answer.text


def on_of(one: dict[str, Any]) -> str:
    return str(one["closed_at"])[:10]


async def test_a_portals_day_has_its_passes_and_filters(made: Bench) -> None:
    assert "No portal yet" in await page(made, "/screen/portals")
    found = await driven(made)
    moved, asked = found["moved"], found["review"]
    every = await page(made, "/screen/portals")
    assert 'href="/screen/portals/dock-1"' in every
    on = on_of(moved)
    shown = await page(made, f"/screen/portals/dock-1?on={on}")
    for one in (moved, asked):
        assert f'id="pass-{one["id"]}"' in shown
    assert "6 tags came in" in shown
    assert "asked about" in shown
    for kind, there in (("asked", asked), ("empty", None), ("corrected", None)):
        listed = await page(made, f"/screen/portals/dock-1/day?on={on}&kind={kind}")
        assert f'id="pass-{moved["id"]}"' not in listed, kind
        assert (f'id="pass-{asked["id"]}"' in listed) == (there is asked), kind
    await made.post(f"/passes/{moved['id']}/corrections", whole="none")
    listed = await page(made, f"/screen/portals/dock-1/day?on={on}&kind=corrected")
    assert f'id="pass-{moved["id"]}"' in listed
    long_ago = await page(made, "/screen/portals/dock-1?on=2020-02-02")
    assert "No pass on this day" in long_ago
    await page(made, "/screen/portals/nowhere", 404)


async def test_the_strip_zooms_in_and_shows_the_photo_eye(made: Bench) -> None:
    moved = (await driven(made))["moved"]
    closed = to_us(datetime.fromisoformat(moved["closed_at"]))
    near = f"on={on_of(moved)}&since={closed - 20_000_000}&until={closed + 40_000_000}"
    shown = await page(made, f"/screen/portals/dock-1/day?{near}")
    assert f'href="/screen/passes/{moved["id"]}" class="bar in' in shown
    assert shown.count('class="strip-dark"') >= 1
    assert "The whole day" in shown


def test_passes_that_lie_on_each_other_are_one_bar() -> None:
    start = 1_770_000_000_000_000
    ones = [
        day.DayPass(
            id=str(n), opened_us=start + at * 1_000_000, closed_us=start + (at + 5) * 1_000_000,
            way="in", crossed=1, stayed=0, reads=9, confidence=0.99, kinds=frozenset({"moved"}),
        )
        for n, at in enumerate((10, 16, 22, 40_000))
    ]  # fmt: skip
    whole = day.bars(ones, start, start + 86_400_000_000)
    assert [bar.count for bar in whole] == [3, 1]
    close = day.bars(ones[:3], start, start + 60_000_000)
    assert [bar.count for bar in close] == [1, 1, 1]
    assert [round(bar.x * 60) for bar in close] == [10, 16, 22]
    twice = day.bars([ones[0], ones[0]], start, start + 60_000_000)
    assert [bar.inner for bar in twice] == [False, True], "both can be seen and pressed"
    assert [round(bar.width * 60) for bar in close] == [5, 5, 5]
    assert all(bar.x >= 0 and bar.x + bar.width <= 1 for bar in (*whole, *close))


async def test_a_pass_tells_why_first_in_sentences_then_in_numbers(made: Bench) -> None:
    found = await driven(made)
    moved = found["moved"]
    shown = await page(made, f"/screen/passes/{moved['id']}")
    assert "<h1>6 tags came in.</h1>" in shown
    said = re.findall(r"<li>([^<]+)</li>", shown)
    assert any(one.startswith("The antennas heard 6 tags") for one in said)
    assert "Decided: 6 tags came in." in said
    assert any("moves without asking from 97" in one for one in said)
    assert "SURE_TAG" in shown
    assert "peak_rssi_dbm" in shown
    assert shown.count("/screen/movements/") >= 3
    heard = await made.get(f"/screen/passes/{moved['id']}/signal")
    traces: Any = heard["traces"]
    assert {one["epc"] for one in traces} == {one["epc"] for one in moved["tags"]}
    assert {side for _ear, side in heard["ears"]} == {"outside", "inside"}  # type: ignore[attr-defined]
    assert sum(len(one["ms"]) for one in traces) == heard["sightings"]
    assert all(len(one["ms"]) == len(one["rssi"]) == len(one["phase"]) for one in traces)
    assert heard["dark"], "the photo-eye saw it"
    asked = await page(made, f"/screen/passes/{found['review']['id']}")
    assert "waits for an answer" in asked
    fragment = await made.http.get(f"/screen/passes/{moved['id']}", headers={"hx-request": "true"})
    assert "<html" not in fragment.text
    assert moved["tags"][0]["epc"] in fragment.text
    await page(made, "/screen/passes/unknown", 404)


async def test_a_movement_tells_why_and_leads_to_its_pass(made: Bench) -> None:
    moved = (await driven(made))["moved"]
    rows: Any = (await made.get("/movements"))["rows"]
    (first, *_) = [one for one in rows if one["evidence"].get("pass") == moved["id"]]
    shown = await page(made, f"/screen/movements/{first['id']}")
    assert "Decided: 6 tags came in." in shown
    assert "Posted as ledger line" in shown
    assert f'href="/screen/passes/{moved["id"]}"' in shown
    done = await made.post(f"/passes/{moved['id']}/corrections", whole="none")
    shown = await page(made, f"/screen/movements/{first['id']}")
    ids: Any = done["movements"]
    assert any(f'href="/screen/movements/{one}"' in shown for one in ids)
    await page(made, "/screen/movements/unknown", 404)


async def test_who_may_only_look_at_a_pass_cannot_correct_it(made: Bench, door: Somebody) -> None:
    moved = (await driven(made))["moved"]
    path = f"/screen/passes/{moved['id']}"
    for role, may in ((Role.OPERATOR, True), (Role.AUDITOR, False), (Role.TECHNICIAN, False)):
        door.is_(role)
        shown = await page(made, path)
        assert ("data-way=" in shown) == may, role
        assert ("data-whole=" in shown) == may, role
    refused = await made.http.post(f"/passes/{moved['id']}/corrections", json={"whole": "none"})
    assert refused.status_code == 403


async def test_what_was_left_alone_has_a_page_and_can_be_said_to_have_crossed(
    made: Bench,
) -> None:
    await driven(made)
    on = f"{datetime.now(UTC) - timedelta(seconds=1):%Y-%m-%d}"
    listed = await page(made, f"/screen/portals/dock-1/day?on={on}&kind=alone")
    (name, *_) = re.findall(r'id="pass-(\w+)"', listed)
    shown = await page(made, f"/screen/passes/{name}")
    assert "Nothing crossed." in shown
    (epc, *_) = re.findall(r'data-epc="(\w+)"', shown)
    done = await made.post(f"/passes/{name}/corrections", tags={epc: "in"})
    assert "1 tag came in" in str(done["says"])
    assert "1 tag came in" in await page(made, f"/screen/passes/{name}")


async def test_a_large_pass_is_shown_in_part_at_first(
    made: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passes, "_MOST_TAGS", 2)
    moved = (await driven(made))["moved"]
    shown = await page(made, f"/screen/passes/{moved['id']}")
    assert shown.count('class="pass-tag') - shown.count('class="pass-tags"') == 2
    assert "more of" in shown
    rest = await page(made, f"/screen/passes/{moved['id']}/tags?skip=2")
    assert all(f'data-epc="{tag["epc"]}"' in shown + rest for tag in moved["tags"])
    assert rest.count('class="pass-tag') == 4
    assert "hx-get" not in rest, "there are no more"
