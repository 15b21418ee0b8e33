"""The night, step by step: what the command line and schedulers call.

Each step does what is due and notes that it is done in the same transaction, so that a run that was killed anywhere
is finished by the next one.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from pipeline import __version__, periods, resources
from pipeline.budgets import alerts, evaluate, ledger
from pipeline.budgets.alerts import AlertChange
from pipeline.budgets.model import BudgetResult
from pipeline.config import BudgetsConfig, Settings, SourceSettings
from pipeline.errors import CostmillError, UsageError, is_interrupt
from pipeline.load import Limits, Loader, Outcome
from pipeline.load.limits import NO_LIMITS
from pipeline.night import splitting
from pipeline.night.summarising import last_days, summaries_of, write_fiscal_summary
from pipeline.periods import utc_now
from pipeline.sources.delivery import Mode
from pipeline.store import lists, loads, publish, rollups, states
from pipeline.store.rates import sync_rates
from pipeline.store.tagging import stored_rules
from pipeline.store.warehouse import Warehouse

logger = logging.getLogger(__name__)

#: Exit codes of a run that ended by itself, the first that applies wins (SPEC 7); a budget breach comes last.
CONFIGURATION, EXPORTS, STALE = 78, 65, 66
#: As a shell has it for a program that ended by Ctrl-C.
INTERRUPTED = 130


@dataclass(frozen=True)
class Step:
    """One step of a run as told to whoever listens: rows, money by currency and seconds where it has them."""

    name: str
    subject: str
    rows: int | None = None
    totals: Mapping[str | None, Decimal] = field(default_factory=dict)
    seconds: float = 0.0
    note: str | None = None


@dataclass(frozen=True)
class Staleness:
    """The last complete day of all sources, and whether it is older than the configured freshness."""

    last_complete_day: date | None
    age_days: int | None
    is_stale: bool


@dataclass
class RunResult:
    """What a run did."""

    outcomes: list[Outcome] = field(default_factory=list)
    alerts: list[AlertChange] = field(default_factory=list)
    reports: list[Path] = field(default_factory=list)
    withheld: list[str] = field(default_factory=list)
    published: Path | None = None
    budgets: BudgetResult | None = None
    warnings: list[str] = field(default_factory=list)
    missing_rates: bool = False
    staleness: Staleness | None = None
    exit_code: int = 0
    notes: list[str] = field(default_factory=list)


Listener = Callable[[Step], None]


class Night:
    """One run over an open warehouse. ``as_of`` is the moment that the run counts as now (naive UTC)."""

    def __init__(
        self, warehouse: Warehouse, settings: Settings, *, as_of: datetime, run_id: str, listen: Listener | None = None
    ) -> None:
        self.warehouse = warehouse
        self.settings = settings
        self.as_of = as_of
        self.run_id = run_id
        self.listen = listen or (lambda _: None)
        self.result = RunResult()
        self._tagged_anew = False

    @property
    def keys(self) -> tuple[str, ...]:
        """Reported tag keys: the configured ones, those that budgets use, and virtual ones."""
        budget_keys = self.settings.budgets.tag_keys if self.settings.budgets else ()
        tags = self.settings.tags
        return tuple(dict.fromkeys([*tags.report_keys, *budget_keys, *tags.rules.virtual_keys]))

    @property
    def loaded(self) -> list[str]:
        """The billing periods that something is loaded for, oldest first."""
        return loaded_periods(self.warehouse)

    def load(
        self,
        sources: Sequence[tuple[SourceSettings, Sequence[str]]],
        *,
        mode: Mode = "auto",
        accept: bool = False,
        whole: bool = False,
        limits: Limits = NO_LIMITS,
    ) -> list[Outcome]:
        """Load what is new of each source; one that fails does not stop the others."""
        self._remember_first_load()
        outcomes = []
        states.catch_up(self.warehouse, self.run_id)
        with self.loader(accept=accept, limits=limits) as loader:
            for source, patterns in sources:
                for outcome in loader.load(source, patterns, mode, whole=whole):
                    outcomes.append(outcome)
                    self.tell_load(outcome)
            if whole:
                loader.close_sources_but([source.name for source, _ in sources])
        self.result.warnings += [_TWICE.format(*row) for row in self.warehouse.rows(resources.sql("night/twice"))]
        mixed = self.warehouse.rows(resources.sql("night/two_currencies"), [self.run_id])
        self.result.warnings += [_TWO_CURRENCIES.format(*row) for row in mixed]
        self.result.notes += states.restated_lines(self.warehouse, self.run_id)
        left = [f"{each.x_Source} {each.x_BillingPeriod}" for each in outcomes if each.status == "outside"]
        if left:
            self.result.notes.append(f"outside of {limits.words}, left as it is: {', '.join(dict.fromkeys(left))}")
        if self._tagged_anew or any(outcome.is_new for outcome in outcomes):
            self.result.warnings += [
                _SPELLINGS.format(*row) for row in self.warehouse.rows(resources.sql("night/spellings"))
            ]
        return outcomes

    def loader(self, *, accept: bool = False, note: str | None = None, limits: Limits = NO_LIMITS) -> Loader:
        """Return a loader of this run, with the rollups made for the tag keys and rules of today."""
        self._tagged_anew = rollups.refresh_for_keys(self.warehouse, self.keys, self.settings.tags.rules)
        if self._tagged_anew:
            self._tell(Step("rollups", "reported tag keys or tag rules changed: all periods"))
        if splitting.keep_rules(self.warehouse, self.settings.splits):
            self._tell(Step("splits", "split rules changed: all periods"))
        return Loader(
            self.warehouse,
            run_id=self.run_id,
            reported_keys=self.keys,
            accept=accept,
            cache=self.settings.cache,
            note=note,
            limits=limits,
        )

    def tell_load(self, outcome: Outcome) -> None:
        """Note what became of a delivery, and what of it somebody may want to know."""
        where = " ".join(part for part in (outcome.x_Source, outcome.x_BillingPeriod) if part)
        self.result.outcomes.append(outcome)
        self.result.notes += [f"{where}: {note}" for note in outcome.notes]
        self._tell(_load_step(outcome))

    def sync_rates(self) -> None:
        """Bring the warehouse's rates in line with the configuration's; without a file nobody has said anything of them."""
        if self.settings.file is None:
            return
        changed = sync_rates(self.warehouse, self.settings.currency)
        if changed:
            self._tell(Step("rates", ", ".join(changed), note="changed in the configuration"))

    def summarise(self, chosen: Sequence[str] | None = None) -> list[str]:
        """Make the summaries of the periods that are due (or of the ``chosen`` ones); returns the periods."""
        loaded = self.loaded
        made = list(chosen) if chosen is not None else rollups.due(self.warehouse, "summaries")
        for period in made:
            if period not in loaded:  # due because the period before it changed
                rollups.done(self.warehouse, period, "summaries")
                continue
            started = time.monotonic()
            tables = summaries_of(self.warehouse, period, self.keys)
            divided, told = splitting.split_tables(self.warehouse, period)
            tables |= divided
            self.result.warnings += told
            with self.warehouse.transaction():
                for table, frame in tables.items():
                    self.warehouse.execute(f"DELETE FROM {table} WHERE x_BillingPeriod = ?", [period])
                    self.warehouse.insert(table, frame)
                rollups.done(self.warehouse, period, "summaries")
                rollups.touch(self.warehouse)
            rows = sum(frame.height for frame in tables.values())
            self._tell(Step("summarise", period, rows, seconds=time.monotonic() - started))
        write_fiscal_summary(self.warehouse, self.settings.fiscal_year_start)
        return [period for period in made if period in loaded]

    def evaluate(self, period: str, *, explain: bool = False) -> BudgetResult:
        """Evaluate the configured budgets of one billing period; writes nothing."""
        config = self.settings.budgets or BudgetsConfig()
        rates = self.settings.currency.rates.get(period, {})
        currency = config.scopes[0].currency if config.scopes else self.settings.currency.report
        return evaluate.evaluate(
            config,
            self.warehouse.frame("SELECT * FROM daily_costs WHERE x_BillingPeriod = ?", [period]),
            self.warehouse.frame(resources.sql("night/resource_costs"), [period]),
            period=period,
            as_of=self.as_of,
            last_complete_day=last_days(self.warehouse, period),
            rates=rates if currency == self.settings.currency.report else {},
            explain=explain,
        )

    def check_budgets(self) -> list[AlertChange]:
        """Evaluate the windows that loads touched and the current one; write status and alerts."""
        started = time.monotonic()
        current = periods.label(self.as_of)
        changes: list[AlertChange] = []
        uncounted = {row[0] for row in self.warehouse.rows(_UNCOUNTED)}
        for period in sorted({*rollups.due(self.warehouse, "budgets"), *uncounted, current}):
            result = self.evaluate(period)
            changes += self._write_budgets(period, result)
            told = (*self.settings.warnings, *self.result.warnings)
            self.result.warnings += [each for each in result.warnings if each not in told]
            self.result.missing_rates |= bool(result.missing_rates)
            if period == current:
                self.result.budgets = result
        self.result.alerts += changes
        note = f"{len(changes)} alerts changed" if changes else "no alert changed"
        self._tell(Step("budgets", current, seconds=time.monotonic() - started, note=note))
        return changes

    def report(self, chosen: Sequence[str] | None = None, *, out: Path | None = None) -> list[Path]:
        """Render the reports that are due (or the ``chosen`` ones); returns the files."""
        written: list[Path] = []
        staleness = self.staleness()
        latest = self.warehouse.value(
            "SELECT max(x_BillingPeriod) FROM source_periods WHERE x_Origin = 'billed' AND charges > 0"
        )
        for period in chosen if chosen is not None else self._reports_due(latest):
            if staleness.is_stale and self.settings.freshness.stale == "withhold" and period == latest:
                self.result.withheld.append(period)
                continue
            started = time.monotonic()
            written += self._render(period, out or self.settings.reports.out)
            with self.warehouse.transaction():
                self._set(f"report:{period}", self._report_key(period, latest))
                rollups.done(self.warehouse, period, "reports")
            self._tell(Step("report", period, seconds=time.monotonic() - started))
        self.result.reports += written
        return written

    def publish(self) -> Path | None:
        """Publish the warehouse when the published copy does not show it; returns the copy, or None."""
        target = self.settings.publish
        if publish.is_published(self.warehouse, target.path):
            return None
        started = time.monotonic()
        copy = publish.publish(self.warehouse, target.path, mode=target.mode, keep=target.keep)
        self.result.published = target.path
        self._tell(Step("publish", str(target.path), seconds=time.monotonic() - started))
        return copy

    def staleness(self) -> Staleness:
        """Compare the last complete day, the earliest of the sources', with the configured freshness."""
        return staleness(self.warehouse, self.settings, self.as_of)

    def finish_load(self) -> RunResult:
        """Decide the exit code of a load alone: only what waits counts."""
        self.result.exit_code = EXPORTS if any(outcome.waits for outcome in self.result.outcomes) else 0
        return self.result

    def finish(self) -> RunResult:
        """Decide the exit code."""
        result = self.result
        result.staleness = self.staleness()
        decision = evaluate.exit_decision(result.budgets) if result.budgets else None
        if decision and decision.warning:
            result.notes.append(decision.warning)
        if result.missing_rates:
            result.exit_code = CONFIGURATION
        elif any(outcome.waits for outcome in result.outcomes):
            result.exit_code = EXPORTS
        elif result.staleness.is_stale:
            result.exit_code = STALE
        elif decision and decision.code:
            result.exit_code = decision.code
            result.notes.append(decision.reason or f"budget {decision.scope} is breached")
        return result

    def _write_budgets(self, period: str, result: BudgetResult) -> list[AlertChange]:
        config = self.settings.budgets or BudgetsConfig()
        rows = evaluate.status_rows(result)
        stored = self.warehouse.frame(
            "SELECT * FROM budget_status WHERE x_BillingPeriod = ? ORDER BY position", [period]
        )
        is_same = rows.sort("position").rows() == stored.select(rows.columns).rows()
        with self.warehouse.transaction():
            synced = ledger.sync_budgets(self.warehouse, config, self.as_of)
            if not is_same:
                self.warehouse.execute("DELETE FROM budget_status WHERE x_BillingPeriod = ?", [period])
                self.warehouse.insert("budget_status", rows)
            changes = alerts.update_alerts(
                self.warehouse, result, now=self.as_of, suppressed=self._ended_before_first_load(period)
            )
            rollups.done(self.warehouse, period, "budgets")
            if synced or changes or not is_same:
                rollups.mark_reports(self.warehouse, None if synced else period)
        return changes

    def _ended_before_first_load(self, period: str) -> bool:
        first = self._get("first_load")
        return first is not None and periods.month(period).end <= datetime.fromisoformat(first)

    def _remember_first_load(self) -> None:
        """Note when the warehouse got its first charges: before the load, so that a kill right after it loses nothing."""
        if not self.warehouse.value("SELECT count(*) FROM source_periods WHERE x_Origin = 'billed' AND charges > 0"):
            self._set("first_load", self.as_of.isoformat())

    def _reports_due(self, latest: str | None) -> list[str]:
        loaded = self.loaded
        due = set(rollups.due(self.warehouse, "reports"))
        emptied = {period for period in due - set(loaded) if any(path.exists() for path in self._report_paths(period))}
        for period in sorted(due - set(loaded) - emptied):  # a neighbour changed, or refused before anything loaded
            with self.warehouse.transaction():
                rollups.done(self.warehouse, period, "reports")
        return [
            period
            for period in sorted({*loaded, *emptied})
            if period in due
            or self._get(f"report:{period}") != self._report_key(period, latest)
            or not all(path.exists() for path in self._report_paths(period))
        ]

    def _report_key(self, period: str, latest: str | None) -> str:
        """What a report depends on besides the warehouse; only the latest period's speaks of today."""
        today = self.as_of.date().isoformat() if period == latest else "-"
        from pipeline.reports.attribution import fiscal_year_to_date

        to_date = fiscal_year_to_date(self.warehouse, period, self.settings.fiscal_year_start)
        facts = repr((self.settings.reports, self.settings.freshness, self.keys, __version__, to_date))
        return f"{today} {hashlib.sha256(facts.encode()).hexdigest()[:16]}"

    def _report_paths(self, period: str) -> list[Path]:
        reports = self.settings.reports
        return [reports.out / period / f"report.{kind}" for kind in reports.formats]

    def _render(self, period: str, out: Path) -> list[Path]:
        from pipeline.reports.render import render_report

        reports = self.settings.reports
        return render_report(
            self.warehouse,
            period,
            out=out,
            formats=reports.formats,
            as_of=self.as_of,
            generated_at=utc_now(),
            version=__version__,
            locale=reports.locale,
            max_age_days=self.settings.freshness.max_age_days,
            tag_keys=self.keys,
            fiscal_year_start=self.settings.fiscal_year_start,
        )

    def _get(self, name: str) -> str | None:
        value: str | None = self.warehouse.value("SELECT value FROM settings WHERE name = ?", [name])
        return value

    def _set(self, name: str, value: str) -> None:
        self.warehouse.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", [name, value])

    def _tell(self, step: Step) -> None:
        row: dict[str, Any] = {"run_id": self.run_id, "step": step.name, "subject": step.subject, "rows": step.rows}
        cost = next(iter(step.totals.values())) if len(step.totals) == 1 else None
        row |= {"cost": cost, "seconds": Decimal(f"{step.seconds:.3f}")}
        loads.insert(self.warehouse, "run_steps", row)
        self.listen(step)


