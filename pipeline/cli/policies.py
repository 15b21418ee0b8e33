"""`costmill budgets create | show | list | update | delete`: policies, for the configuration's actor."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pipeline.cli import options, output
from pipeline.errors import UsageError

if TYPE_CHECKING:
    from pipeline.budgets.policies import Policy
    from pipeline.budgets.policy_service import BudgetPolicyService
    from pipeline.config import Settings

_Command = TypeVar("_Command", bound=Callable[..., Any])

#: Columns of `list`: fields of a policy.
COLUMNS = (
    *("id", "tenant_id", "scope", "scope_id", "name", "limit", "currency", "period", "soft_limit_percent"),
    *("hard_limit_action", "priority", "enabled", "owner", "origin"),
)
DEFAULT_CURRENCY = "USD"


def field_options(command: _Command) -> _Command:
    """Add an option for each field of a policy that has a value of its own where none is given."""
    given = (
        click.option("--period", metavar="PERIOD", help="hourly to yearly, rolling_24h, 7d or 30d, lifetime; monthly."),
        click.option("--currency", metavar="CODE", help="ISO 4217; currency.report, else USD."),
        click.option("--soft-limit-percent", metavar="PERCENT", help="From here on it warns; 80."),
        click.option(
            "--hard-limit-action", metavar="ACTION", help="warn, throttle, degrade, soft_block or block; warn."
        ),
        click.option("--rollover", metavar="PERCENT", help="Of the limit, carried to the next window; empty: none."),
        click.option("--priority", type=int, help="Order in lists, high first; 0."),
        click.option("--owner", metavar="NAME", help="Who answers for it; empty: nobody."),
        click.option("--origin", metavar="ORIGIN", help="Charges that it counts: billed, recorded or auto."),
        click.option("--metadata", metavar="JSON", help="An object that is kept with it."),
        click.option("--enabled/--disabled", default=None, help="Whether it counts."),
    )
    for option in reversed(given):
        command = option(command)
    return command


@click.command()
@click.argument("name", metavar="NAME")
@click.option("--limit", required=True, metavar="AMOUNT", help="Per window, above 0.")
@click.option("--scope", default="global", show_default=True, metavar="SCOPE", help="KIND:ID, such as team:ml.")
@click.option("--tenant", metavar="TENANT", help="Whose charges it counts; else the actor's.")
@click.option("--id", "policy_id", default="", metavar="ID", help="Else one is made.")
@field_options
@options.table_or_json
@options.settings_options
def create(
    name: str,
    limit: str,
    scope: str,
    tenant: str | None,
    policy_id: str,
    format_: str,
    config: Path | None,
    warehouse: Path | None,
    as_of: str | None,
    verbose: bool,
    **fields: Any,
) -> int:
    """Create a policy: a limit for one scope of a tenant's charges. It needs budget:write, for global budget:admin.

    \b
    Example:
      costmill budgets create "ML team" --limit 500 --scope team:ml --hard-limit-action degrade
    """
    from pipeline.budgets.policies import Policy

    settings = options.settings(config, warehouse, verbose)
    kind, _, which = scope.partition(":")
    given = {"currency": settings.currency.report or DEFAULT_CURRENCY, **_given(fields)}
    policy = Policy(name, limit, kind, which, tenant_id=tenant, id=policy_id, **given)
    moment = options.moment(as_of, settings)
    tell(service(settings).create_policy(settings.actor, policy, as_of=moment), format_)
    return 0


@click.command()
@click.argument("id", metavar="ID")
@options.table_or_json
@options.place_options
def show(id: str, format_: str, config: Path | None, warehouse: Path | None, verbose: bool) -> int:
    """Show one policy.

    \b
    Example:
      costmill budgets show 5f0c3a9be12d
    """
    settings = options.settings(config, warehouse, verbose)
    tell(service(settings).get_policy(settings.actor, id), format_)
    return 0


@click.command(name="list")
@click.option("--scope", metavar="SCOPE", help="Only of this kind, such as team, or one of it, such as team:ml.")
@click.option("--tenant", metavar="TENANT", help="Only this tenant's.")
@click.option("--limit", type=click.IntRange(min=0), metavar="NUMBER", help="At most so many.")
@click.option("--offset", type=click.IntRange(min=0), default=0, metavar="NUMBER", help="Leave out so many before.")
@options.format_
@options.place_options
def list_(
    scope: str | None,
    tenant: str | None,
    limit: int | None,
    offset: int,
    format_: str,
    config: Path | None,
    warehouse: Path | None,
    verbose: bool,
) -> int:
    """List the policies that the actor may see.

    \b
    Example:
      costmill budgets list --scope team --format json
    """
    settings = options.settings(config, warehouse, verbose)
    filters = {} if tenant is None else {"tenant_id": tenant}
    found = service(settings).list_policies(settings.actor, scope, filters, limit, offset)
    output.rows(COLUMNS, [[getattr(policy, name) for name in COLUMNS] for policy in found], format_)
    return 0


@click.command()
@click.argument("id", metavar="ID")
@click.option("--name", metavar="NAME", help="A line of text.")
@click.option("--limit", metavar="AMOUNT", help="Per window, above 0.")
@click.option("--scope", metavar="SCOPE", help="KIND:ID, such as team:ml.")
@field_options
@options.table_or_json
@options.settings_options
def update(
    id: str,
    scope: str | None,
    format_: str,
    config: Path | None,
    warehouse: Path | None,
    as_of: str | None,
    verbose: bool,
    **fields: Any,
) -> int:
    """Change what is given of a policy, and nothing else of it.

    \b
    Example:
      costmill budgets update 5f0c3a9be12d --limit 600 --owner kim
    """
    settings = options.settings(config, warehouse, verbose)
    updates = _given(fields)
    if scope is not None:
        updates["scope"], _, updates["scope_id"] = scope.partition(":")
    moment = options.moment(as_of, settings)
    tell(service(settings).update_policy(settings.actor, id, updates, as_of=moment), format_)
    return 0


@click.command()
@click.argument("id", metavar="ID")
@options.table_or_json
@options.settings_options
def delete(id: str, format_: str, config: Path | None, warehouse: Path | None, as_of: str | None, verbose: bool) -> int:
    """Delete a policy: it counts no longer, its history stays. Prints what it was.

    \b
    Example:
      costmill budgets delete 5f0c3a9be12d
    """
    settings = options.settings(config, warehouse, verbose)
    moment = options.moment(as_of, settings)
    tell(service(settings).delete_policy(settings.actor, id, as_of=moment), format_)
    return 0


def service(settings: Settings) -> BudgetPolicyService:
    """Return the service of a configuration."""
    from pipeline.budgets.policy_service import BudgetPolicyService

    return BudgetPolicyService(settings)


def named(settings: Settings, name: str) -> Policy:
    """Return the policy that the actor may see by its id, else by its name.

    Raises:
        UsageError: when there is none, or several have the name.
    """
    own = service(settings).list_policies(settings.actor)
    found = [each for each in own if name in (each.id, each.budget_id)] or [each for each in own if each.name == name]
    if len(found) > 1:
        raise UsageError(f"{len(found)} policies have the name {name!r}; say which: {', '.join(p.id for p in found)}")
    return found[0] if found else service(settings).get_policy(settings.actor, name)


def _given(fields: dict[str, Any]) -> dict[str, Any]:
    """What was said of a policy; an empty text takes away what may be absent."""
    given = {name: value for name, value in fields.items() if value is not None}
    for name in ("rollover", "owner"):
        if given.get(name) == "":
            given[name] = None
    if "metadata" in given:
        try:
            given["metadata"] = json.loads(given["metadata"])
        except ValueError as error:
            raise UsageError(f"--metadata is no JSON: {error}") from None
    return given


def tell(policy: Policy, format_: str) -> None:
    """Print a policy."""
    facts = policy.to_json_dict()
    if format_ == "json":
        click.echo(json.dumps(facts, indent=2, ensure_ascii=False))
        return
    for name, value in facts.items():
        if value not in (None, "", {}):
            said = json.dumps(value) if isinstance(value, (bool, dict)) else value
            click.echo(output.printable(f"{name:<20}{said}"))
