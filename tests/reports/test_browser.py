"""The report as a browser opens it from disk. One browser and few pages: pages are loaded anew only where a test needs it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from pipeline import money
from pipeline.reports.figures import Figures, clean
from pipeline.reports.model import ReportContext, ResourceLines, ResourceNames
from pipeline.reports.model.document import Column, Part, Table
from pipeline.reports.render import render
from pipeline.reports.writers import write
from tests.reports import documents
from tests.reports.hostile import TEXTS, hostile
from tests.reports.reading import as_html, tags
from tests.reports.test_adds_up import amount

pytestmark = pytest.mark.browser

ARGUMENTS = ["--no-sandbox", "--headless", "--disable-gpu", "--disable-background-networking"]
MANY = 50_000
#: WCAG contrast of every visible text, those of pictures too, against what is behind it.
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
#: Everything that a reader can open: each category, the first service, all resources, the days.
OPEN_ALL = """() => {
  document.querySelectorAll("details:not([open]) > summary").forEach(own => own.click());
  document.querySelectorAll(".tools button").forEach(own => own.textContent === "Open all" && own.click());
  document.querySelector("[data-drill] .under .fold[aria-expanded=false]")?.click();
}"""
#: The rows of a table as they are seen: their first cell's text, and the exact amounts in the others' titles.
ROWS = """(table) => [...table.querySelectorAll("tbody tr")].filter(row => row.offsetHeight).map(row =>
  ({kind: row.className, name: row.cells[0].innerText, exact: [...row.cells].slice(1).map(c => c.title.replace("−", "-")),
    text: [...row.cells].slice(1).map(c => c.innerText)}))"""
WCAG = "axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'], resultTypes: ['violations']}).then(found => found.violations.map(own => [own.id, own.nodes.map(n => n.html)]))"
#: A page of a user's own, with one table and the page's script.
OWN_TEMPLATE = """<!doctype html><html lang="en"><title>Own</title><style>{% include "html/report.css" %}</style>
<div class="scroll"><table data-table data-noun="things"><thead><tr><th>Name</th><th class="num">Cost</th><th class="num">Unsaid</th></tr></thead>
<tbody>{% for n in range(60) %}<tr><th scope="row">thing {{ n }}</th><td class="num" data-v="{{ 10 - n % 7 }}.00000000000000000{{ n % 10 }}">{{ n % 7 }}</td><td class="num">{{ n }}</td></tr>{% endfor %}
<tr data-rest><th scope="row">the rest</th><td class="num" data-v="99">99</td><td></td></tr></tbody></table></div>
<script>{{ script() }}</script></html>"""


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[Any]:
    """A headless Chromium; Playwright only drives it."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield found
        found.close()


@pytest.fixture(scope="module")
def heard() -> list[str]:
    """What the pages asked for, complained of or popped up."""
    return []


@pytest.fixture(scope="module")
def tab(browser: Any, heard: list[str]) -> Any:
    """One tab for all tests."""

    def dismiss(dialog: Any) -> None:
        heard.append(dialog.message)
        dialog.dismiss()

    tab = browser.new_page(viewport={"width": 1280, "height": 900})
    tab.set_default_timeout(10_000)
    tab.on("request", lambda request: heard.append(request.url))
    tab.on("console", lambda message: heard.append(message.text))
    tab.on("pageerror", lambda error: heard.append(str(error)))
    tab.on("dialog", dismiss)
    return tab


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the pages are."""
    return tmp_path_factory.mktemp("pages")


def axe() -> str:
    """What checks a page for everybody's use."""
    found = find_spec("axe_playwright_python")
    assert found
    assert found.origin
    return Path(found.origin).with_name("axe.min.js").read_text(encoding="utf-8")


def put(folder: Path, name: str, html: str) -> str:
    path = folder / f"{name}.html"
    path.write_text(html, encoding="utf-8")
    return path.as_uri()


@pytest.fixture(scope="module")
def address(rich_html: str, folder: Path) -> str:
    """The rich report on disk."""
    return put(folder, "rich", rich_html)


@pytest.fixture
def page(tab: Any, address: str) -> Any:
    """The rich report just opened, on a desk and in the light."""
    return opened(tab, address)


def opened(tab: Any, address: str, *, width: int = 1280, scheme: str = "light") -> Any:
    tab.set_viewport_size({"width": width, "height": 900})
    tab.emulate_media(color_scheme=scheme, media="screen")
    tab.goto(address)
    return tab