def run(
    settings: Settings,
    *,
    as_of: datetime | None = None,
    accept: bool = False,
    limits: Limits = NO_LIMITS,
    listen: Listener | None = None,
) -> RunResult:
    """Run the night: load every source, then summaries, budgets and alerts, reports, and the published copy.

    Raises:
        UsageError: when the configuration has no source.
        CostmillError: when the warehouse cannot be used; anything else is in the result.
    """
    if not settings.sources:
        raise UsageError(
            "no source is configured; add one under `sources:` in costmill.yaml, or load files with `costmill load`"
        )
    with night(settings, "run", as_of=as_of, listen=listen, create=True) as tonight:
        tonight.load([(source, [source.path]) for source in settings.sources], accept=accept, whole=True, limits=limits)
        tonight.summarise()
        tonight.check_budgets()
        tonight.report()
        tonight.finish()
    return tonight.result


def loaded_periods(warehouse: Warehouse) -> list[str]:
    """Return the billing periods that something is loaded for, oldest first."""
    return [
        row[0]
        for row in warehouse.rows(
            "SELECT DISTINCT x_BillingPeriod FROM source_periods WHERE x_Origin = 'billed' ORDER BY 1"
        )
    ]


def require_loaded(warehouse: Warehouse, wanted: Sequence[str]) -> None:
    """Check that something is loaded for each of the ``wanted`` billing periods.

    Raises:
        UsageError: naming those that are not, and what is loaded.
    """
    known = loaded_periods(warehouse)
    unknown = [period for period in wanted if period not in known]
    if unknown:
        raise UsageError(f"nothing is loaded for {', '.join(unknown)}; loaded: {', '.join(known) or 'nothing yet'}")


