"""Every command explains itself, quickly, and without loading what it does not need."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest

from pipeline.cli import costmill
from tests.cli.conftest import Say
from tests.jobs.nights import environment

COMMANDS = sorted(costmill.commands)
HEAVY = ("polars", "duckdb", "pyarrow", "jinja2", "altair", "vl_convert", "yaml", "rich", "genai_prices", "pydantic")


def test_the_commands_are_those_of_the_documentation() -> None:
    nightly = [
        "alerts",
        "budgets",
        "events",
        "forecast",
        "init",
        "load",
        "publish",
        "report",
        "run",
        "site",
        "sql",
        "status",
    ]
    looked_into = [
        "deliveries",
        "formats",
        "invoices",
        "prices",
        "restatements",
        "splits",
        "summarise",
        "tags",
        "validate",
    ]
    months = ["close", "reload", "unload"]
    recorded = ["usage"]
    told = ["deliver", "notifications"]
    assert sorted([*nightly, *looked_into, *months, *recorded, *told]) == COMMANDS


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_says_what_it_does_and_gives_an_example(name: str, say: Say) -> None:
    ended = say(name, "--help")
    assert (ended.code, ended.stderr) == (0, "")
    assert "Example" in ended.stdout
    assert f"  costmill {name}" in ended.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_each_option_has_a_help_text(name: str) -> None:
    options = [each for each in costmill.commands[name].params if isinstance(each, click.Option)]
    assert [each.name for each in options if not each.help] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_a_line_in_the_list(name: str) -> None:
    line = costmill.commands[name].get_short_help_str(limit=200)
    assert line.endswith(".")


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; from pipeline.cli import execute\n"
        "for line in sys.argv[1:]:\n"
        "    execute(line.split())\n"
        f"    print('loaded by', line, [name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    lines = ["--help", "run --help", "--version", "run --nonsense"]
    done = subprocess.run(
        [sys.executable, "-c", code, *lines], capture_output=True, text=True, env=environment(), check=True
    )
    assert [told for told in done.stderr.splitlines() if told.startswith("loaded by")] == [
        f"loaded by {line} []" for line in lines
    ]


def test_the_version_is_the_packages(say: Say) -> None:
    from pipeline import __version__

    assert say("--version").stdout == f"costmill, version {__version__}\n"


def test_both_spellings_of_help_work(say: Say) -> None:
    assert say("-h").stdout == say("--help").stdout
