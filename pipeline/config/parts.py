"""The sections of ``costmill.yaml`` but for budgets, each read into its settings."""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path
from typing import Literal, cast

from pipeline.config import fields
from pipeline.config.keys import SECTIONS
from pipeline.config.model import (
    AnomalySettings,
    CacheSettings,
    CurrencySettings,
    FreshnessSettings,
    FurtherReport,
    OwnSection,
    PublishSettings,
    ReportSettings,
    SourceSettings,
    UsageLogSettings,
)
from pipeline.config.paths import Resolver
from pipeline.config.section import Section

#: Fewer days than that, and nothing can be expected of the next.
LEAST_WEEKS = 4


def read_publish(root: Section, resolver: Resolver, warehouse: Path) -> PublishSettings:
    """Read ``publish``; its path must not be the warehouse's."""
    section = root.section("publish", SECTIONS["publish"])
    path = section.value("path", resolver.path, resolver.path("published/costs.duckdb"))
    if os.path.realpath(path) == os.path.realpath(warehouse):
        section.problem("path", "is the warehouse itself; analysts open a copy, which needs a path of its own")
    mode = section.value("mode", fields.file_mode, 0o444)
    keep = section.value("keep", fields.integer(1, 1000), 2)
    return PublishSettings(path, mode, keep, section.value("tenants", fields.boolean, False))


def read_cache(root: Section, resolver: Resolver, warehouse: Path) -> CacheSettings:
    """Read ``cache``; it stands beside the warehouse where nothing else is said."""
    section = root.section("cache", SECTIONS["cache"])
    path = section.value("path", resolver.path, warehouse.parent / "cache")
    return CacheSettings(path, section.value("max_size", fields.size, CacheSettings.max_bytes))


def read_usage_log(root: Section, resolver: Resolver) -> UsageLogSettings:
    """Read ``usage_log``."""
    section = root.section("usage_log", SECTIONS["usage_log"])
    durability = section.value("durability", fields.choice(fields.DURABILITY), UsageLogSettings.durability)
    return UsageLogSettings(
        path=section.value("path", resolver.path, resolver.path("usage")),
        durability=cast(Literal["batch", "record"], durability),
        batch_size=section.value("batch_size", fields.integer(1, 1_000_000), UsageLogSettings.batch_size),
        batch_seconds=section.value("batch_seconds", fields.seconds, UsageLogSettings.batch_seconds),
        rotate_size=section.value("rotate_size", fields.segment_size, UsageLogSettings.rotate_size),
        keep_days=section.value("keep_days", fields.integer(0, 36_500), UsageLogSettings.keep_days),
        bill=section.value("bill", fields.boolean, UsageLogSettings.bill),
    )


def read_reports(root: Section, resolver: Resolver) -> ReportSettings:
    """Read ``reports``."""
    section = root.section("reports", SECTIONS["reports"])
    formats = section.values("formats", fields.choice(fields.REPORT_FORMATS), fields.USUAL_FORMATS)
    if section.is_empty("formats"):
        section.problem("formats", f"is empty; name at least one of {', '.join(fields.REPORT_FORMATS)}")
    templates = section.value("templates", resolver.path, None)
    if templates is not None and not templates.is_dir():
        section.problem("templates", f"{templates} is no folder; it holds html/ and markdown/ with templates")
    return ReportSettings(
        out=section.value("out", resolver.path, resolver.path("out")),
        formats=formats,
        templates=templates,
        locale=section.value("locale", fields.locale_name, "en_US"),
        also=tuple(_read_further(own) for own in section.sections("also", SECTIONS["reports.also[]"])),
        sections=tuple(
            _read_own_section(own, resolver) for own in section.sections("sections", SECTIONS["reports.sections[]"])
        ),
        site=section.value("site", resolver.path, None),
    )


def _read_further(section: Section) -> FurtherReport:
    report = section.required("report", fields.choice(fields.REPORTS), "one such as budgets") or ""
    edition = section.value("edition", fields.choice(fields.REPORT_EDITIONS), "monthly")
    found = FurtherReport(
        report=report,
        edition=cast(Literal["daily", "weekly", "monthly"], edition),
        by=section.value("by", fields.line_of_text, "owner"),
        only=section.value("only", fields.line_of_text, None),
        group_by=section.values("group_by", fields.line_of_text, ()),
    )
    if found.by != "owner" and not (found.by.startswith("tag:") and len(found.by) > len("tag:")):
        section.problem("by", f"{found.by!r} divides no teams; write owner, or a tag such as tag:team")
    for key in ("by", "only"):
        if section.has(key) and report not in ("", "teams"):
            section.problem(key, f"is for the report teams, not for {report}; leave it out")
    if found.group_by and report not in ("", "costs"):
        section.problem("group_by", f"is for the report costs, not for {report}; leave it out")
    if len(found.group_by) > 3:
        section.problem("group_by", "names more than three columns")
    return found


def _read_own_section(section: Section, resolver: Resolver) -> OwnSection:
    title = section.required("title", fields.line_of_text, "one such as Untagged by account")
    sql = section.required("sql", resolver.path, "a file such as untagged.sql")
    if sql is not None and not sql.is_file():
        section.problem("sql", f"{sql} is no file; it holds one SELECT")
    reports = section.values("reports", fields.choice(fields.REPORTS), ("costs",))
    return OwnSection(title or "", sql or resolver.path("-"), reports)


