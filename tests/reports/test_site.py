"""The site: pages that link to each other, that stay, and of which only what changed is touched."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from pipeline.config import Settings, default_settings
from pipeline.errors import ConfigurationError
from pipeline.night import site
from pipeline.reports.site.folder import Folder
from pipeline.reports.site.names import budget_page, slug, team_page
from pipeline.reports.site.values import WITHHELD
from pipeline.store.warehouse import Warehouse
from tests.reports.reading import attributes, tags, words
from tests.reports.test_adds_up import checked
from tests.reports.test_browser import ARGUMENTS, CONTRAST, WCAG
from tests.reports.warehouse import AS_OF, HOSTILE

TEAM = """UPDATE daily_costs SET x_ReportedTags = json_object('team', CASE ServiceName
    WHEN 'AWS Lambda' THEN 'web' WHEN 'Amazon DynamoDB' THEN $evil ELSE 'ml' END)"""


@pytest.fixture(scope="module")
def warehouse(rich_warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """The rich March and its February, with teams and an owner; tests that change it take it back."""
    path = tmp_path_factory.mktemp("site") / "costs.duckdb"
    rich_warehouse.execute("CHECKPOINT")
    shutil.copy(rich_warehouse.path, path)
    with Warehouse.open(path) as opened:
        opened.execute("INSERT OR REPLACE INTO settings VALUES ('reported_tags', '[\"team\"]')")
        opened.execute(TEAM, {"evil": HOSTILE[0]})
        opened.execute("INSERT INTO accounts VALUES ('111122223333', 'Main', ?)", [HOSTILE[1]])
        yield opened


class _TakeBackError(Exception):
    pass


@contextmanager
def changed(warehouse: Warehouse, *statements: str) -> Iterator[None]:
    """The warehouse with something else in it for a while."""
    with suppress(_TakeBackError), warehouse.transaction():
        for statement in statements:
            warehouse.execute(statement)
        yield
        raise _TakeBackError


def refresh(warehouse: Warehouse, root: Path, **facts: Any) -> list[str]:
    settings: Settings = default_settings(warehouse.path, environ={})
    given = {"as_of": AS_OF, "keys": ("team",), "withholds": False, **facts}
    written, _ = site.refresh(warehouse, settings, root, **given)
    return sorted(str(path.relative_to(root)) for path in written)


@pytest.fixture(scope="module")
def made(warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as it was made once; for reading."""
    root = tmp_path_factory.mktemp("made") / "site"
    refresh(warehouse, root)
    return root


@pytest.fixture
def root(made: Path, tmp_path: Path) -> Path:
    """A copy of it to change."""
    return Path(shutil.copytree(made, tmp_path / "site"))


def said(path: Path) -> str:
    return " ".join(words(path.read_text()).split())


def pages(root: Path) -> dict[str, str]:
    return {str(path.relative_to(root)): path.read_text() for path in sorted(root.rglob("*.html"))}


def test_every_link_leads_to_a_page_of_the_site_and_every_page_is_led_to(made: Path) -> None:
    found, led = pages(made), {"index.html"}
    for name, text in found.items():
        for href in re.findall(r'<a [^>]*href="([^"]*)"', text):
            assert not re.match(r"[a-z]+:|/", href), href
            led.add(str((made / name).parent.joinpath(unquote(href)).resolve().relative_to(made.resolve())))
    assert led == set(found)
    assert {"periods/2026-03.html", "periods/2026-02.html", budget_page("tag:team:ml"), "teams/tag-team/ml.html"} < led


def test_the_pages_ask_for_nothing_but_the_searchs_names(made: Path) -> None:
    asked = [
        own
        for text in pages(made).values()
        for own in re.findall(r'(?:src|action)="([^"]*)"|<link [^>]*(?!data)>', text)
    ]
    assert [own for own in asked if own] == ["search-data.js"]


def test_a_team_has_its_own_figures_and_nobody_elses(made: Path, warehouse: Warehouse) -> None:
    text = said(made / team_page("tag:team", "web"))
    assert "AWS Lambda" in text
    assert "Amazon" not in text
    assert "Azure" not in text


def test_the_services_of_a_team_add_up_as_they_are_shown(made: Path) -> None:
    added = [checked(page.read_text(), set()) for page in (made / "teams").rglob("*.html")]
    assert [wrong for *_, wrong in added if wrong] == []
    assert sum(len(heads) for heads, *_ in added) > 3
    assert sum(roundings for _, roundings, _ in added) > 0