def rows(page: Any, selector: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = page.eval_on_selector(selector, ROWS)
    return found


def amounts(found: list[dict[str, Any]], column: int = 0) -> list[Decimal]:
    """The exact amounts; a row of rounding is only about what is shown."""
    return [Decimal(row["exact"][column]) for row in found if row["name"] != "Rounding"]


def make(found: list[dict[str, Any]], whole: dict[str, Any], columns: int = 3) -> bool:
    """Whether rows make a whole as both are shown."""
    return all(sum(amount(row["text"][at]) for row in found) == amount(whole["text"][at]) for at in range(columns))


# --- The page as a whole --------------------------------------------------------------------


def test_the_page_asks_for_nothing_and_complains_of_nothing(page: Any, address: str, heard: list[str]) -> None:
    heard.clear()
    page.reload()
    page.evaluate(OPEN_ALL)
    assert [own for own in heard if not own.startswith("data:")] == [address]


def test_the_page_never_scrolls_sideways(page: Any) -> None:
    page.evaluate(OPEN_ALL)
    for width in (320, 360, 768, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") == width


def test_a_picture_over_time_is_shown_in_the_size_that_can_be_read(page: Any) -> None:
    shown = "[...new Set([...document.querySelectorAll('.wide, .narrow')].filter(e => e.offsetHeight).map(e => e.className))]"
    assert page.evaluate(shown) == ["wide"]
    page.set_viewport_size({"width": 360, "height": 900})
    assert page.evaluate(shown) == ["narrow"]
    heights = "[...document.querySelectorAll('svg text')].map(e => e.getBoundingClientRect().height).filter(Boolean)"
    assert min(page.evaluate(heights)) >= 11


def test_dark_mode_turns_page_and_pictures(page: Any) -> None:
    colours = "['body', 'svg text', 'h1'].map(own => [getComputedStyle(document.querySelector(own))].map(s => s.backgroundColor + s.fill + s.color))"
    light = page.evaluate(colours)
    page.emulate_media(color_scheme="dark")
    assert all(one != other for one, other in zip(light, page.evaluate(colours), strict=True))


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 360)])
def test_everybody_can_use_the_page(tab: Any, address: str, scheme: str, width: int) -> None:
    opened(tab, address, scheme=scheme, width=width).evaluate(OPEN_ALL)
    tab.evaluate(axe())
    assert tab.evaluate(WCAG) == []
    assert tab.evaluate(CONTRAST) == []


def test_print_has_every_service_and_day_and_nothing_to_press(page: Any) -> None:
    page.emulate_media(media="print")
    assert (
        page.evaluate("[...document.querySelectorAll('.tools, .pages, .more')].filter(e => e.offsetHeight).length") == 0
    )
    seen = page.evaluate(
        "[...document.querySelectorAll('[data-drill] .under')].filter(e => e.offsetHeight).map(e => e.cells[0].innerText)"
    )
    assert len([name for name in seen if name != "Rounding"]) == 15
    assert page.locator("details table").first.locator("tbody tr").first.bounding_box()["height"] > 10


# --- Sorting, searching, pages --------------------------------------------------------------


def test_a_heading_sorts_by_the_keyboard_and_the_third_press_takes_it_back(page: Any) -> None:
    table = "table[data-noun=movers]"
    before = rows(page, table)
    press = page.locator(f"{table} th button", has_text="Expected").first
    press.focus()
    states = []
    for _ in range(3):
        page.keyboard.press("Enter")
        states.append((press.locator("..").get_attribute("aria-sort"), rows(page, table)))
    (down, falling), (up, rising), (none, after) = states
    assert (down, up, none) == ("descending", "ascending", None)
    assert amounts(falling[:-1], 2) == sorted(amounts(before[:-1], 2), reverse=True) == amounts(rising[:-1], 2)[::-1]
    assert {own[-1]["kind"] for own in (falling, rising, after)} == {"rest"}
    assert after == before != falling


def test_rows_are_sorted_inside_their_group_and_groups_by_their_own_row(page: Any) -> None:
    table = "table[data-noun=values]"
    page.locator(f"{table} th button", has_text="Billed").first.click()
    page.locator(f"{table} th button", has_text="Billed").first.click()
    found = rows(page, table)
    heads = [row for row in found if row["kind"] == "group"]
    assert [row["name"] for row in heads] == ["cost-center", "env", "team"]
    team = found[found.index(heads[-1]) + 1 :]
    assert [row["name"] for row in team] == ["returns", "web", "ml", "platform", "Rounding", "Untagged"]