def read_sources(root: Section, resolver: Resolver) -> tuple[SourceSettings, ...]:
    """Read ``sources``: names are unique, a path that two share is warned of; one without name or path is left out."""
    sources: list[SourceSettings] = []
    lines: dict[str, int | None] = {}
    for section in root.sections("sources", SECTIONS["sources[]"]):
        source = _read_source(section, resolver)
        if source.name in lines:
            section.problem("name", f"{source.name!r} is taken by the source on line {lines[source.name]}")
        elif twin := next((other.name for other in sources if other.path == source.path), None):
            line, path = section.key_line("path"), section.key_path("path")
            root.findings.warning(line, path, f"the source {twin!r} has the same path: its charges would count twice")
        if source.name:
            lines.setdefault(source.name, section.key_line("name"))
        if source.name and source.path:
            sources.append(source)
    return tuple(sources)


def _read_source(section: Section, resolver: Resolver) -> SourceSettings:
    """Return a source; a name or path that cannot be read is empty."""
    name = section.required("name", fields.source_name, "one such as aws-prod")
    path = section.required(
        "path", resolver.pattern, "a folder, a file, a pattern such as exports/aws/**, or s3://bucket/folder"
    )
    origin = section.value("origin", fields.choice(fields.ORIGINS), None)
    format_ = section.value("format", fields.choice(fields.EXPORT_FORMATS), "auto")
    is_recorded = format_ in fields.RECORDED_FORMATS
    if origin and format_ != "auto" and is_recorded != (origin == fields.RECORDED):
        made = "recorded" if is_recorded else "billed"
        section.problem(
            "origin", f"{origin!r} does not fit the format {format_}, whose charges are {made}; leave it out"
        )
    bill = section.value("bill", fields.boolean, False)
    if bill and (origin == "billed" or (format_ != "auto" and not is_recorded)):
        section.problem("bill", "is for what programs record, and charges of bills count anyway; leave it out")
    origin = fields.RECORDED if bill else origin
    gate = section.section("gate", SECTIONS["sources[].gate"])
    return SourceSettings(
        name=name or "",
        path=path or "",
        format=format_,
        origin=cast(Literal["billed", "recorded"] | None, origin),
        keep_columns=section.values("keep_columns", fields.line_of_text, ()),
        max_rejected=section.value("max_rejected", fields.share, Decimal(0)),
        gate_rows=gate.value("rows", fields.share, Decimal("0.1")),
        gate_cost=gate.value("cost", fields.share, Decimal("0.25")),
        gate_cost_floor=gate.value("cost_floor", fields.floor, Decimal(100)),
        gate_days=gate.value("days", fields.tolerance, fields.NONE_MISSING),
        gate_accounts=gate.value("accounts", fields.tolerance, fields.NONE_MISSING),
        tenant=section.value("tenant", fields.line_of_text, None),
        bill=bill,
    )


def read_freshness(root: Section) -> FreshnessSettings:
    """Read ``freshness``."""
    section = root.section("freshness", SECTIONS["freshness"])
    stale = section.value("stale", fields.choice(fields.STALE), "banner")
    days = section.value("max_age_days", fields.integer(0, 36_500), 3)
    return FreshnessSettings(days, cast(Literal["banner", "withhold"], stale))


def read_currency(root: Section) -> CurrencySettings:
    """Read ``currency``; rates need a currency to convert to."""
    section = root.section("currency", SECTIONS["currency"])
    report = section.value("report", fields.currency_code, None)
    periods = section.section("rates", None)
    rates = {}
    for period, codes in periods.members(None):
        periods.check_key(period, fields.billing_period)
        rates[period] = _read_rates(codes, report)
    if rates and not section.has("report"):
        section.problem("rates", "need currency.report: the currency that they convert to")
    return CurrencySettings(report, rates)


def _read_rates(codes: Section, report: str | None) -> dict[str, Decimal]:
    rates = {}
    for code in codes.table.entries:
        codes.check_key(code, fields.currency_code)
        if code == report:
            codes.problem(code, "is the report's own currency; leave it out")
        rate = codes.required(code, fields.rate, 'a rate such as "1.08"')
        if rate is not None:
            rates[code] = rate
    return rates


def read_late_data_days(root: Section) -> int:
    """Read ``forecast``: for how many days after it a day's data may still change."""
    return root.section("forecast", SECTIONS["forecast"]).value("late_data_days", fields.integer(0, 31), 0)


def read_fiscal_year_start(root: Section) -> int:
    """Read ``calendar``: the month that fiscal years begin with."""
    return root.section("calendar", SECTIONS["calendar"]).value("fiscal_year_start", fields.integer(1, 12), 1)


def read_anomalies(root: Section) -> AnomalySettings | None:
    """Read ``anomalies``: None where the file does not have it, or says that they are not enabled."""
    section, usual = root.section("anomalies", SECTIONS["anomalies"]), AnomalySettings()
    enabled = section.value("enabled", fields.boolean, True)
    direction = section.value("direction", fields.choice(fields.DIRECTIONS), usual.direction)
    found = AnomalySettings(
        weeks=section.value("weeks", fields.integer(LEAST_WEEKS, 52), usual.weeks),
        sensitivity=section.value("sensitivity", fields.sensitivity, usual.sensitivity),
        floor=section.value("floor", fields.floor, usual.floor),
        percent=section.value("percent", fields.threshold, usual.percent),
        direction=cast(Literal["up", "both"], direction),
        services=section.value("services", fields.boolean, usual.services),
    )
    return found if enabled and root.has("anomalies") else None
