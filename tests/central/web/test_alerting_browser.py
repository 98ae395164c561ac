"""Alerts and reports in a real browser: seen to, put to sleep, rules made and changed; a table, a
plot and a file; and who may do what.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from datetime import date
from pathlib import Path

import pytest

from central.access.model import Grant, Role
from central.alerts.model import Kind
from central.alerts.telling.programs import Hook
from central.config import EventsSection
from central.reports.catalogue import REPORTS
from central.web.alerting import words
from central.web.reporting.plots import PLOTS, bars
from central.web.views import needs
from central.web.views.needs import TAPS
from screens.static_files import STATIC
from tests.central.access.people import hire, log_in, staffed, visitor
from tests.central.access.test_gate import Somebody
from tests.central.harness import Bench, bench
from tests.central.web import stocked
from tests.central.web.test_ops_browser import opened
from tests.chromium import playwright, pytestmark
from tests.fakes.receiver import Receiver, receiving

__all__ = ["pytestmark"]

expect = playwright.expect


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench(tmp_path) as ready:
        await stocked.stock(ready)
        yield ready


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as opened_:
        yield opened_


async def test_an_alert_is_seen_to_and_put_to_sleep(made: Bench) -> None:
    async with opened(made, "/screen/alerts") as screen:
        page = screen.page
        await page.get_by_role("button", name="I see to it").click()
        await expect(page.locator(".toast")).to_contain_text("You see to it")
        await expect(page.locator("#alert-1")).to_contain_text("api sees to it")
        await page.get_by_role("button", name="Snooze").click()
        sheet = page.locator("#form-snooze")
        await sheet.get_by_label("How long").select_option("a day")
        await sheet.get_by_label("Note").fill("two pallets at noon")
        await sheet.get_by_role("button", name="Snooze").click()
        await expect(page.locator("#alert-1")).to_contain_text("sleeps until")
        await page.locator("#alert-1 a.name").first.click()
        await expect(page.locator("main")).to_contain_text("api: two pallets at noon")
        await page.get_by_role("link", name="rule-low-oats").click()
        await expect(page.locator('[id="rule-rule-low-oats"]')).to_contain_text("Too little")
        screen.clean()


async def test_a_new_alert_appears_without_a_reload(made: Bench) -> None:
    async with opened(made, "/screen/alerts") as screen:
        page = screen.page
        await page.evaluate("window.sameDocument = true")
        await made.post("/alerts/1/acknowledge", 200, note="somebody else was first")
        await expect(page.locator("#alert-1")).to_contain_text("api sees to it")
        assert await page.evaluate("window.sameDocument")
        screen.clean()


async def test_a_rule_is_made_changed_and_taken_away(made: Bench) -> None:
    async with opened(made, "/screen/alert-rules", 390, 844) as screen:
        page = screen.page
        await page.get_by_role("button", name="New rule").click()
        sheet = page.locator("#form-rule")
        await sheet.get_by_label("What").select_option("expiry")
        await sheet.get_by_label("Place, with").fill("WH-1")
        await sheet.get_by_label("Limit").fill("14")
        await sheet.get_by_role("button", name="Watch it").click()
        row = page.locator("tr", has_text="Expires soon")
        await expect(row).to_contain_text("North warehouse")
        await row.get_by_role("button", name="Change").click()
        sheet = page.locator("#form-change")
        await expect(sheet.get_by_label("Limit")).to_have_value("14")
        await sheet.get_by_label("Limit").fill("21")
        await sheet.get_by_label("Severity").select_option("critical")
        await sheet.get_by_role("button", name="Keep it").click()
        await expect(row).to_contain_text("critical")
        rules = (await made.get("/alerts/rules"))["rows"]
        assert isinstance(rules, list)
        (changed,) = [one for one in rules if one["kind"] == "expiry"]
        assert (changed["limit"], changed["location"]) == (21, "WH-1")
        await row.get_by_role("button", name="Take away").click()
        await page.locator("#form-remove").get_by_role("button", name="Take it away").click()
        await expect(row).to_have_count(0)
        assert await page.evaluate("document.documentElement.scrollWidth") == 390
        screen.clean()


async def test_who_is_told_and_when_is_changed_in_the_browser(made: Bench) -> None:
    for code in ("desk", "manager"):
        await made.post("/alerts/channels", code=code, kind="email", to=[f"{code}@example.com"])
    night = {"start": "22:00", "end": "06:00", "days": ["fri"]}
    await made.post("/alerts/rules", id="old", kind="expiry", limit=9, tell=["desk"], muted=[night])
    async with opened(made, "/screen/alert-rules", 390, 844) as screen:
        page = screen.page
        row = page.locator("#rule-old")
        await expect(row).to_contain_text("06:00 Fri")
        await row.get_by_role("button", name="Change").click()
        sheet = page.locator("#form-change")
        first = sheet.get_by_role("group", name="Hours 1")
        await expect(first.get_by_label("From")).to_have_value("22:00")
        await first.get_by_label("Sat").check()
        await sheet.get_by_role("button", name="Add hours").press("Enter")
        second = sheet.get_by_role("group", name="Hours 2")
        await expect(second.get_by_label("From")).to_be_focused()
        await second.get_by_label("From").fill("12:00")
        await sheet.get_by_role("button", name="Keep it").click()
        assert await second.get_by_label("Until").evaluate("one => one.validity.valueMissing")
        await second.get_by_label("Until").fill("13:30")
        passed_on = sheet.get_by_role("group", name="Who else is told")
        await passed_on.get_by_label("manager").check()
        await sheet.get_by_label("Those are told after").fill("900")
        await sheet.get_by_role("button", name="Keep it").click()
        await expect(row).to_contain_text("passed on to manager")
        rule = await made.get("/alerts/rules/old")
        assert rule["muted"] == [
            night | {"days": ["fri", "sat"]}, {"start": "12:00", "end": "13:30", "days": []},
        ]  # fmt: skip
        assert (rule["tell"], rule["escalate_to"]) == (["desk"], ["manager"])
        assert (rule["escalate_after_s"], rule["limit"]) == (900, 9)
        await row.get_by_role("button", name="Change").click()
        await first.get_by_role("button", name="Take these hours away").click()
        await expect(second).to_have_count(0)
        await sheet.get_by_role("group", name="Who is told").get_by_label("desk").uncheck()
        await sheet.get_by_role("button", name="Keep it").click()
        await expect(row).not_to_contain_text("22:00")
        rule = await made.get("/alerts/rules/old")
        assert (rule["tell"], [one["start"] for one in rule["muted"]]) == ([], ["12:00"])  # type: ignore[attr-defined]
        assert await page.evaluate("document.documentElement.scrollWidth") == 390
        screen.clean()


async def test_a_channel_is_made_tried_changed_and_taken_away(
    made: Bench, receiver: Receiver
) -> None:
    hook = Hook(EventsSection(webhook_networks=("127.0.0.0/8",)))  # type: ignore[arg-type]
    made.services.ways = {"webhook": hook}
    async with opened(made, "/screen/alert-channels", 390, 844) as screen:
        page = screen.page
        await page.get_by_role("button", name="New channel").click()
        sheet = page.locator("#form-channel")
        await sheet.get_by_label("Told by").select_option("webhook")
        await expect(sheet.get_by_label("Addresses")).to_be_hidden()
        await sheet.get_by_label("Code").fill("erp")
        await sheet.get_by_label("URL", exact=True).fill(receiver.url)
        await sheet.get_by_role("button", name="Make a key").click()
        await sheet.get_by_label("Hears of").select_option("warning")
        await sheet.get_by_label("Too little").check()
        await sheet.get_by_role("button", name="Add hours").click()
        await sheet.get_by_label("From").fill("22:00")
        await sheet.get_by_label("Until").fill("06:00")
        await sheet.get_by_role("button", name="Tell it").click()
        row = page.locator("#channel-erp")
        await expect(row).to_contain_text("silent 22:00")
        kept = await made.get("/alerts/channels/erp")
        assert (kept["to"], kept["kinds"], kept["least"]) == ([receiver.url], ["low"], "warning")
        assert (kept["has_secret"], kept["rings"], kept["location"]) == (True, "critical", None)
        assert "acknowledged" not in str(kept["hears"])

        await row.get_by_role("button", name="Send a test").click()
        await expect(row.get_by_role("status")).to_contain_text("It works")
        assert "a trial of channel erp" in receiver.posts.get(timeout=60).body.decode()
        receiver.answers = [(500, {})]
        await row.get_by_role("button", name="Send a test").click()
        await expect(row.get_by_role("status")).to_contain_text("It does not work: ")
        assert "500" in await row.get_by_role("status").inner_text()

        await row.get_by_role("button", name="Change").click()
        sheet = page.locator("#form-change")
        await expect(sheet.get_by_label("URL", exact=True)).to_have_value(receiver.url)
        assert await sheet.get_by_label("Key that signs").input_value() == ""
        await sheet.get_by_label("Too little").uncheck()
        await sheet.get_by_label("At the place").fill("WH-1")
        await sheet.get_by_label("Does not wait with").select_option("")
        await sheet.get_by_role("button", name="Keep it").click()
        await expect(row).to_contain_text("at North warehouse")
        now = await made.get("/alerts/channels/erp")
        assert (now["kinds"], now["rings"], now["has_secret"]) == ([], None, True)
        assert (now["quiet"], now["to"]) == (kept["quiet"], kept["to"])
        await row.get_by_role("button", name="Take away").click()
        await page.locator("#form-remove").get_by_role("button", name="Take it away").click()
        await expect(row).to_have_count(0)
        assert await page.evaluate("document.documentElement.scrollWidth") == 390
        screen.clean()


async def test_a_report_is_a_table_a_plot_and_a_file(made: Bench) -> None:
    async with opened(made, "/screen/reports") as screen:
        page = screen.page
        await page.get_by_role("link", name="Fast movers").click()
        await expect(page.locator(".plot li").first).to_contain_text("Rolled oats")
        await expect(page.locator("tbody tr").first).to_contain_text("OAT-500")
        await page.get_by_label("SKU").fill("MILK-1L")
        await page.get_by_role("button", name="Show").click()
        await expect(page.locator("main")).to_contain_text("Nothing to tell")
        await page.goto(page.url.split("?")[0] + "?from=2026-03-31&to=2026-03-01")
        await expect(page.get_by_role("alert")).to_contain_text("is behind to")
        await page.goto(page.url.split("?")[0])
        async with page.expect_download() as made_file:
            await page.get_by_role("link", name="CSV").click()
        assert (await made_file.value).suggested_filename.startswith("fast-movers-")
        screen.clean()


async def test_every_report_has_its_page(made: Bench) -> None:
    assert PLOTS.keys() == REPORTS.keys()
    for name in REPORTS:
        answer = await made.http.get(f"/screen/reports/{name}")
        assert answer.status_code == 200, name
        assert REPORTS[name].title in answer.text
    assert (await made.http.get("/screen/reports/nonsense")).status_code == 404


def test_spans_of_days_lie_in_the_plot() -> None:
    report = REPORTS["run-out"]
    names = [one.name for one in report.columns]
    blank = dict.fromkeys(names)
    soon = blank | {"name": "a", "not_before": date(2026, 1, 1), "runs_out": date(2026, 1, 3),
                    "not_after": date(2026, 1, 6)}  # fmt: skip
    later = blank | {"name": "b", "not_before": date(2026, 1, 6), "runs_out": date(2026, 1, 11),
                     "not_after": None}  # fmt: skip
    one, other = bars(report, [[row[name] for name in names] for row in (soon, later, blank)])
    assert (one.start, one.mark, one.length) == (0, 20, 50)
    assert (other.start, other.mark, other.length) == (50, 100, 50)
    assert bars(report, []) == []


async def test_nobody_is_sent_to_a_page_that_he_may_not_see(tmp_path: Path) -> None:
    door = Somebody()
    async with bench(tmp_path, door=door) as made:
        await stocked.stock(made)
        for role, buttons in ((Role.MANAGER, 1), (Role.TECHNICIAN, 0)):
            door.is_(role)
            async with opened(made, "/") as screen:
                late = screen.page.locator("#needs li", has_text="should have left").first
                await expect(late).to_be_visible()
                opening = late.get_by_role("link", name="Open")
                await expect(opening).to_have_count(buttons)  # what is hidden has no role
                seen = screen.page.locator("#needs").get_by_role("button", name="I see to it")
                await expect(seen.first).to_be_visible()
                screen.clean()


def test_each_tap_is_hidden_from_who_may_not() -> None:
    style = (STATIC / "ops.css").read_text()
    for one in TAPS:
        assert f'.at-needs:not([data-may~="{one}"]) [data-needs="{one}"]' in style
    written = Path(needs.__file__).read_text()
    assert set(re.findall(r'needs="([a-z:-]+)"', written)) == set(TAPS)


async def test_who_may_not_act_reads_why(tmp_path: Path) -> None:
    async with staffed(tmp_path) as (made, _):
        async with visitor(made) as root:
            await log_in(root, "root")
            made.http = root
            await stocked.stock(made)
        await hire(made, "aud", Grant(role=Role.AUDITOR))
        await hire(made, "otto", Grant(role=Role.OPERATOR))
        async with visitor(made) as aud:
            await log_in(aud, "aud")
            page = (await aud.get("/screen/alerts")).text
            assert "needs the right to write alerts" in page
            assert "I see to it" not in page
        async with visitor(made) as otto:
            await log_in(otto, "otto")
            assert "I see to it" in (await otto.get("/screen/alerts")).text
            rules = (await otto.get("/screen/alert-rules")).text
            assert "needs the right to write alert rules" in rules
            assert "Take away" not in rules
            channels = (await otto.get("/screen/alert-channels")).text
            assert "needs the right to write alert rules everywhere" in channels
            assert "Send a test" not in channels


async def test_every_kind_of_rule_has_words_and_can_be_shown(made: Bench) -> None:
    assert words.KINDS.keys() == set(Kind)
    await made.post("/alerts/rules", id="scales", kind="calibration", limit=7)
    page = await made.http.get("/screen/alert-rules")
    assert page.status_code == 200
    assert "Scale to be calibrated" in page.text
