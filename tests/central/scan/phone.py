"""A phone in a real browser: scanned codes come as a wedge scanner's keystrokes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.chromium import CHROMIUM, FLAGS, playwright, pytestmark

NEEDS_BROWSER = pytestmark
PATIENCE_MS = 30_000
_BURST = """([code, aim]) => {
  let at_ms = performance.now();  // the keys' own times: this machine may be busy
  for (const one of [...(aim + code), "\\r"]) {
    const key = one === "\\r" ? "Enter" : one === "\\x1d" ? "]" : one;
    const ctrlKey = one === "\\x1d";
    const at = document.activeElement ?? document.body;
    const event = new KeyboardEvent("keydown", {key, ctrlKey, bubbles: true, cancelable: true});
    Object.defineProperty(event, "timeStamp", {value: at_ms += 4});
    at.dispatchEvent(event);
  }
}"""


class Phone:
    """One page of the floor. ``complaints`` are what its console says, but for lost requests."""

    def __init__(self, page: playwright.Page, url: str) -> None:
        self.page = page
        self.url = url
        self.complaints: list[str] = []
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._said)

    def _said(self, message: playwright.ConsoleMessage) -> None:
        lost = message.text.startswith("Failed to load resource")
        if message.type in {"error", "warning"} and not lost:
            self.complaints.append(message.text)

    async def open(self, view: str = "") -> None:
        """Go to a view, as a link or the home screen does."""
        await self.page.goto(f"{self.url}/scan#{view}")
        await self.page.wait_for_selector("#screen > *")

    async def ready(self) -> None:
        """Until the service worker keeps the pages, and the tasks are on the phone."""
        await self.page.evaluate("navigator.serviceWorker.ready.then(() => null)")
        await self.page.wait_for_selector("#link.good")
        await self.page.wait_for_selector("text=items and")

    async def go(self, view: str) -> None:
        """To another view of the same page."""
        await self.page.evaluate("(view) => { location.hash = view; }", view)

    async def scan(self, code: str, aim: str = "") -> None:
        """As a wedge scanner types it."""
        await self.page.evaluate(_BURST, [code, aim])

    async def told(self, words: str, kind: str = "") -> None:
        """Until the message says so."""
        box = self.page.locator(f"#message{'.' + kind if kind else ''}")
        await playwright.expect(box).to_contain_text(words, timeout=PATIENCE_MS)

    async def shows(self, selector: str, words: str) -> None:
        """Until a part of the page says so."""
        one = self.page.locator(selector).first
        await playwright.expect(one).to_contain_text(words, timeout=PATIENCE_MS)

    async def units(self, how_many: int) -> None:
        """On the pad that is open."""
        for digit in str(how_many):
            await self.page.locator("dialog .floor-key", has_text=digit).first.click()
        await self.page.click("#pad-ok")

    async def press(self, label: str) -> None:
        """A button, by its words."""
        await self.page.get_by_role("button", name=label, exact=True).last.click()

    async def sent(self) -> None:
        """Until central has everything."""
        await self.page.wait_for_selector("#queue", state="hidden")


@asynccontextmanager
async def browser(*flags: str) -> AsyncIterator[playwright.Browser]:
    """Debian's Chromium."""
    async with playwright.async_playwright() as driver:
        made = await driver.chromium.launch(executable_path=str(CHROMIUM), args=[*FLAGS, *flags])
        try:
            yield made
        finally:
            await made.close()


@asynccontextmanager
async def phone(url: str, *flags: str, **said: object) -> AsyncIterator[Phone]:
    """A phone with the tasks on it, upright."""
    async with browser(*flags) as made:
        size = {"width": 390, "height": 844}
        context = await made.new_context(viewport=size, has_touch=True, **said)
        one = Phone(await context.new_page(), url)
        await one.open()
        yield one
