"""The Python interface: its names, what importing them costs, and its page in docs/."""

from __future__ import annotations

import ast
import doctest
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import pipeline

HEAVY = ("polars", "duckdb", "pyarrow", "jinja2", "altair", "click", "pydantic", "genai_prices")


def loaded_by(code: str) -> set[str]:
    """Return the heavy modules that a fresh interpreter has loaded after ``code``."""
    names = f"import sys; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", f"{code}\n{names}"], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert loaded_by("import pipeline") == set()


def test_tracking_in_memory_loads_nothing_heavy() -> None:
    code = "from pipeline import CostTracker, InMemoryCostStore"
    assert loaded_by(f"{code}\nCostTracker(InMemoryCostStore()).record(1, 'web')") == set()


@pytest.mark.parametrize("name", pipeline.__all__)
def test_every_public_name_is_there_with_a_docstring(name: str) -> None:
    assert inspect.getdoc(getattr(pipeline, name))
    assert name in dir(pipeline)


def test_the_names_of_the_type_checker_are_those_at_run_time() -> None:
    source = ast.parse(Path(inspect.getfile(pipeline)).read_text(encoding="utf-8"))
    imported = [each for each in ast.walk(source) if isinstance(each, ast.ImportFrom)]
    own = [each for each in imported if (each.module or "").startswith("pipeline.")]
    homes = {name.name: str(each.module) for each in own for name in each.names}
    assert sorted(homes) == pipeline.__all__
    assert {name: f"pipeline.{home}" for name, home in pipeline._HOMES.items()} == homes


def test_a_star_import_brings_the_public_names() -> None:
    names: dict[str, object] = {}
    exec("from pipeline import *", names)
    assert set(names) - {"__builtins__"} == set(pipeline.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'CostTrackr'"):
        _ = pipeline.CostTrackr


@pytest.fixture
def page(project_root: Path) -> str:
    return (project_root / "docs" / "python.md").read_text(encoding="utf-8")


def test_the_page_names_every_public_name(page: str) -> None:
    assert [name for name in pipeline.__all__ if f"`{name}" not in page] == []


@pytest.mark.parametrize("name", ["python", "usage"])
def test_the_examples_of_the_page_hold(
    name: str, project_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    page = (project_root / "docs" / f"{name}.md").read_text(encoding="utf-8")
    examples = "\n".join(re.findall(r"```pycon\n(.*?)```", page, re.DOTALL))
    test = doctest.DocTestParser().get_doctest(examples, {}, f"docs/{name}.md", None, 0)
    failures: list[str] = []
    found = doctest.DocTestRunner(verbose=False).run(test, out=failures.append)
    assert found.attempted > 15
    assert not failures, "".join(failures)
