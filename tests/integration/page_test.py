#!/usr/bin/env python3
# beside others
"""The status page in a headless Chromium: what it shows, on a screen and on a phone, by keyboard, and that it is live.

TICKGATE_SCREENSHOTS=folder keeps the pictures. Exit code 77: no browser here, or the programs are not built.
"""

import json
import os
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
from browser import Browser, program  # noqa: E402
from node import Node, built  # noqa: E402

# Contrast of every text with what is behind it (WCAG 2.1, 1.4.3), the least of all.
CONTRAST = """
(() => {
  const light = (c) => { const v = c / 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
  const shine = ([r, g, b]) => 0.2126 * light(r) + 0.7152 * light(g) + 0.0722 * light(b);
  const colour = (text) => text.match(/[0-9.]+/g).map(Number);
  const behind = (e) => { for (; e; e = e.parentElement) { const c = colour(getComputedStyle(e).backgroundColor);
    if (c.length < 4 || c[3] > 0) return c; } return [255, 255, 255]; };
  let least = [99, ''];
  for (const e of document.querySelectorAll('h1,h2,h3,p,span,td,th,button,svg text')) {
    if (!e.textContent.trim()) continue;
    const style = getComputedStyle(e), of = e.closest('svg') ? style.fill : style.color;
    const a = shine(colour(of)), b = shine(behind(e));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < least[0]) least = [ratio, e.tagName + ' ' + e.textContent.slice(0, 40)];
  }
  return least;
})()
"""
TEXT = "document.getElementById('{}').innerText"


def text(browser, name):
    return browser.evaluate(TEXT.format(name))


def shown(browser, node):
    browser.until("document.body?.dataset.shown", "the first state is shown")
    browser.until("document.getElementById('connection').textContent === 'live'", "the page says that it is live")
    assert text(browser, "node") == "test-node"
    assert text(browser, "state") == "ready"
    feeds = text(browser, "feeds")
    assert "itch" in feeds and "stale" in feeds, feeds
    sessions = text(browser, "sessions")
    assert "nsdq" in sessions and "ready" in sessions and "down" in sessions, sessions
    assert "MM" in text(browser, "positions")
    profit = text(browser, "profit")
    assert "MM" in profit and "firm" in profit and "-2000.0000" in profit, profit
    assert "POSITION" in text(browser, "reasons")
    assert "takes" in text(browser, "strategies")
    browser.until(f"{TEXT.format('limits')}.includes('25.0 %')", "what is used of a limit is shown")
    limits = text(browser, "limits")
    assert "account MM" in limits and "quantity" in limits and "75" in limits, limits
    latency = text(browser, "latency")
    assert "lane0: frame to book" in latency and "1.00 % above 2.75 µs" in latency, latency
    # Two buckets have samples: two bars that are high, one of them beyond the line.
    high = "[...document.querySelector('svg').querySelectorAll('rect')].filter(r => r.getAttribute('height') > 1)"
    assert browser.evaluate(f"{high}.length") == 2
    assert browser.evaluate(f"{high}.map(r => r.getAttribute('class')).join()") == "bar,bar over"
    assert browser.evaluate("document.querySelectorAll('.alarm').length") >= 1
    node.dataplane("quality 4")
    browser.until(f"{TEXT.format('feeds')}.includes('suspect')", "a change is shown without a reload")
    assert node.cli("halt", "--reason", "a test")[0] == 0
    browser.until(f"{TEXT.format('force')}.includes('halted')", "what a person ordered is shown")


