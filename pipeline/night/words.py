"""What a run tells, as lines of text: the command line writes them to stderr, a scheduler's task to its log."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.budgets.alerts import AlertChange
from pipeline.night.loaded import Staleness
from pipeline.night.result import RunResult, Step


def step_line(step: Step) -> str:
    """Return a step as one line: name, subject, rows, money, seconds, note."""
    parts = [f"{step.name:<10} {step.subject}"]
    if step.rows is not None:
        parts.append(f"{step.rows:,} rows")
    parts += [f"{total:,.2f} {currency or '(no currency)'}" for currency, total in step.totals.items()]
    parts.append(f"{step.seconds:.2f} s")
    return ", ".join(parts) + (f" ({step.note})" if step.note else "")


def result_lines(result: RunResult) -> list[str]:
    """Say what a run's reader must know: what waits, what is stale, new alerts, warnings, breaches."""
    return [
        *waiting_lines(result),
        *withheld_lines(result),
        *undelivered_lines(result),
        *stale_lines(result.staleness),
        *alert_lines(result.alerts),
        *warning_lines(result.warnings),
        *result.notes,
    ]


def waiting_lines(result: RunResult) -> list[str]:
    """Say which deliveries were refused or wait in quarantine, and why."""
    found = []
    for outcome in result.outcomes:
        if outcome.waits:
            where = " ".join(part for part in (outcome.x_Source, outcome.x_BillingPeriod) if part)
            found.append(f"{outcome.status}: {where}: {outcome.reason}")
    return found


def withheld_lines(result: RunResult) -> list[str]:
    """Say which reports nobody gets, since their data is stale."""
    return [f"the report of {period} is withheld, its data is stale (freshness.stale)" for period in result.withheld]


def undelivered_lines(result: RunResult) -> list[str]:
    """Say what could not be told to people."""
    return [f"not delivered: {line}" for line in result.undelivered]


def warning_lines(warnings: Sequence[str]) -> list[str]:
    """Say what is doubtful."""
    return [f"warning: {warning}" for warning in warnings]


def alert_lines(changes: Sequence[AlertChange]) -> list[str]:
    """Say which alerts are news: fired, reopened, or no longer snoozed."""
    return [
        f"alert {change.kind}: {change.budget_id} of {change.window}: {change.words} ({change.severity})"
        for change in changes
        if change.is_told
    ]


def stale_lines(staleness: Staleness | None) -> list[str]:
    """Say which sources are older than the configured freshness."""
    return [f"stale: {line}" for line in staleness.lines] if staleness else []