def test_any_table_of_any_template_sorts_exactly_is_searched_and_paged(
    tab: Any, rich: ReportContext, tmp_path: Path, folder: Path
) -> None:
    (tmp_path / "html").mkdir()
    (tmp_path / "html" / "report.html.j2").write_text(OWN_TEMPLATE)
    opened(tab, put(folder, "own", render(rich, "html", templates=tmp_path)))

    def seen() -> list[str]:
        return [row["name"] for row in rows(tab, "table")]

    assert tab.locator("th button").all_inner_texts() == ["Name", "Cost"]  # a number that is not said is not compared
    assert (len(seen()), seen()[-1]) == (26, "the rest")
    tab.get_by_role("button", name="Cost").click()
    costs = sorted(range(60), key=lambda n: Decimal(f"{10 - n % 7}.00000000000000000{n % 10}"), reverse=True)
    assert seen() == [*(f"thing {n}" for n in costs[:25]), "the rest"]
    tab.get_by_role("button", name="Next").click()
    assert (seen()[0], tab.locator(".range").inner_text()) == (f"thing {costs[25]}", "26–50 of 60")
    tab.get_by_label("Search things").fill("THÎNG 59")
    tab.wait_for_function("document.querySelector('[role=status]').textContent")
    assert tab.get_by_role("status").inner_text() == "1 of 60 things found; sums are of all"
    assert seen() == ["thing 59", "the rest"]
    tab.get_by_label("Search things").fill("nothing like it")
    tab.wait_for_function("document.querySelector('[role=status]').textContent.startsWith('0 of')")
    assert seen() == ["the rest"]


# --- From category to service to resource ---------------------------------------------------


def test_categories_open_to_services_and_those_to_resources_and_every_level_adds_up(page: Any) -> None:
    table = "table[data-drill]"
    categories = rows(page, table)
    assert {row["kind"].split()[0] for row in categories} == {"group"}
    head = page.get_by_role("button", name="Compute", exact=True)
    head.click()
    assert head.get_attribute("aria-expanded") == "true"
    services = [row for row in rows(page, table) if "under" in row["kind"]]
    compute = next(row for row in categories if row["name"] == "Compute")
    assert [sum(amounts(services, at)) for at in range(3)] == [Decimal(own) for own in compute["exact"][:3]]
    assert make(services, compute)
    cloud = page.get_by_role("button", name="Amazon Elastic Compute Cloud")
    cloud.press("Enter")
    leaves = [row for row in rows(page, table) if "leaf" in row["kind"]]
    assert [sum(amounts(leaves, at)) for at in range(3)] == [Decimal(own) for own in services[0]["exact"][:3]]
    assert make(leaves, services[0])
    assert [row["name"].split("\n")[0] for row in leaves] == [
        "trainer-gpu-3",
        "core-api-1",
        "storefront-1",
        "Charges of no resource",
        "Rounding",
    ]
    cloud.press("Enter")
    assert cloud.get_attribute("aria-expanded") == "false"
    assert cloud.evaluate("own => own === document.activeElement")


@pytest.mark.parametrize(("locale", "currency"), [("de_CH", "JPY"), ("en_IN", "no code 9")])
def test_the_script_writes_figures_as_the_report_does(
    tab: Any, rich: ReportContext, folder: Path, locale: str, currency: str
) -> None:
    section = replace(rich.sections[0], currency=currency, movers=())
    odd = ("0.004", "-0.004", "1234567.005", "-98765432.125", "0", "0.5", "-1999.995")
    lines = section.drill.lines
    changed = replace(lines, effective=tuple(odd[place % len(odd)] for place in range(len(lines.billed))))
    section = replace(section, drill=replace(section.drill, lines=changed))
    opened(tab, put(folder, "written", render(replace(rich, sections=(section,)), "html", locale=locale)))
    tab.evaluate(OPEN_ALL)
    figures, total = Figures.of(locale), section.total.billed
    found = [row for row in (*rows(tab, "[data-drill]"), *rows(tab, ".resources")) if row["exact"][1]]
    assert len(found) > 30
    for row in found:
        exact = [Decimal(own) for own in row["exact"] if own]
        assert row["text"][: len(exact)] == [figures.money(own, currency) for own in exact]
        assert row["text"][len(exact)] in (figures.percent(money.percent(exact[0], total)), "")


