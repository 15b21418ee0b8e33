"""What every test may ask for: where things are, a browser, and a world without the caller's settings."""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import settings

from tests.soak import IS_ON, more

ROOT = Path(__file__).resolve().parent.parent
EXPORTS = ROOT.parent / "shared" / "data"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
IN_CI = os.environ.get("CI", "").lower() in {"1", "true", "yes"}

#: Folders and files whose tests make warehouses and load bills: most of the suite's time. Some of them are quick.
WHOLE_WAY = (
    "cli",
    "jobs",
    "load",
    "scenarios",
    "store",
    "usage",
    "test_demo.py",
    "test_kill.py",
    "test_packaging.py",
    "test_view.py",
)
QUICK = ("cli/test_help.py", "load/test_aws_golden.py", "store/test_memory.py", "usage/test_record.py")

# Deadlines measure the machine, not the code; in CI every run draws the same examples.
settings.register_profile("here", deadline=None, max_examples=more(100, 500))
settings.register_profile("ci", deadline=None, max_examples=more(40, 500), derandomize=True, print_blob=True)
settings.load_profile("ci" if IN_CI else "here")


@pytest.fixture(scope="session", autouse=True)
def _no_settings_from_outside() -> Iterator[None]:
    """Hide the caller's COSTMILL_* variables: a budget set in a shell must not decide a test."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("COSTMILL_")]:
            patch.delenv(name)
        yield


@pytest.fixture(scope="session", autouse=True)
def _one_thread_a_worker() -> Iterator[None]:
    """Let DuckDB use one thread where workers share the cores: a tenth of the suite's time went into threads that wait.

    The command line as a process has as many as it takes, and so has a suite that runs alone.
    """
    connect = duckdb.connect

    def connect_with_one(
        database: str | Path = ":memory:", read_only: bool = False, config: Mapping[str, Any] | None = None
    ) -> Any:
        return connect(database, read_only, {"threads": 1, **(config or {})})

    with pytest.MonkeyPatch.context() as patch:
        if "PYTEST_XDIST_WORKER" in os.environ:
            patch.setattr(duckdb, "connect", connect_with_one)
        yield


@pytest.fixture(scope="session")
def project_root() -> Path:
    """The checkout's folder."""
    return ROOT


@pytest.fixture(scope="session")
def exports() -> Path:
    """Real exports of many providers, kept beside the checkout; a test that needs them is skipped without."""
    if not EXPORTS.is_dir():
        pytest.skip("needs the real exports in ../shared/data, which are not part of the checkout")
    return EXPORTS


@pytest.fixture(scope="session")
def chromium() -> Path:
    """The browser's program. Without one a test is skipped, and in CI it fails: there it would prove nothing."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is not None:
        return Path(found)
    reason = f"needs a browser, one of {', '.join(BROWSERS)} (Debian: apt-get install chromium)"
    if IN_CI:
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that go the whole way, before ``-m`` chooses.

    Files of heavy tests begin: two workers that take file after file then end at about the same time.
    """
    asked: set[tuple[Path, str]] = set()
    for item in items:
        place = item.path.relative_to(ROOT / "tests")
        if place.parts[0] in WHOLE_WAY and str(place) not in QUICK:
            item.add_marker("whole_way")
        if item.get_closest_marker("long") and not IS_ON:
            item.add_marker(pytest.mark.skip(reason="long: `make soak` runs it"))
        # Many examples, and long real exports, of what others reach too: tracing them takes as long again. Nor may what is
        # said to be covered hang on files that are not part of the checkout.
        if hasattr(getattr(item, "function", None), "hypothesis") or "exports" in getattr(item, "fixturenames", ()):
            item.add_marker("no_cover")
        # So is what a test asks again of other values.
        name = (item.path, getattr(item, "originalname", item.name))
        if name in asked:
            item.add_marker("no_cover")
        asked.add(name)
    heavy = {item.path for item in items if any(item.iter_markers("heavy")) or any(item.iter_markers("browser"))}
    items.sort(key=lambda item: item.path not in heavy)


def pytest_collection_finish() -> None:
    """Keep what is imported and collected out of the collector's rounds: it stays, and was a sixth of the suite's time."""
    gc.collect()
    gc.freeze()


def pytest_make_parametrize_id(val: object) -> str | None:
    """Name a file's bytes by their number: archives hold the time, and every worker must collect the same names."""
    return f"{len(val)} bytes" if isinstance(val, bytes) else None