def test_a_budget_tells_its_limit_spend_and_alerts_of_each_billing_period(made: Path) -> None:
    text = said(made / budget_page("tag:team:ml"))
    assert re.search(r"March 2026 ■ Exceeded 143\.\d% \$7,167\.41 \$5,000\.00", text)
    assert "Emergency 100% actual $7,167.41 143.3% Open; fired Mar 16, 2026, 06:00 UTC" in text


def test_hostile_names_are_harmless_in_pages_and_in_the_search(made: Path) -> None:
    for text in pages(made).values():
        assert tags(text).isdisjoint({"img", "b"})
        assert not [name for name in attributes(text) if name.startswith("on")]
    assert "<" not in (made / "search-data.js").read_text()
    assert HOSTILE[0] in words((made / team_page("tag:team", HOSTILE[0])).read_text())


def test_names_of_files_are_plain_short_and_never_anothers() -> None:
    names = [
        *HOSTILE,
        "con",
        "con ",
        "CON",
        "Con",
        "ml",
        "ML",
        "index",
        "..",
        "/",
        "",
        " ",
        "ß",
        "ss",
        "a" * 64,
        "a" * 65,
    ]
    found = [slug(own) for own in names]
    assert len({own.casefold() for own in found}) == len(names)
    assert all(re.fullmatch(r"[a-z0-9_~-]{1,64}", own) for own in found)
    assert "con" not in found


def test_nothing_is_touched_nor_made_again_while_nothing_has_changed(warehouse: Warehouse, root: Path) -> None:
    page = root / "periods" / "2026-02.html"
    page.write_text(page.read_text().replace("<h1>", "<h1>As it was: "))
    assert refresh(warehouse, root) == []
    assert "As it was" in page.read_text()


def test_only_what_a_change_is_told_on_is_touched(warehouse: Warehouse, root: Path) -> None:
    with changed(warehouse, TEAM.replace("$evil", "'ml'")):
        touched = refresh(warehouse, root)
    assert "teams/tag-team/ml.html" in touched
    assert "teams/tag-team/web.html" not in touched
    assert not [own for own in touched if own.startswith(("budgets", "alerts", "periods"))]


def test_an_alert_that_is_acknowledged_is_told_on_its_pages_alone(warehouse: Warehouse, root: Path) -> None:
    with changed(
        warehouse,
        "UPDATE budget_alerts SET status = 'acknowledged', acknowledged_at = fired_at, acknowledged_by = 'ada' "
        "WHERE budget_id = 'tag:team:ml'",
    ):
        touched = refresh(warehouse, root)
    assert [own for own in touched if own.endswith(".html")] == [
        "alerts.html", budget_page("tag:team:ml"), "periods/2026-03.html", "teams/tag-team/ml.html"
    ]  # fmt: skip


def test_a_page_of_what_is_not_loaded_any_more_stays_and_says_so(warehouse: Warehouse, root: Path) -> None:
    with changed(warehouse, "DELETE FROM source_periods WHERE x_BillingPeriod = '2026-02'"):
        refresh(warehouse, root)
        assert "not loaded any more: the page is as it was last" in words((root / "periods/2026-02.html").read_text())
        assert re.search(r"February 2026\s+Not loaded any more", words((root / "index.html").read_text()))
        assert refresh(warehouse, root) == []
    refresh(warehouse, root)
    assert "not loaded any more" not in (root / "periods/2026-02.html").read_text()


def test_stale_data_that_is_withheld_leaves_the_last_page_and_says_so(warehouse: Warehouse, root: Path) -> None:
    before = said(root / "periods/2026-03.html")
    late = {"as_of": AS_OF + timedelta(days=30), "withholds": True}
    with changed(
        warehouse, "UPDATE category_summary SET BilledCost = BilledCost + 1000 WHERE x_BillingPeriod = '2026-03'"
    ):
        touched = refresh(warehouse, root, **late)
        assert refresh(warehouse, root, **late) == []
    assert "periods/2026-03.html" in touched
    assert said(root / "periods/2026-03.html").replace(f"{WITHHELD} ", "") == before
    for name in ("index.html", "budgets.html", "teams/tag-team/ml.html"):
        assert "Newer data of March 2026 is withheld" in said(root / name)
    refresh(warehouse, root)
    assert "withheld" not in words((root / "periods/2026-03.html").read_text() + (root / "index.html").read_text())


def test_a_month_that_was_never_shown_is_withheld_without_a_page(warehouse: Warehouse, tmp_path: Path) -> None:
    refresh(warehouse, tmp_path, withholds=True)
    assert not (tmp_path / "periods/2026-03.html").exists()
    index = (tmp_path / "index.html").read_text()
    assert "2026-03.html" not in index
    assert re.search(r"March 2026\s+Withheld: its data is stale", words(index))


