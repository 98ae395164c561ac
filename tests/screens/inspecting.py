"""What every page must be, looked at in a real browser: one function for each promise."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from axe_playwright_python import async_playwright as axe
from playwright.async_api import BrowserContext, CDPSession, ConsoleMessage, Page

WIDTHS = (360, 390, 768, 1440, 3840)
MOST_BYTES = 200 * 1_024
MOST_SHIFT = 0.1
SERIOUS = {"serious", "critical"}
COLOUR_RULES = ("color-contrast", "link-in-text-block")
"""Of axe-core: what a page's colours decide, and nothing else of it."""
_MOST_STEPS = 250

_WATCH_SHIFTS = """
window.shifted = 0; window.moved = [];
new PerformanceObserver(list => {
  for (const entry of list.getEntries()) {
    if (entry.hadRecentInput) continue;
    window.shifted += entry.value;
    for (const source of entry.sources)
      window.moved.push(source.node ? (source.node.id || source.node.className ||
        source.node.nodeName) + '' : '?');
  }
}).observe({type: 'layout-shift', buffered: true});
"""
# Until nothing was put into the page for a while; what is live goes on for ever.
_SETTLED = """() => new Promise(done => {
  let quiet = setTimeout(done, 400);
  const watch = new MutationObserver(() => {
    clearTimeout(quiet); quiet = setTimeout(done, 400);
  });
  watch.observe(document.documentElement, {subtree: true, childList: true});
  setTimeout(done, 4000);
})"""
# A page that was made wider has its place within two frames; what draws itself anew needs a bit.
_LAID_OUT = """() => new Promise(done => {
  let quiet;
  const settle = () => { clearTimeout(quiet); quiet = setTimeout(done, 100); };
  new MutationObserver(settle).observe(document.documentElement, {subtree: true, childList: true});
  requestAnimationFrame(() => requestAnimationFrame(settle));
  setTimeout(done, 1000);
})"""
_PAINTED = """() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? -1"""
_WIDE = """() => {
  const most = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= most) return [];
  const told = [];
  for (const one of document.querySelectorAll('body *')) {
    const box = one.getBoundingClientRect();
    if (box.right > most + 1 && box.width > 0)
      told.push(one.nodeName.toLowerCase() + (one.id ? '#' + one.id : '') +
        (one.className && one.className.split ? '.' + one.className.split(' ')[0] : ''));
  }
  return [`${document.documentElement.scrollWidth} px wide`, ...told.slice(0, 6)];
}"""
_HEADINGS = """() => [...document.querySelectorAll('h1,h2,h3,h4,h5,h6')]
  .filter(one => one.checkVisibility({visibilityProperty: true}))
  .map(one => [+one.nodeName[1], one.innerText.trim()])"""
_CONTROLS = """() => {
  const found = [...document.querySelectorAll(
    'a[href], button, input, select, textarea, summary, [tabindex], audio[controls]')]
    .filter(one => !one.disabled && one.tabIndex >= 0 && one.type !== 'hidden' &&
      !one.closest('[inert]') &&
      one.checkVisibility({visibilityProperty: true, opacityProperty: false}));
  const groups = new Set();
  let number = 0;
  for (const one of found) {
    if (one.type === 'radio') {  // Tab goes to one of a group, arrows to the others
      const group = (one.form ? one.form.id : '') + '/' + one.name;
      if (groups.has(group)) continue;
      groups.add(group);
    }
    one.dataset.tabStop = number++;
  }
  document.activeElement?.blur();
  return number;
}"""
_FOCUSED = """() => {
  const one = document.activeElement;
  if (!one || one === document.body) return null;
  const name = one.nodeName.toLowerCase() + (one.id ? '#' + one.id : '') + ' "' +
    (one.innerText || one.getAttribute('aria-label') || one.name || '').trim().slice(0, 30) + '"';
  const radio = one.type === 'radio' ?
    document.querySelector(`input[type=radio][name="${one.name}"][data-tab-stop]`) : null;
  const style = getComputedStyle(one);
  const label = one.closest('label') || document.querySelector(`label[for="${one.id}"]`);
  const around = label ? getComputedStyle(label) : style;
  const seen = each => (each.outlineStyle !== 'none' && parseFloat(each.outlineWidth) > 0) ||
    each.boxShadow !== 'none';
  const stop = (radio || one).dataset.tabStop ?? null;
  // A date's parts are stops of their own, which the browser marks.
  const parted = ['date', 'time', 'datetime-local', 'month', 'week'].includes(one.type);
  if (parted || seen(style) || seen(around)) return [stop, name, true];
  // Else by what it looks like without it: a stroke within a drawing, a mark beside an input.
  const parts = [one, label, one.nextElementSibling, ...one.querySelectorAll('*')].filter(Boolean);
  const looks = () => parts.slice(0, 12).map(part => {
    const now = getComputedStyle(part);
    return [now.outline, now.boxShadow, now.stroke, now.strokeWidth, now.borderColor,
      now.backgroundColor].join();
  }).join('|');
  const with_it = looks();
  one.blur();
  const without = looks();
  one.focus({focusVisible: true, preventScroll: true});
  return [stop, name, with_it !== without];
}"""
_STOP = """number => {
  const one = document.querySelector(`[data-tab-stop="${number}"]`);
  return one ? one.outerHTML.slice(0, 120) : '';
}"""