# --- All resources --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def many(rich: ReportContext, folder: Path) -> str:
    """The rich report with 50,000 resources of three services, and 7 more that the page has no room for."""
    section = rich.sections[0]
    names = ResourceNames(
        id=tuple(
            f"arn:aws:ec2:eu-west-{n % 9}:{n % 30:012}:instance/i-{n * 2654435761 % 2**32:08x}{n:09x}"
            for n in range(MANY)
        ),
        name=tuple(f"worker-{n}" if n % 3 else None for n in range(MANY)),
        type=("aws:ec2/instance",) * MANY,
        account=tuple(f"account {n % 30}" for n in range(MANY)),
        region=tuple(f"eu-west-{n % 9}" for n in range(MANY)),
    )
    costs = tuple(money.text(Decimal(MANY - n) / 1000 + Decimal(n % 7919) / 10**10) for n in range(MANY))
    lines = ResourceLines(tuple(range(MANY)), tuple(n % 3 for n in range(MANY)), costs, costs, costs)
    drill = replace(
        section.drill,
        resources=names,
        lines=lines,
        left_count=7,
        left=replace(section.drill.left, billed=Decimal("0.07")),
    )
    services = tuple(replace(own, resources=20_000) for own in drill.services)
    return put(
        folder,
        "many",
        render(replace(rich, sections=(replace(section, drill=replace(drill, services=services)),)), "html"),
    )


@pytest.fixture(scope="module")
def crowd(browser: Any, many: str) -> Any:
    """A tab of its own that has it open, loaded once: its tests begin with what they press."""
    tab = browser.new_page(viewport={"width": 1280, "height": 900})
    tab.goto(many)
    tab.paint = tab.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    tab.title_of_all = tab.locator("[data-resources] summary").inner_text()
    tab.evaluate(OPEN_ALL)
    tab.wait_for_selector(".resources tbody tr")
    return tab


def test_fifty_thousand_resources_are_there_at_once_and_stay_quick(crowd: Any) -> None:
    tab = crowd
    assert tab.paint < 4000  # 1000 is the aim on a machine that does nothing else
    assert tab.title_of_all == "The 50,000 largest of 50,007 resources"
    found = rows(tab, ".resources")
    assert (len(found), found[0]["text"][0]) == (28, "$50.00")
    assert [row["name"] for row in found[-3:]] == [
        "49,975 other resources", "7 resources that this page has no room for", "Charges of no resource",
    ]  # fmt: skip
    total = tab.locator(".resources tfoot tr").last
    assert sum(amounts(found)) == Decimal(total.locator("td").first.get_attribute("title"))
    seen = [own.locator("td").first.inner_text() for own in tab.locator(".resources tfoot tr").all()]
    assert sum(amount(own["text"][0]) for own in found) + sum(map(amount, seen[:-1])) == amount(seen[-1])
    spent = tab.evaluate("""async () => {
      const field = document.querySelector("[data-resources] input"), found = document.querySelector("[data-resources] [role=status]");
      const started = performance.now();
      for (const text of ["w", "wo", "worker-4999", "worker-49999"]) {
        field.value = text;
        field.dispatchEvent(new Event("input"));
        await new Promise(done => setTimeout(done, 100));
      }
      return [performance.now() - started, found.textContent];
    }""")
    assert spent[1] == "1 of 50,000 resources found, < $0.01 billed together"
    assert spent[0] < 4000


def test_resources_sort_by_amount_and_go_on_by_pages(crowd: Any) -> None:
    tab = crowd
    tab.get_by_label("Search resources").fill("worker")
    tab.get_by_text("33,333 of 50,000 resources found").wait_for()
    table = tab.locator(".resources")
    table.get_by_role("button", name="Billed").click()
    table.get_by_role("button", name="Billed").click()
    assert rows(tab, ".resources")[0]["name"].startswith("worker-49999")
    tab.locator("[data-resources] .pages").get_by_role("button", name="Next").click()
    tab.locator("[data-resources] select").select_option("100")
    found = amounts(rows(tab, ".resources")[:100])
    assert found == sorted(found)
    assert tab.locator("[data-resources] .range").inner_text() == "1–100 of 33,333"


def test_a_service_shows_its_resources_bit_by_bit_and_what_the_page_lacks(crowd: Any) -> None:
    def leaves() -> list[dict[str, Any]]:
        return [row for row in rows(crowd, "[data-drill]") if "leaf" in row["kind"]]

    assert [leaves()[at]["name"].split("\n")[0].split(" Show")[0] for at in (10, 11)] == [
        "19,990 other resources",
        "Charges of no resource",
    ]
    crowd.get_by_role("button", name="Show 20 more").first.click()
    assert leaves()[30]["name"].startswith("19,970 other resources")