@pytest.mark.parametrize("name", ["index.html", "search-data.js", "periods/2026-03.html", "facts/site.json", "teams"])
def test_a_file_of_somebody_else_is_left_alone_and_named(warehouse: Warehouse, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("<h1>Ours since 1999</h1>")
    (tmp_path / "logo.txt").write_text("kept")
    with pytest.raises(ConfigurationError, match=re.escape(f"{path}: the site needs this path")):
        refresh(warehouse, tmp_path)
    assert path.read_text() == "<h1>Ours since 1999</h1>"
    assert (tmp_path / "logo.txt").read_text() == "kept"


def test_a_tenants_site_and_the_operators_are_never_one_folder(warehouse: Warehouse, root: Path) -> None:
    with (
        changed(warehouse, "INSERT INTO settings VALUES ('tenant', 'acme')"),
        pytest.raises(ConfigurationError, match="this is the site of the operator, not of the tenant acme"),
    ):
        refresh(warehouse, root)


def test_what_a_killed_run_left_is_mended(warehouse: Warehouse, root: Path, made: Path) -> None:
    (root / "facts/site.json").unlink()
    (root / "facts/2026-03.json").write_bytes((root / "facts/2026-03.json").read_bytes()[:100])
    (root / budget_page("global")).unlink()
    left = root / "budgets/.global.html.4711.tmp"
    left.write_text("half a page")
    with pytest.raises(ConfigurationError, match=re.escape("facts/2026-03.json: the site needs this path")):
        refresh(warehouse, root)  # no file of ours is ever half written: this one is somebody's
    (root / "facts/2026-03.json").unlink()
    refresh(warehouse, root)
    assert not left.exists()
    assert {name: words(text.split("Rendered")[0]) for name, text in pages(root).items()} == {
        name: words(text.split("Rendered")[0]) for name, text in pages(made).items()
    }


def test_two_at_once_wait_for_each_other(warehouse: Warehouse, root: Path) -> None:
    from pipeline.reports.site.folder import opened

    with opened(root, None, wait_seconds=0) as first:
        assert isinstance(first, Folder)
        with (
            pytest.raises(
                ConfigurationError, match="another costmill is writing this site and did not finish within 0 s"
            ),
            opened(root, None, wait_seconds=0),
        ):
            pass


def test_the_search_says_what_it_leaves_out(warehouse: Warehouse, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.reports.site.reading.MOST_RESOURCES", 3)
    assert "Not found here" not in words((root / "search.html").read_text())
    (root / "facts/2026-03.json").unlink()
    refresh(warehouse, root)
    assert re.search(r"Not found here are \d+ others of March 2026", words((root / "search.html").read_text()))


@pytest.mark.browser
def test_a_reader_goes_from_the_index_to_a_team_and_finds_things_from_disk(made: Path, chromium: Path) -> None:
    from playwright.sync_api import sync_playwright

    heard: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        tab = browser.new_page(viewport={"width": 1280, "height": 900})
        tab.set_default_timeout(10_000)
        tab.on("console", lambda message: heard.append(message.text))
        tab.on("pageerror", lambda error: heard.append(str(error)))
        tab.on("request", lambda request: heard.append(request.url) if not request.url.startswith("file:") else None)
        tab.goto((made / "index.html").as_uri())
        usable(tab)
        tab.click("table a >> text=March 2026")
        tab.click("table.budgets a[href*=tag-team-ml]")
        tab.click("header a >> text=ml")
        assert tab.inner_text("h1") == "ml"
        usable(tab)
        tab.click("nav >> text=Search")
        tab.fill("input", "TRAINER gpu")
        assert tab.locator("#results li").first.inner_text().startswith("trainer-gpu-3")
        usable(tab)
        tab.set_viewport_size({"width": 360, "height": 800})
        tab.emulate_media(color_scheme="dark")
        for name in ("index", "budgets", "teams", "alerts"):
            tab.goto((made / f"{name}.html").as_uri())
            assert tab.evaluate("document.documentElement.scrollWidth") == 360
        usable(tab)
        browser.close()
    assert [own for own in heard if not own.startswith("data:")] == []


def usable(tab: Any) -> None:
    from importlib.util import find_spec

    found = find_spec("axe_playwright_python")
    assert found
    assert found.origin
    tab.evaluate(Path(found.origin).with_name("axe.min.js").read_text(encoding="utf-8"))
    assert tab.evaluate(WCAG) == []
    assert tab.evaluate(CONTRAST) == []
