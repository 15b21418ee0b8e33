"""``costmill.yaml`` to typed settings, with every problem of the file told at once.

Plain dataclasses and field parsers instead of pydantic: line numbers, variables and rules that span keys (SPEC 3.2)
need the nodes of the document, which a model that validates a dict has lost.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from pipeline.config import fields, lists, parts, prices, tag_rules
from pipeline.config.actor import read_actor
from pipeline.config.budget_overrides import BudgetOverrides, Outside, outside
from pipeline.config.budget_rules import read_budgets
from pipeline.config.findings import Findings
from pipeline.config.keys import SECTIONS
from pipeline.config.mail import read_mail, told
from pipeline.config.model import (
    MEMORY_LIMIT,
    Account,
    AnomalySettings,
    CacheSettings,
    CurrencySettings,
    ExpectedInvoice,
    FreshnessSettings,
    PriceSettings,
    PublishSettings,
    ReportSettings,
    Settings,
    SourceSettings,
    TagSettings,
    UsageLogSettings,
)
from pipeline.config.notify import check_budgets, read_notify
from pipeline.config.paths import FILE_NAME, VARIABLE, Resolver, find_config
from pipeline.config.section import Section
from pipeline.config.yaml import Table, read
from pipeline.errors import ConfigurationError

__all__ = [
    "Account",
    "AnomalySettings",
    "BudgetOverrides",
    "CacheSettings",
    "CurrencySettings",
    "ExpectedInvoice",
    "FreshnessSettings",
    "PriceSettings",
    "PublishSettings",
    "ReportSettings",
    "Settings",
    "SourceSettings",
    "TagSettings",
    "UsageLogSettings",
    "default_settings",
    "find_config",
    "load_settings",
]

#: A configuration beyond this many bytes is something else.
MAX_BYTES = 1_000_000
_YEAR_SECONDS = 366 * 86_400


def load_settings(
    file: str | Path | None, *, environ: Mapping[str, str] | None = None, overrides: BudgetOverrides | None = None
) -> Settings:
    """Read a configuration file.

    Args:
        file: what ``find_config`` returned.
        environ: fills ``${NAME}`` and holds COSTMILL_BUDGET_* and HOME; the process's own when it is left out.
        overrides: the command line's word on the global budget.

    Raises:
        ConfigurationError: with every problem of file and environment; also when there is no file.
    """
    if file is None:
        raise ConfigurationError(
            f"no {FILE_NAME} here or in a folder above; name one by --config or {VARIABLE}, or write one by `costmill init`"
        )
    file = Path(file).absolute()
    environ = os.environ if environ is None else environ
    findings = Findings()
    budget_words = outside(environ, overrides, findings)
    root = read(_text_of(file), environ, findings)
    settings = None if root is None else _read_root(root, file, environ, budget_words, findings)
    findings.raise_problems(str(file))
    if settings is None:
        raise AssertionError("a file that cannot be read leaves a problem")
    return settings


def default_settings(
    warehouse: Path, *, environ: Mapping[str, str] | None = None, overrides: BudgetOverrides | None = None
) -> Settings:
    """Return the settings for a warehouse without a file: ``published/`` and ``out/`` beside it, no sources.

    Raises:
        ConfigurationError: when a COSTMILL_BUDGET_* variable of ``environ`` is wrong.
    """
    warehouse = warehouse.absolute()
    findings = Findings()
    nothing = Section(None, "cost", SECTIONS["cost"], findings)
    asked = tag_rules.askable((), ())
    words, notified = outside(environ or {}, overrides, findings), told((), has_mail=False)
    budgets = read_budgets(nothing, words, None, asked, findings, notified)
    actor = read_actor(Section(None, "", SECTIONS[""], findings), environ or {})
    findings.raise_problems(None)
    return Settings(
        file=None,
        warehouse=warehouse,
        publish=PublishSettings(warehouse.parent / "published" / warehouse.name),
        reports=ReportSettings(warehouse.parent / "out"),
        budgets=budgets,
        actor=actor,
        warnings=findings.warnings,
    )


def settings_of(given: Settings | str | Path) -> Settings:
    """Return the settings that a program means: settings as they are; of a warehouse's path those of its configuration.

    That is what ``find_config`` finds, else costmill.yaml upwards from the warehouse, where it names this warehouse: so
    programs record where the night reads, and publish what analysts open. Without one, everything is beside the warehouse.

    Raises:
        ConfigurationError: when the configuration that was found is wrong.
    """
    if isinstance(given, Settings):
        return given
    warehouse = Path(given).absolute()
    for file in (find_config(), find_config(None, {}, warehouse.parent)):
        if file is not None and (found := load_settings(file)).warehouse.resolve() == warehouse.resolve():
            return found
    return default_settings(warehouse)


def _text_of(file: Path) -> str:
    """Return a file's text; a byte order mark is taken off.

    Raises:
        ConfigurationError: when it cannot be read, is too long, or is not UTF-8.
    """
    try:
        with file.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigurationError(f"cannot be read: {error.strerror or error}", str(file)) from None
    if len(data) > MAX_BYTES:
        raise ConfigurationError(f"is longer than {MAX_BYTES:,} bytes; a configuration is not", str(file))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        findings = Findings()
        findings.problem(data.count(b"\n", 0, error.start) + 1, "", "is not UTF-8 text; save the file as UTF-8")
        raise ConfigurationError(findings.problems, str(file)) from None


def _read_root(
    table: Table, file: Path, environ: Mapping[str, str], budget_words: Outside, findings: Findings
) -> Settings:
    root = Section(table, "", SECTIONS[""], findings)
    resolver = Resolver(file.parent, environ)
    warehouse = root.value("warehouse", resolver.path, resolver.path("warehouse/costs.duckdb"))
    currency = parts.read_currency(root)
    sources = parts.read_sources(root, resolver)
    tags = tag_rules.read_tags(root, sources)
    asked = tag_rules.askable(sources, tags.rules.aliases)
    mail = read_mail(root, resolver)
    channels = read_notify(root, resolver)
    notified = told(tuple(channel.name for channel in channels), has_mail=mail is not None)
    cost = root.section("cost", SECTIONS["cost"])
    budgets = read_budgets(cost, budget_words, currency.report, asked, findings, notified)
    tag_rules.check_selectors(root, budgets, tags)
    check_budgets(root, budgets)
    return Settings(
        file=file,
        warehouse=warehouse,
        publish=parts.read_publish(root, resolver, warehouse),
        cache=parts.read_cache(root, resolver, warehouse),
        reports=parts.read_reports(root, resolver),
        sources=sources,
        freshness=parts.read_freshness(root),
        currency=currency,
        tags=tags,
        fiscal_year_start=parts.read_fiscal_year_start(root),
        splits=tag_rules.read_splits(root, asked),
        late_data_days=parts.read_late_data_days(root),
        anomalies=parts.read_anomalies(root),
        budgets=budgets,
        actor=read_actor(root, environ),
        usage_log=parts.read_usage_log(root, resolver),
        as_of=root.value("as_of", fields.moment, None),
        writer_wait_seconds=root.value("writer_wait_seconds", fields.integer(0, _YEAR_SECONDS), 600),
        memory_limit=root.value("memory_limit", fields.memory, MEMORY_LIMIT),
        accounts=lists.read_accounts(root, resolver),
        invoices=lists.read_invoices(root, resolver),
        prices=prices.read_prices(root, resolver),
        mail=mail,
        notify=channels,
        warnings=findings.warnings,
    )