def staleness(warehouse: Warehouse, settings: Settings, as_of: datetime) -> Staleness:
    """Compare the last complete day, the earliest of the configured sources', with the configured freshness."""
    names = [source.name for source in settings.sources]
    rows = warehouse.rows(
        "SELECT x_Source, max(usage_through) FROM source_periods WHERE x_Origin = 'billed' GROUP BY ALL"
    )
    days = [periods.last_complete_day(through) for name, through in rows if through and (not names or name in names)]
    if not days:
        return Staleness(None, None, is_stale=False)
    age = (as_of.date() - min(days)).days
    return Staleness(min(days), age, is_stale=age > settings.freshness.max_age_days)


def ask_budgets(
    warehouse: Warehouse, settings: Settings, period: str, *, as_of: datetime, explain: bool = False
) -> BudgetResult:
    """Evaluate the configured budgets on an open (published) warehouse; writes nothing.

    Raises:
        UsageError: when the rollups were made without a tag key that a budget uses, or with other tag rules.
    """
    asking = Night(warehouse, settings, as_of=as_of, run_id="")
    made_with = json.loads(warehouse.value("SELECT value FROM settings WHERE name = 'reported_tags'") or "[]")
    lacking = [key for key in asking.keys if key not in made_with]
    if lacking:
        raise UsageError(
            f"the warehouse was made without the tag key {lacking[0]!r} that the configuration uses; run `costmill run`"
        )
    if stored_rules(warehouse) != settings.tags.rules:
        raise UsageError("the warehouse was made with other tag rules than the configuration has; run `costmill run`")
    result = asking.evaluate(period, explain=explain)
    if period in asking.loaded:
        return result
    return replace(result, warnings=(*result.warnings, f"no data: nothing is loaded for {period}, so all spend is 0"))


