"""The report as a browser opens it from disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.reports.model import ReportContext
from pipeline.reports.render import render

pytestmark = pytest.mark.browser

ARGUMENTS = ["--no-sandbox", "--headless", "--disable-gpu", "--disable-background-networking"]
#: WCAG contrast of every visible text against the page or banner behind it.
CONTRAST = """() => {
  const channels = colour => colour.match(/[\\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = node => {
    for (; node; node = node.parentElement) {
      const own = channels(getComputedStyle(node).backgroundColor);
      if (own.length === 3 || own[3] > 0) return own;
    }
    return [255, 255, 255];
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !node.getClientRects().length) continue;
    const style = getComputedStyle(node);
    const text = luminance(channels(node.closest("svg") ? style.fill : style.color));
    const page = luminance(behind(node));
    const ratio = (Math.max(text, page) + 0.05) / (Math.min(text, page) + 0.05);
    if (ratio < 4.5) found.push([walker.currentNode.data.trim(), ratio]);
  }
  return found;
}"""


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[Any]:
    """A headless Chromium; Playwright only drives it."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield found
        found.close()


@pytest.fixture(scope="module")
def address(rich_html: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The rich report on disk."""
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(rich_html, encoding="utf-8")
    return path.as_uri()


def opened(browser: Any, address: str, *, width: int = 1280, scheme: str = "light") -> Any:
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.goto(address)
    return page


def test_the_page_asks_for_nothing_and_complains_of_nothing(browser: Any, address: str) -> None:
    page, requests, messages = browser.new_page(), [], []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.goto(address)
    assert [url for url in requests if not url.startswith("data:")] == [address]
    assert messages == []


@pytest.mark.parametrize("width", [320, 360, 768, 1280])
def test_the_page_never_scrolls_sideways(browser: Any, address: str, width: int) -> None:
    page = opened(browser, address, width=width)
    page.evaluate("document.querySelectorAll('details').forEach(own => own.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_dark_mode_turns_page_and_pictures(browser: Any, address: str) -> None:
    colours = (
        "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.querySelector('svg text')).fill]"
    )
    light, dark = (opened(browser, address, scheme=scheme).evaluate(colours) for scheme in ("light", "dark"))
    assert light[0] != dark[0]
    assert light[1] != dark[1]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_contrast(browser: Any, address: str, scheme: str) -> None:
    assert opened(browser, address, scheme=scheme).evaluate(CONTRAST) == []


@pytest.mark.parametrize(("width", "shown"), [(360, "narrow"), (1280, "wide")])
def test_one_of_two_pictures_over_time_is_shown(browser: Any, address: str, width: int, shown: str) -> None:
    page = opened(browser, address, width=width)
    visible = page.evaluate(
        "[...document.querySelectorAll('.wide, .narrow')].filter(e => e.offsetHeight).map(e => e.className)"
    )
    assert set(visible) == {shown}


def test_text_of_pictures_is_readable_on_a_phone(browser: Any, address: str) -> None:
    page = opened(browser, address, width=360)
    heights = page.evaluate(
        "[...document.querySelectorAll('svg text')].map(e => e.getBoundingClientRect().height).filter(Boolean)"
    )
    assert min(heights) >= 11


def test_hostile_names_run_nothing(browser: Any, rich: ReportContext, tmp_path: Path) -> None:
    from dataclasses import replace

    section = rich.sections[0]
    evil = replace(
        section.tags[0], key="<img src=x onerror=document.title='owned'><script>document.title='owned'</script>"
    )
    path = tmp_path / "report.html"
    path.write_text(render(replace(rich, sections=(replace(section, tags=(evil,)),)), "html"), encoding="utf-8")
    assert opened(browser, path.as_uri()).title() == "Cloud costs, March 2026"
