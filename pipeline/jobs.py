"""The night, step by step: what the command line and schedulers call.

Each step does what is due and notes that it is done in the same transaction, so that a run that was killed anywhere
is finished by the next one.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from pipeline import periods
from pipeline.budgets import evaluate
from pipeline.budgets.alerts import AlertChange
from pipeline.budgets.model import BudgetResult
from pipeline.config import Settings, SourceSettings
from pipeline.config.fields import USAGE_LOG
from pipeline.config.secrets import require_secrets
from pipeline.errors import CostmillError, UsageError, is_interrupt
from pipeline.load import Limits, Loader, Outcome, origins
from pipeline.load.limits import NO_LIMITS
from pipeline.night import budgeting, cautions, documents, failing, splitting, usage_log
from pipeline.night.failing import CONFIGURATION, EXPORTS, STALE, UNDELIVERED
from pipeline.night.loaded import Staleness, loaded_periods, require_loaded, staleness
from pipeline.night.record import RunRecord
from pipeline.night.reporting import Reporting
from pipeline.night.result import Listener, RunResult, Step, load_step
from pipeline.night.summarising import write_fiscal_summary, write_model_summaries, write_summaries
from pipeline.night.tenants import publish_files
from pipeline.periods import Span, utc_now
from pipeline.pricing.registry import PricingRegistry
from pipeline.sources.delivery import Mode
from pipeline.steps import DELIVER, STEPS
from pipeline.store import lists, publish, rollups, states
from pipeline.store.rates import sync_rates
from pipeline.store.warehouse import Warehouse

__all__ = [
    "CONFIGURATION",
    "EXPORTS",
    "STALE",
    "UNDELIVERED",
    "Listener",
    "Night",
    "RunResult",
    "Step",
    "loaded_periods",
    "night",
    "require_loaded",
    "require_source",
    "run",
    "staleness",
]

#: As a shell has it for a program that ended by Ctrl-C.
INTERRUPTED = 130


class Night:
    """One run over an open warehouse. ``as_of`` is the moment that the run counts as now (naive UTC)."""

    def __init__(
        self,
        warehouse: Warehouse,
        settings: Settings,
        *,
        as_of: datetime,
        run_id: str,
        listen: Listener | None = None,
        record: RunRecord | None = None,
    ) -> None:
        self.warehouse = warehouse
        self.settings = settings
        self.as_of = as_of
        self.run_id = run_id
        self.listen = listen or (lambda _: None)
        self._record = record
        self.result = RunResult()
        #: Whose files are published beside the copy; None: everybody's.
        self.tenants: Sequence[str] | None = None if settings.publish.tenants else ()
        self._tagged_anew = False

    @property
    def keys(self) -> tuple[str, ...]:
        """Reported tag keys: the configured ones, those that budgets use, and virtual ones."""
        budget_keys = self.settings.budgets.tag_keys if self.settings.budgets else ()
        tags = self.settings.tags
        return tuple(dict.fromkeys([*tags.report_keys, *budget_keys, *tags.rules.virtual_keys]))

    @property
    def _bills(self) -> dict[str, bool]:
        """Sources, and whether what is recorded in them is part of the bill; without a file nobody has said."""
        own = {USAGE_LOG: self.settings.own_usage_log.bill}
        named = own | {source.name: source.bill for source in self.settings.sources}
        return named if self.settings.file is not None else {}

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
        budgeting.remember_first_load(self.warehouse, self.as_of)
        outcomes = []
        with self.loader(accept=accept, limits=limits) as loader:
            states.catch_up(self.warehouse, self.run_id)
            for source, patterns in sources:
                for outcome in loader.load(source, patterns, mode, whole=whole):
                    outcomes.append(outcome)
                    self.tell_load(outcome)
            if whole:
                loader.close_sources_but([source.name for source, _ in usage_log.with_own(self.settings)])
        has_loaded = any(outcome.is_new and outcome.status == "loaded" for outcome in outcomes)
        self.result.warnings += cautions.of_charges(self.warehouse, self.run_id, has_loaded=has_loaded)
        self.tell_restated(since_last_run=whole)
        left = [f"{each.x_Source} {each.x_BillingPeriod}" for each in outcomes if each.status == "outside"]
        if left:
            self.result.notes.append(f"outside of {limits.words}, left as it is: {', '.join(dict.fromkeys(left))}")
        if self._tagged_anew or any(outcome.is_new for outcome in outcomes):
            self.result.warnings += cautions.of_tags(self.warehouse)
        return outcomes

    def load_configured(
        self, only: str | None = None, *, accept: bool = False, limits: Limits = NO_LIMITS
    ) -> list[Outcome]:
        """Load what is new of every configured source and of the usage log, or of the ``only`` one of them."""
        sources = [each for each in usage_log.with_own(self.settings) if only in (None, each[0].name)]
        outcomes = self.load(sources, accept=accept, whole=True, limits=limits)
        if only in (None, USAGE_LOG):
            self.result.notes += usage_log.torn_lines(self.warehouse, self.settings)
        return outcomes

    def loader(self, *, accept: bool = False, note: str | None = None, limits: Limits = NO_LIMITS) -> Loader:
        """Return a loader of this run, with the rollups made for the tag keys and rules of today."""
        self._tagged_anew = rollups.refresh_for_keys(self.warehouse, self.keys, self.settings.tags.rules)
        if self._tagged_anew:
            self._tell(Step("rollups", "reported tag keys or tag rules changed: all periods"))
        for moved in origins.follow(self.warehouse, self._bills, keys=self.keys, run_id=self.run_id):
            self._tell(Step("rollups", moved))
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
            prices=PricingRegistry.configured(self.settings.prices),
        )

    def tell_load(self, outcome: Outcome) -> None:
        """Note what became of a delivery, and what of it somebody may want to know."""
        where = " ".join(part for part in (outcome.x_Source, outcome.x_BillingPeriod) if part)
        self.result.outcomes.append(outcome)
        self.result.notes += [f"{where}: {note}" for note in outcome.notes]
        self._tell(load_step(outcome), is_news=outcome.is_new)

    def tell_restated(self, *, since_last_run: bool = False) -> None:
        """Note what became of billing periods that were final; a night tells too what was decided since the one before."""
        lines = states.restated_lines(self.warehouse, self.run_id, since_last_run=since_last_run)
        self.result.notes += lines
        if lines and self._record is not None:
            self._record.keep()

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
            rows, told = write_summaries(self.warehouse, period, self.keys)
            self.result.warnings += told
            self._tell(Step("summarise", period, rows, seconds=time.monotonic() - started))
        for period, rows in write_model_summaries(self.warehouse, made, everything=chosen is not None).items():
            self._tell(Step("models", period, rows))
        write_fiscal_summary(self.warehouse, self.settings.fiscal_year_start)
        return [period for period in made if period in loaded]

    def evaluate(self, period: str, *, explain: bool = False) -> BudgetResult:
        """Evaluate the configured budgets of one billing period; writes nothing."""
        return budgeting.evaluate_period(
            self.warehouse, self.settings, period, self.as_of, keys=self.keys, explain=explain
        )

    def check_budgets(self) -> list[AlertChange]:
        """Evaluate the windows that loads touched and the current ones; write status and alerts."""
        started = time.monotonic()
        current = periods.label(self.as_of)
        checked = budgeting.check_due(self.warehouse, self.settings, self.as_of, self.keys)
        changes = [*checked.changes, *budgeting.wake_alerts(self.warehouse, self.as_of)]
        told = (*self.settings.warnings, *self.result.warnings)
        self.result.warnings += [each for each in dict.fromkeys(checked.warnings) if each not in told]
        self.result.missing_rates |= checked.lacks_rates
        self.result.budgets = checked.result
        self.result.alerts += changes
        note = f"{len(changes)} alerts changed" if changes else "no alert changed"
        self._tell(Step("budgets", current, seconds=time.monotonic() - started, note=note), is_news=bool(changes))
        return changes

    def report(
        self, chosen: Sequence[str] | None = None, *, out: Path | None = None, strict: bool = False
    ) -> list[Path]:
        """Render the reports that are due (or the ``chosen`` ones); returns the files.

        Raises:
            OwnPartError: when ``strict`` and something of the user's own cannot be used; else that is a warning.
        """
        written: list[Path] = []
        withholds = self.settings.freshness.stale == "withhold" and self.staleness().is_stale
        reporting = Reporting(self.warehouse, self.settings, as_of=self.as_of, keys=self.keys)
        for period in chosen if chosen is not None else reporting.due():
            if withholds and period == reporting.latest:
                self.result.withheld.append(period)
                continue
            started = time.monotonic()
            written += reporting.write(period, out or self.settings.reports.out, strict=strict)
            self._tell(Step("report", period, seconds=time.monotonic() - started))
        self.result.warnings += dict.fromkeys(reporting.warnings)
        self.result.reports += written
        return written

    def report_all(self) -> None:
        """Render the reports that are due, then bring the configured site up to date."""
        self.report()
        if self.settings.reports.site is not None:
            self.refresh_site(self.settings.reports.site)

    def refresh_site(self, folder: Path) -> list[Path]:
        """Write the pages of a site that say something new; returns the files. What is withheld is in the result."""
        from pipeline.night import site

        started = time.monotonic()
        withholds = self.settings.freshness.stale == "withhold" and self.staleness().is_stale
        written, withheld = site.refresh(
            self.warehouse,
            self.settings,
            folder,
            as_of=self.as_of,
            keys=self.keys,
            withholds=withholds,
            warnings=self.result.warnings,
        )
        self.result.withheld += [period for period in withheld if period not in self.result.withheld]
        self._tell(Step("site", str(folder), len(written), seconds=time.monotonic() - started), is_news=bool(written))
        return written

    def write(self, wanted: documents.Wanted, spans: Sequence[Span]) -> list[Path]:
        """Write a report of spans that somebody asked for; returns the files. What is withheld is in the result."""
        withholds = self.settings.freshness.stale == "withhold" and self.staleness().is_stale
        written: list[Path] = []
        for span in spans:
            if withholds and documents.reaches_open(self.warehouse, span):
                self.result.withheld.append(span.label)
                continue
            started, out = time.monotonic(), self.settings.reports.out
            written += documents.write(
                self.warehouse, self.settings, wanted, span, out, as_of=self.as_of, keys=self.keys
            )
            self._tell(Step("report", f"{wanted.report} {span.label}", seconds=time.monotonic() - started))
        return written

    def deliver(self) -> None:
        """Tell people what is due by the configured channels; what could not be told is in the result."""
        from pipeline.night import delivering

        channels = delivering.channels(self.settings)
        if not channels:
            return
        started = time.monotonic()
        delivery = delivering.Delivery(
            self.warehouse,
            self.settings,
            as_of=self.as_of,
            run_id=self.run_id,
            keys=self.keys,
            staleness=self.staleness(),
            channels=channels,
        )
        left, done = delivery.send(), delivery.desk.delivered
        self.result.undelivered += [
            f"nobody can say whether it arrived: {each.subject} to {each.recipient}: {each.error}" for each in left
        ]
        self.result.undelivered += [*done.unknown, *done.failed]
        self.result.withheld += delivery.editions.withheld
        self.result.warnings += delivery.warnings
        said = f"{len(done.sent)} sent, {len(self.result.undelivered)} not"
        names = ", ".join(channel.name for channel in channels)
        is_news = bool(done.sent or self.result.undelivered)
        self._tell(Step("deliver", names, seconds=time.monotonic() - started, note=said), is_news=is_news)

    def publish(self) -> Path | None:
        """Publish the warehouse when the published copy does not show it, then the tenants' files; returns the copy, or
        None."""
        target, copy = self.settings.publish, None
        if not publish.is_published(self.warehouse, target.path):
            started = time.monotonic()
            copy = publish.publish(self.warehouse, target.path, mode=target.mode, keep=target.keep)
            self.result.published = target.path
            self._tell(Step("publish", str(target.path), seconds=time.monotonic() - started))
        if self.tenants is None or self.tenants:
            started = time.monotonic()
            made = publish_files(self.warehouse, self.settings, self.tenants)
            if made:
                self._tell(Step("publish", f"tenants: {len(made)}", seconds=time.monotonic() - started))
        return copy

    def staleness(self) -> Staleness:
        """Compare the last complete day, the earliest of the sources', with the configured freshness."""
        return staleness(self.warehouse, self.settings, self.as_of)

    def finish_load(self) -> RunResult:
        """Decide the exit code of a load alone: only what waits counts."""
        self.result.exit_code = EXPORTS if any(outcome.waits for outcome in self.result.outcomes) else 0
        return self.result

    def finish_delivery(self) -> RunResult:
        """Decide the exit code of a delivery alone: what could not be told, or is withheld."""
        self.result.exit_code = UNDELIVERED if self.result.undelivered else STALE if self.result.withheld else 0
        return self.result

    def finish(self, *, waits: bool = False) -> RunResult:
        """Decide the exit code; ``waits`` says of a delivery that waits though this run did not meet it."""
        result = self.result
        result.staleness = self.staleness()
        decision = evaluate.exit_decision(result.budgets) if result.budgets else None
        if decision and decision.reason:
            result.notes.append(decision.reason)
        if result.missing_rates:
            result.exit_code = CONFIGURATION
        elif waits or any(outcome.waits for outcome in result.outcomes):
            result.exit_code = EXPORTS
        elif result.undelivered:
            result.exit_code = UNDELIVERED
        elif result.staleness.is_stale:
            result.exit_code = STALE
        elif decision and decision.code:
            result.exit_code = decision.code
        return result

    def _tell(self, step: Step, *, is_news: bool = True) -> None:
        row: dict[str, Any] = {"step": step.name, "subject": step.subject, "rows": step.rows}
        cost = next(iter(step.totals.values())) if len(step.totals) == 1 else None
        if self._record is not None:
            self._record.step(row | {"cost": cost, "seconds": Decimal(f"{step.seconds:.3f}")}, is_news=is_news)
        self.listen(step)