def drop_copies(browser):
    """A row of each kind, as `show drop-copy --json` has them; the program that is behind the page here has no copy."""
    assert "none is read" in text(browser, "drops")
    row = {"drop_copy": "nas-drop", "state": "up", "why": None, "silent_ms": 20, "waiting": 7, "differing": 0,
           "equal": 1234, "full": False}
    rows = [row, {**row, "drop_copy": "arca-drop", "differing": 3}, {**row, "drop_copy": "bats-drop", "full": True},
            {**row, "drop_copy": "edgx-drop", "state": "lost", "why": "it does not answer"}]
    # In one go: the next state draws over it.
    cells = browser.evaluate(f"(drops({json.dumps({'drop_copies': rows})}), "
                             "[...document.querySelectorAll('#drops td')].map(c => c.textContent + '/' + c.className))")
    assert len(cells) == 4 * 7, cells
    assert cells[:7] == ["nas-drop/", "up/left good", "0/", "7/", "1,234/", "20 ms/", "/left "], cells
    assert cells[9] == "3/bad" and cells[15] == "full/left bad" and cells[22] == "lost/left bad", cells
    assert cells[27] == "it does not answer/left ", cells


def own_only(browser):
    """Nothing comes from elsewhere, and nothing went wrong."""
    loaded = browser.evaluate("performance.getEntriesByType('resource').map(e => new URL(e.name).pathname)")
    assert set(loaded) <= {"/stream"}, loaded
    assert not browser.log, browser.log


def fits(browser, where):
    wide = browser.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"{where}: the page is {wide} pixels wider than the screen"
    least, which = browser.evaluate(CONTRAST)
    assert least >= 4.5, f"{where}: contrast {least:.2f} of '{which}'"


def keyboard(browser):
    active = "document.activeElement.id || document.activeElement.className || document.activeElement.tagName"
    browser.evaluate("document.activeElement.blur()")
    browser.key("Tab", "Tab", 9)
    assert browser.evaluate(active) == "skip"
    browser.key("Tab", "Tab", 9)
    assert browser.evaluate(active) == "pause"
    browser.key("Enter", "Enter", 13)
    browser.until(f"{TEXT.format('connection')} === 'paused'", "Enter pauses")
    assert browser.evaluate("document.getElementById('pause').getAttribute('aria-pressed')") == "true"
    browser.key("Enter", "Enter", 13)
    browser.until(f"{TEXT.format('connection')} === 'live'", "Enter goes on")
    browser.key("Tab", "Tab", 9)
    assert browser.evaluate(active) == "wide", "tables that scroll are reached by keyboard"
    # A table that is drawn anew keeps the focus.
    was = browser.evaluate("document.body.dataset.shown")
    browser.until(f"document.body.dataset.shown !== '{was}'", "another state")
    assert browser.evaluate(active) == "wide"


def looks(browser, pictures):
    for name, width, height, phone, dark in (
        ("desk", 1280, 900, False, False),
        ("dark", 1280, 900, False, True),
        ("phone", 390, 844, True, False),
        ("phone-dark", 320, 640, True, True),
    ):
        browser.size(width, height, phone, dark)
        fits(browser, name)
        target = browser.evaluate("document.getElementById('pause').getBoundingClientRect().height")
        assert target >= 44, f"{name}: the button is {target} pixels high"
        path = pictures / f"{name}.png"
        browser.screenshot(path)
        assert path.stat().st_size > 10000, f"{name}: an empty picture"


def main():
    missing = built()
    if missing or not program():
        print(missing or "no chromium here: apt-get install chromium")
        return 77
    with tempfile.TemporaryDirectory(prefix="tickgate-page-", ignore_cleanup_errors=True) as name:
        folder = pathlib.Path(name)
        pictures = pathlib.Path(os.environ.get("TICKGATE_SCREENSHOTS", name))
        with Node(folder) as node, Browser(folder / "browser") as browser:
            node.dataplane("refuse 3")
            browser.size(1280, 900)
            browser.call("Page.navigate", url=node.url("/"))
            shown(browser, node)
            drop_copies(browser)
            own_only(browser)
            looks(browser, pictures)
            browser.size(1280, 900)
            keyboard(browser)
            node.stop_dataplane()
            browser.until(f"{TEXT.format('state')} === 'no dataplane'", "the end of the dataplane is shown")
            node.stop_control()
            browser.until(f"{TEXT.format('connection')}.includes('does not answer')", "the page says who is missing")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except AssertionError as e:
        print(f"failed: {e}")
        sys.exit(1)