@dataclass
class Found:
    """What a page was found to be; ``faults`` are sentences, none where it is as promised."""

    name: str
    faults: list[str] = field(default_factory=list)
    bytes: int = 0
    paint_ms: float = 0.0
    shift: float = 0.0

    @property
    def measured(self) -> str:
        return (
            f"{self.name}: {self.bytes / 1_024:.0f} KiB, first paint {self.paint_ms:.0f} ms, "
            f"layout shift {self.shift:.3f}"
        )


class Visit:
    """A page that is opened for the first time, and everything that it did meanwhile."""

    def __init__(self, page: Page, link: CDPSession, origin: str) -> None:
        self.page = page
        self._origin = urlsplit(origin).netloc
        self.bytes = 0
        self.complaints: list[str] = []
        self.elsewhere: list[str] = []
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._said)
        page.on("request", lambda asked: self._asked(asked.url))
        link.on("Network.loadingFinished", self._loaded)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    def _asked(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme in {"http", "https", "ws", "wss"} and parts.netloc != self._origin:
            self.elsewhere.append(url)

    def _loaded(self, told: dict[str, float]) -> None:
        self.bytes += int(told["encodedDataLength"])


async def visit(context: BrowserContext, url: str, *, status: int = 200) -> Visit:
    """Open a page with nothing in the cache, and wait until it stands."""
    page = await context.new_page()
    link = await context.new_cdp_session(page)
    await link.send("Network.enable")
    await page.add_init_script(_WATCH_SHIFTS)
    made = Visit(page, link, url)
    answer = await page.goto(url)
    assert answer is not None
    assert answer.status == status, f"{url}: {answer.status}"
    await page.evaluate(_SETTLED)
    return made


async def inspect(context: BrowserContext, name: str, url: str) -> Found:
    """Everything that is promised of a page."""
    found = Found(name)
    seen = await visit(context, url)
    page = seen.page
    found.paint_ms = await page.evaluate(_PAINTED)
    found.shift = await page.evaluate("() => window.shifted")
    found.bytes = seen.bytes
    if found.shift > MOST_SHIFT:
        moved = await page.evaluate("() => window.moved")
        found.faults.append(f"its layout jumps by {found.shift:.2f}: {moved[:8]}")
    if found.bytes > MOST_BYTES:
        found.faults.append(f"it weighs {found.bytes / 1_024:.0f} KiB")
    found.faults += await _headings(page)
    found.faults += await accessible(page)
    found.faults += await _reachable(page)
    await page.emulate_media(color_scheme="dark")
    found.faults += await accessible(page, only_colours=True)
    found.faults += await _narrow_and_wide(page)
    await page.evaluate(_SETTLED)
    found.faults += [f"it asks elsewhere: {one}" for one in seen.elsewhere]
    found.faults += [f"the console says: {one}" for one in seen.complaints]
    await page.close()
    return found


async def accessible(page: Page, *, only_colours: bool = False) -> list[str]:
    """What axe-core finds serious or critical: by all its rules, or by those that depend on
    colours, for a page that was looked at in others already.
    """
    await page.evaluate("() => new Promise(requestAnimationFrame)")
    options: dict[str, object] = {"resultTypes": ["violations"]}
    if only_colours:
        options["runOnly"] = list(COLOUR_RULES)
    told = (await axe.Axe().run(page, options=options)).response
    scheme = "in other colours" if only_colours else "at first"
    return [
        f"axe, {scheme}: {rule['id']} ({rule['impact']}): {rule['help']}: "
        f"{[node['html'][:160] for node in rule['nodes'][:3]]}"
        for rule in told["violations"]
        if rule["impact"] in SERIOUS
    ]


async def _headings(page: Page) -> list[str]:
    """One of the first level, and none that skips a level."""
    told = await page.evaluate(_HEADINGS)
    levels = [level for level, _ in told]
    faults = []
    if levels.count(1) != 1:
        faults.append(f"it has {levels.count(1)} headings of the first level: {told[:6]}")
    faults += [
        f"a heading skips a level: {before} is followed by {after}"
        for before, after in itertools.pairwise(told)
        if after[0] > before[0] + 1
    ]
    return faults


async def _narrow_and_wide(page: Page) -> list[str]:
    faults = []
    for width in WIDTHS:
        await page.set_viewport_size({"width": width, "height": 900})
        await page.evaluate(_LAID_OUT)
        if told := await page.evaluate(_WIDE):
            faults.append(f"it scrolls sideways at {width} px: {told}")
    return faults


async def _reachable(page: Page) -> list[str]:
    """Every control by Tab, each with a focus that is seen."""
    controls = await page.evaluate(_CONTROLS)
    reached, unseen = Counter[int](), []
    for _ in range(min(controls + 24, _MOST_STEPS)):
        await page.keyboard.press("Tab")
        told = await page.evaluate(_FOCUSED)
        if told is None:
            continue
        stop, name, is_seen = told
        if stop is not None:
            reached[int(stop)] += 1
        if not is_seen:
            unseen.append(name)
    wanted = range(min(controls, _MOST_STEPS - 24))
    missed = [number for number in wanted if number not in reached]
    faults = [f"Tab shows no focus on {name}" for name in dict.fromkeys(unseen)]
    faults += [f"Tab does not reach {await page.evaluate(_STOP, number)}" for number in missed[:5]]
    return faults