@contextmanager
def night(
    settings: Settings,
    command: str,
    *,
    as_of: datetime | None = None,
    listen: Listener | None = None,
    create: bool = False,
) -> Iterator[Night]:
    """Open the warehouse for a run, note the run in the ledger, and publish at the end what changed.

    Args:
        create: make the warehouse when it is not there yet.

    Raises:
        UsageError: when there is no warehouse to work on.
        ConfigurationError: when the published copy's path is taken by somebody else's file.
        CostmillError: when the warehouse cannot be used.
    """
    if not create and not settings.warehouse.exists():
        raise UsageError(f"{settings.warehouse}: no warehouse there; `costmill run` or `costmill load` makes it")
    publish.require_ours(settings.publish.path)
    moment = as_of or settings.as_of or utc_now()
    run_id = f"{utc_now():%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}"
    with Warehouse.open(
        settings.warehouse, wait_seconds=settings.writer_wait_seconds, memory_limit=settings.memory_limit
    ) as warehouse:
        started: dict[str, Any] = {"run_id": run_id, "command": command, "version": __version__}
        loads.insert(warehouse, "runs", started | {"started_at": utc_now()})
        tonight = Night(warehouse, settings, as_of=moment, run_id=run_id, listen=listen)
        code = CostmillError.exit_code
        try:
            tonight.sync_rates()
            if settings.file is not None:
                lists.sync(warehouse, settings)
            yield tonight
            code = tonight.result.exit_code
        except BaseException as error:
            code = _exit_code(error)
            raise
        finally:
            changed = not publish.is_published(warehouse, settings.publish.path)
            warehouse.execute(
                "UPDATE runs SET ended_at = ?, exit_code = ?, changed = ? WHERE run_id = ?",
                [utc_now(), code, changed, run_id],
            )
        tonight.publish()