def require_source(settings: Settings) -> None:
    """Check that there is something to load.

    Raises:
        UsageError: when the configuration has no source, and nothing was ever recorded.
    """
    if not settings.sources and not settings.own_usage_log.path.is_dir():
        raise UsageError(
            "no source is configured; add one under `sources:` in costmill.yaml, or load files with `costmill load`"
        )


def run(
    settings: Settings,
    *,
    as_of: datetime | None = None,
    accept: bool = False,
    limits: Limits = NO_LIMITS,
    deliver: bool = True,
    listen: Listener | None = None,
) -> RunResult:
    """Run the night: load every source and the usage log, then summaries, budgets and alerts, reports, what people are
    told, and the published copy.

    Args:
        deliver: whether anybody is told, be it that the run breaks off.

    Raises:
        UsageError: when the configuration has no source.
        ConfigurationError: when the environment lacks a secret that telling people needs.
        CostmillError: when the warehouse cannot be used; anything else is in the result.
    """
    require_source(settings)
    with failing.told(settings, tells=deliver):
        if deliver:
            require_secrets(settings)
        with night(settings, "run", as_of=as_of, listen=listen, create=True) as tonight:
            tonight.load_configured(accept=accept, limits=limits)
            for step in STEPS:
                if step.do is not None and (deliver or step.name != DELIVER):
                    step.do(tonight)
            tonight.finish()
        usage_log.clean_up(settings)
    return tonight.result