# --- Hostile text ---------------------------------------------------------------------------


def test_hostile_text_in_every_field_is_harmless_and_can_be_read(
    tab: Any, rich: ReportContext, folder: Path, heard: list[str]
) -> None:
    report = hostile(rich)
    html = render(report, "html")
    address = put(folder, "hostile", html)
    heard.clear()
    opened(tab, address).evaluate(OPEN_ALL)
    assert [own for own in heard if not own.startswith("data:")] == [address]
    assert tab.evaluate("[typeof owned, document.title, document.scripts.length]") == [
        "undefined",
        "Cloud costs, March 2026",
        3,
    ]
    assert tab.evaluate("document.querySelectorAll('img, a, iframe, object, form, base').length") == 0
    text = tab.evaluate("document.body.innerText")
    assert not re.search("[\u202a-\u202e\u2028\x1b]|N{201}", text)
    seen = re.sub(r"\s+", " ", text)
    assert all(re.sub(r"\s+", " ", clean(own)) in seen for own in TEXTS)
    for width in (360, 1280):
        tab.set_viewport_size({"width": width, "height": 900})
        assert tab.evaluate("document.documentElement.scrollWidth") == width
    page = as_html(render(report, "md"))
    assert tags(page).isdisjoint({"script", "img", "a", "code", "em", "b"})
    assert not re.search("[\u202a-\u202e\x1b]|N{201}", page)


def test_nothing_but_the_page_s_own_script_would_run(tab: Any, rich_html: str, folder: Path, heard: list[str]) -> None:
    injected = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\"><a href=\"javascript:document.title='owned'\">x</a>"
    heard.clear()
    opened(tab, put(folder, "injected", rich_html.replace("</header>", f"{injected}</header>")))
    tab.locator("header a").click()
    assert tab.title() == "Cloud costs, March 2026"
    assert sum("Content Security Policy" in own for own in heard) >= 3
    assert tab.locator(".sort").count() > 10


# --- Documents ------------------------------------------------------------------------------


def test_the_page_of_a_document_sorts_fits_everywhere_and_runs_nothing_of_its_texts(
    tab: Any, folder: Path, heard: list[str]
) -> None:
    [path] = write(documents.rich(), "html", folder, name="document")
    heard.clear()
    opened(tab, path.as_uri(), width=360, scheme="dark")
    assert tab.evaluate("document.documentElement.scrollWidth") == 360
    assert tab.evaluate("[typeof owned, document.scripts.length]") == ["undefined", 1]
    tab.evaluate(axe())
    assert tab.evaluate(WCAG) == []
    assert [own for own in heard if not own.startswith("data:")] == [path.as_uri()]
    tab.locator("th button", has_text="Money").first.click()
    found = rows(tab, "table")
    exact = amounts([row for row in found if "rest" not in row["kind"]])
    assert exact == sorted(exact, reverse=True)
    assert found[-1]["name"] == "13 other rows"


def test_a_phone_shows_words_beneath_a_row_s_name_so_that_its_figures_are_in_sight(tab: Any, folder: Path) -> None:
    names = ("ResourceId", "RegionId", "SubAccountId")
    columns = (*(Column(name, name) for name in names), Column("BilledCost", "Billed", "money", sums=True))
    table = Table("resources", "", columns, (("i-1", "eu-west-1", "111122223333", Decimal("12.5")),), "USD")
    document = replace(documents.small(), parts=(Part("resources", "Resources", tables=(table,)),))
    [path] = write(document, "html", folder, name="words")
    said = "() => [...document.querySelectorAll('tbody tr')].map(own => [...own.cells].map(cell => cell.innerText))"
    opened(tab, path.as_uri(), width=390)
    assert tab.evaluate(said) == [["i-1\neu-west-1 · 111122223333", "eu-west-1", "111122223333", "$12.50"]]
    assert tab.locator("tbody td.num").bounding_box()["x"] < 350
    assert [own.is_visible() for own in tab.locator("tbody td").all()] == [False, False, True]
    opened(tab, path.as_uri())
    assert tab.locator("tbody th").inner_text() == "i-1"
    assert [own.is_visible() for own in tab.locator("tbody td").all()] == [True, True, True]