def _exit_code(error: BaseException) -> int:
    if isinstance(error, CostmillError):
        return error.exit_code
    return INTERRUPTED if is_interrupt(error) else CostmillError.exit_code


def _load_step(outcome: Outcome) -> Step:
    subject = " ".join(part for part in (outcome.x_Source, outcome.x_BillingPeriod) if part)
    note = outcome.status if outcome.is_new else f"{outcome.status}, known"
    if outcome.reason:
        note = f"{note}: {outcome.reason}"
    note = "; ".join([note, *outcome.notes])
    return Step("load", subject, outcome.rows_read, outcome.totals or {}, outcome.seconds, note)


#: The same file under two source names: its charges count twice.
_TWICE = "{0} file(s), first {1}, are loaded by {2} and by {3}: their charges count twice; take them out of one"

#: A billing account of a load of this run that is billed in several currencies.
_TWO_CURRENCIES = (
    "{0} {1}: the billing account {2} is billed in {3}; each currency has sums of its own, they are never added"
)

#: Several spellings of a tag key on the same charges, with different values (tags.aliases).
_SPELLINGS = (
    "tag {0}: {1} charges carry several spellings of it with different values; {2!r} counts before {3!r}; "
    "`costmill tags conflicts` lists them"
)

#: Periods whose budgets wait for a rate: counted as soon as the configuration has it.
_UNCOUNTED = "SELECT DISTINCT x_BillingPeriod FROM budget_status WHERE unconverted <> '{}'"