@contextmanager
def night(
    settings: Settings,
    command: str,
    *,
    as_of: datetime | None = None,
    listen: Listener | None = None,
    create: bool = False,
    publishes: bool = True,
) -> Iterator[Night]:
    """Open the warehouse for a run, note in the ledger one that changes something, and publish at the end what changed.

    Args:
        create: make the warehouse when it is not there yet.
        publishes: False leaves publishing to a later step.

    Raises:
        NotPermittedError: when the settings' actor is of a tenant.
        UsageError: when there is no warehouse to work on.
        ConfigurationError: when the published copy's path is taken by somebody else's file.
        CostmillError: when the warehouse cannot be used.
    """
    settings.actor.require_operator(f"use `costmill {command}`")
    if not create and not settings.warehouse.exists():
        raise UsageError(f"{settings.warehouse}: no warehouse there; `costmill run` or `costmill load` makes it")
    publish.require_ours(settings.publish.path)
    moment = as_of or settings.as_of or utc_now()
    run_id = f"{utc_now():%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}"
    with Warehouse.open(
        settings.warehouse, wait_seconds=settings.writer_wait_seconds, memory_limit=settings.memory_limit
    ) as warehouse:
        record = RunRecord(warehouse, run_id, command)
        tonight = Night(warehouse, settings, as_of=moment, run_id=run_id, listen=listen, record=record)
        code, broke_off = CostmillError.exit_code, True
        try:
            tonight.sync_rates()
            if settings.file is not None:
                lists.sync(warehouse, settings)
            yield tonight
            code, broke_off = tonight.result.exit_code, False
        except BaseException as error:
            code = _exit_code(error)
            raise
        finally:
            changed = record.has_changed
            if publishes:  # also what a run before left unpublished
                changed = not publish.is_published(warehouse, settings.publish.path)
            record.end(code, changed=changed, broke_off=broke_off)
        if publishes:
            tonight.publish()


def _exit_code(error: BaseException) -> int:
    if isinstance(error, CostmillError):
        return error.exit_code
    return INTERRUPTED if is_interrupt(error) else CostmillError.exit_code
