"""`costmill budgets explain`: of what a budget's spend, limit and forecast are made."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline import money
from pipeline.cli import options, output
from pipeline.cli.published import published_whole
from pipeline.periods import label, month

if TYPE_CHECKING:
    from pipeline.budgets.explanation import Explanation, Sum

#: Groups that a table has, unless asked otherwise; of days it has all.
LIMIT = 20
#: Width of the names of facts.
_NAME = 11


@click.command()
@click.argument("name", metavar="NAME")
@click.option("--period", metavar="YYYY-MM", help="The billing period; else the one that holds --as-of.")
@click.option(
    "--by", default="ServiceName", show_default=True, metavar="COLUMN",
    help="How to group the charges: by a column, a scope such as model or account, day, or tag:KEY.",
)  # fmt: skip
@click.option(
    "--limit", type=click.IntRange(min=1), metavar="N",
    help="Print so many groups of a table, the first; JSON has all.  [default: 20, of days all]",
)  # fmt: skip
@options.table_or_json
@options.settings_options
def explain(
    name: str,
    period: str | None,
    by: str,
    limit: int | None,
    format_: str,
    config: Path | None,
    warehouse: Path | None,
    as_of: str | None,
    verbose: bool,
) -> int:
    """Explain one budget of the file or policy: of what its spend, limit and forecast are made.

    The window and what puts charges in it, the cost that counts, the charges in groups, their rates, and what of the
    scope is left out, with why. Writes nothing.

    \b
    Examples:
      costmill budgets explain tag:team:ml --by ResourceId
      costmill budgets explain "ML team" --period 2026-02 --format json
    """
    from pipeline import asking, jobs

    settings = options.settings(config, warehouse, verbose)
    moment = options.moment(as_of, settings)
    wanted = period or label(moment)
    month(wanted)
    with published_whole(settings) as copy:
        if wanted != label(moment):
            jobs.require_loaded(copy.warehouse, [wanted])
        found = asking.ask_explanation(copy.warehouse, settings, name, wanted, as_of=moment, by=by)
    if format_ == "json":
        click.echo(json.dumps(found.to_json_dict(), indent=2, ensure_ascii=False))
        return 0
    for fact, words in _facts(found):
        click.echo(output.printable(f"{fact:<{_NAME}}{words}"))
    _tables(found, limit)
    return 0


def _facts(found: Explanation) -> Iterator[tuple[str, str]]:
    from pipeline.budgets import windows
    from pipeline.rules import plain

    status, budget = found.status, found.status.budget
    name = f" ({budget.name})" if budget.name else ""
    yield "budget", f"{budget.budget_id}{name}, {status.health}"
    start = "the beginning" if status.period_start == windows.FIRST else str(status.period_start)
    end = "ever" if status.period_end == windows.LAST else f"before {status.period_end}"
    yield (
        "window",
        f"{status.window_name}: from {start} to {end}, by {found.window_by}, charges through {found.through}",
    )
    yield "counts", f"{found.cost}, in {status.currency}"
    if found.policy is not None:
        yield "scope", f"{found.policy.scope_name} of {found.policy.tenant_id or 'every tenant'}"
    if budget.filter is not None:
        yield "filter", json.dumps(plain(budget.filter), ensure_ascii=False)
    yield "limit", _limit(found)
    if found.carried is not None and found.carried.reason:
        window = windows.name_of(budget.period, found.carried.window)
        yield "rollover", f"nothing from {window}: {found.carried.reason}"
    yield "spend", _spend(found)
    yield "forecast", _forecast(found)
    for alert in status.alerts:
        unit = "%" if alert.unit == "percent" else status.currency
        yield "threshold", f"{money.text(alert.threshold)} {unit}, {alert.type}: {alert.state}"


def _limit(found: Explanation) -> str:
    from pipeline.budgets.windows import name_of

    status, carried = found.status, found.carried
    plan = f"planned from {found.planned_from} on" if found.planned_from else "its amount"
    words = f"{money.text(status.effective_limit)} {status.currency} = {money.text(found.plain_limit)}, {plan}"
    if carried is None or carried.spend is None:
        return words
    own = (
        f"{money.text(carried.spend)} spent of {money.text(carried.limit)}, "
        f"at most {money.text(status.budget.rollover or money.ZERO)} % of that is carried"
    )
    return f"{words} + {money.text(carried.carried)} from {name_of(status.budget.period, carried.window)} ({own})"


def _spend(found: Explanation) -> str:
    status = found.status
    if status.current_spend is None or status.percentage is None:
        return f"not known: {status.forecast_note}"
    share = money.percent_text(status.percentage)
    number = found.total.charges
    return (
        f"{money.text(status.current_spend)} {status.currency}, {share} % of the limit, "
        f"of {number} charge{'' if number == 1 else 's'}"
    )


def _forecast(found: Explanation) -> str:
    status, made = found.status, found.forecast
    if made is None or status.forecasted_spend is None:
        return f"none: {status.forecast_note}"
    after = status.window.days - made.elapsed
    rate = "at their rate" if made.rest != made.pending or not made.pending else "as they have cost so far"
    return (
        f"{money.text(status.forecasted_spend)} {status.currency} = {_short(made.complete)} usage of {made.elapsed} complete "
        f"day{'' if made.elapsed == 1 else 's'} through {made.through} + {_short(made.rest)} of the {after} after them, {rate}, "
        f"+ {_short(made.face)} at face value"
    )


def _short(value: Decimal) -> str:
    from pipeline.forecast import rounded

    return money.text(rounded(value))


def _tables(found: Explanation, limit: int | None) -> None:
    from pipeline.budgets.charge_groups import DAY
    from pipeline.budgets.explanation import merged

    currency = found.status.currency
    parts = list(found.parts().items())
    limit = limit or (len(parts) if found.by == DAY else LIMIT)
    if parts:
        click.echo(f"\nspend by {found.by}")
        shown = [_row(part, own, found) for part, own in parts[:limit]]
        if rest := [own for _, own in parts[limit:]]:
            shown.append(_row(f"({len(rest)} more)", merged(rest), found))
        shown.append(_row("(total)", found.total, found))
        output.rows((found.by, "charges", found.cost, "spend", "currency", "percent"), shown, "table")
    billed = [
        (period, origin, code, own.charges, own.costs[code], found.rates.get((period, code)), own.spend, currency)
        for (period, code, origin), own in found.as_billed().items()
    ]
    if billed:
        click.echo("\nas billed")
        head = ("x_BillingPeriod", "x_Origin", "BillingCurrency", "charges", found.cost, "rate", "spend", "currency")
        output.rows(head, billed, "table")
    if left := found.left_out():
        click.echo("\nleft out of its scope")
        rows = [
            (why, origin, own.charges, cost, code)
            for (why, origin), own in left.items()
            for code, cost in own.costs.items()
        ]
        output.rows(("why", "x_Origin", "charges", found.cost, "BillingCurrency"), rows, "table")


def _row(part: str | None, own: Sum, found: Explanation) -> tuple[object, ...]:
    whole = found.total.spend
    share = money.percent(own.spend, whole) if own.spend is not None and whole else None
    spend = None if own.spend is None else Decimal(_short(own.spend))
    billed = ", ".join(f"{money.text(cost)} {code}" for code, cost in own.costs.items())
    return (
        part or "(none)",
        own.charges,
        billed,
        spend,
        found.status.currency,
        None if share is None else money.percent_text(share),
    )
