"""`costmill budgets edit`: a policy in the person's own editor."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from pipeline.actors import Permission
from pipeline.cli import options, output, policies
from pipeline.errors import ChangedMeanwhileError, CostmillError, Problem, UsageError

if TYPE_CHECKING:
    from pipeline.budgets.policies import Policy
    from pipeline.config import Settings


@click.command()
@click.argument("name", metavar="NAME")
@click.option(
    "--from", "kept", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE",
    help="Begin with this text, such as what an edit kept.",
)  # fmt: skip
@click.option("--yes", is_flag=True, help="Apply what changed without asking.")
@options.table_or_json
@options.settings_options
def edit(
    name: str,
    kept: Path | None,
    yes: bool,
    format_: str,
    config: Path | None,
    warehouse: Path | None,
    as_of: str | None,
    verbose: bool,
) -> int:
    """Edit a policy, by its id or name, in $VISUAL or $EDITOR; what would change is shown and asked for.

    What cannot be taken is said in the text, and may be edited again; what was typed is kept until it is applied.
    Budgets of the configuration file are edited there.

    \b
    Example:
      costmill budgets edit "ML team"
    """
    from pipeline.budgets import policy_text

    settings = options.settings(config, warehouse, verbose)
    _require_no_budget_of_file(settings, name)
    policy, moment = policies.named(settings, name), options.moment(as_of, settings)
    needed = Permission.ADMIN if policy.scope == "global" else Permission.WRITE
    settings.actor.require(needed, f"edit the policy {policy.id}")

    def apply(updates: dict[str, Any]) -> Policy:
        service = policies.service(settings)
        return service.update_policy(settings.actor, policy.id, updates, seen=policy, as_of=moment)

    text = kept.read_text(encoding="utf-8") if kept else policy_text.write(policy)
    with _draft(text, policy.id) as draft:
        found = _edited(draft, policy, yes, apply)
    if found is None:
        click.echo("costmill: nothing was changed", err=True)
    else:
        policies.tell(found, format_)
    return 0


def _edited(draft: Path, policy: Policy, yes: bool, apply: Callable[[dict[str, Any]], Policy]) -> Policy | None:
    """Have a draft edited until it is applied; None where it changes nothing."""
    from pipeline.budgets import policy_text

    while True:
        click.edit(filename=str(draft))
        typed = draft.read_text(encoding="utf-8", errors="replace")
        if policy_text.is_blank(typed):
            return None
        found = policy_text.edited(policy, typed)
        problems = found.problems
        if found.policy is not None:
            different = policy_text.differences(policy, found.policy)
            if not different:
                return None
            click.echo(output.printable(policy_text.difference_text(different)), err=True)
            if not (yes or _agreed()):
                continue
            try:
                return apply({field: getattr(found.policy, field) for field in different})
            except ChangedMeanwhileError:
                raise
            except UsageError as error:  # it does not go with the other policies
                problems = (Problem(None, "", str(error)),)
        draft.write_text(policy_text.marked(typed, problems), encoding="utf-8")
        _ask_again(problems)


def _ask_again(problems: Sequence[Problem]) -> None:
    said = "\n".join(map(str, problems))
    if not sys.stdin.isatty():
        raise UsageError(said)
    click.echo(output.printable(said), err=True)
    if not click.confirm("Edit it again?", default=True, err=True):
        raise UsageError("the policy was not changed")


def _agreed() -> bool:
    """Whether the changes are to be applied; no means that the text is edited again."""
    if not sys.stdin.isatty():
        raise UsageError("nobody can be asked whether to apply this, as stdin is no terminal; --yes applies it")
    answer = click.prompt(
        "Apply? (y)es, (e)dit again, (n)o", type=click.Choice(["y", "e", "n"]), show_choices=False, err=True
    )
    if answer == "n":
        raise UsageError("the policy was not changed")
    return bool(answer == "y")


@contextmanager
def _draft(text: str, name: str) -> Iterator[Path]:
    """Give a file with a text to edit; it stays when something goes wrong after it was changed, and where it is is said."""
    folder = Path(tempfile.mkdtemp(prefix="costmill-edit-"))
    path = folder / "policy.yaml"
    path.write_text(text, encoding="utf-8")
    try:
        yield path
    except BaseException as error:
        if not path.exists() or path.read_text(encoding="utf-8", errors="replace") == text:
            shutil.rmtree(folder)
            raise
        _tell_kept(error, path, name)
    shutil.rmtree(folder)


def _tell_kept(error: BaseException, path: Path, name: str) -> NoReturn:
    words = f"what was typed is kept: {path}; `costmill budgets edit {name} --from {path}` goes on with it"
    if isinstance(error, click.ClickException):
        raise UsageError(f"{error.format_message()}; {words}") from None
    if isinstance(error, CostmillError):
        error.args = (f"{error}\n{words}",)
    else:
        click.echo(f"costmill: {words}", err=True)
    raise error


def _require_no_budget_of_file(settings: Settings, name: str) -> None:
    """Say where a budget of the file is edited.

    Raises:
        UsageError: when the name is one of them.
    """
    from pipeline.config.budget_lines import line_of

    budgets = settings.budgets.scopes if settings.budgets else ()
    for budget in budgets:
        if budget.budget_id == name and settings.file is not None:
            line = line_of(settings.file, budget)
            where = f"{settings.file}, line {line}" if line else str(settings.file)
            raise UsageError(f"{name} is a budget of the configuration file and no policy; edit it there: {where}")
