"""Write docs/cli.md, the command-line reference, from what the commands say of themselves.

`python docs/generate.py` writes it; `--check` compares and exits 1 when it is out of date, changing nothing.
"""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Iterator
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = ROOT / "docs" / "cli.md"
WIDTH = 100  # of the help text: fixed, so that the terminal it is written from does not matter

HEADING = """\
# The command line

<!-- Made by docs/generate.py from the commands' own --help: edit those, then run `make docs`. -->

stdout carries data, stderr carries notes, progress and errors. Every command has `--help`.
"""


def root_command() -> click.Group:
    """The `costmill` group: `pipeline.cli.main` itself, or the group that it runs."""
    import pipeline.cli

    named = [pipeline.cli.main, *vars(pipeline.cli).values()]
    group = next((value for value in named if isinstance(value, click.Group)), None)
    if group is None:
        raise SystemExit("pipeline.cli has no click group to document")
    return group


def commands(command: click.Command, context: click.Context) -> Iterator[click.Context]:
    """The command's context and those of all below it, in the order of `--help`; lazy groups are loaded."""
    yield context
    if not isinstance(command, click.Group):
        return
    for name in command.list_commands(context):
        below = command.get_command(context, name)
        if below is None:
            raise SystemExit(f"{context.command_path} lists {name!r} but does not have it")
        if not below.hidden:
            yield from commands(below, click.Context(below, context, name, terminal_width=WIDTH))


def section(context: click.Context) -> str:
    """One command: its path as a heading, its help as it is printed."""
    help_text = click.unstyle(context.command.get_help(context)).rstrip()
    lines = "\n".join(line.rstrip() for line in help_text.splitlines())
    level = "##" if context.parent is None or context.parent.parent is None else "###"
    return f"{level} `{context.command_path}`\n\n```text\n{lines}\n```\n"


def contents(contexts: list[click.Context]) -> str:
    """A table of all commands with their first sentence."""
    rows = [
        f"| [`{context.command_path}`](#{context.command_path.replace(' ', '-')}) "
        f"| {context.command.get_short_help_str(limit=WIDTH).replace('|', '&#124;')} |"
        for context in contexts
    ]
    return "\n".join(["| command | what it does |", "| --- | --- |", *rows]) + "\n"


def reference() -> str:
    """The whole text of docs/cli.md."""
    root = root_command()
    contexts = list(commands(root, click.Context(root, info_name="costmill", terminal_width=WIDTH)))
    return "\n".join([HEADING, contents(contexts), *map(section, contexts)])


def difference(written: str, made: str) -> str:
    """What the file says against what the commands say, as a diff of at most 40 lines."""
    lines = list(
        difflib.unified_diff(
            written.splitlines(), made.splitlines(), "docs/cli.md", "what --help says", n=1, lineterm=""
        )
    )
    return "\n".join(lines[:40] + (["…"] if len(lines) > 40 else []))


def main() -> int:
    """Write the reference, or check it; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare only; exit 1 when docs/cli.md is out of date")
    check: bool = parser.parse_args().check
    made = reference()
    written = REFERENCE.read_text(encoding="utf-8") if REFERENCE.exists() else ""
    if made == written:
        return 0
    if check:
        print(difference(written, made), file=sys.stderr)
        print("docs/cli.md is out of date: run `make docs` and commit it", file=sys.stderr)
        return 1
    REFERENCE.write_text(made, encoding="utf-8")
    print("docs/cli.md written", file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
