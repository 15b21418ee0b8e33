"""The keys of ``costmill.yaml``; any other is refused.

The parser, ``costmill.schema.json`` and docs/configuration.md are held to this table by tests.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Keys:
    """The keys of one mapping."""

    known: tuple[str, ...]


_SCOPE = (
    *("amount", "currency", "period", "period_by", "starts", "ends", "alerts"),
    *("basis", "filter", "planned", "rollover", "exit_on_threshold", "exit_code", "name", "owner"),
    "notify",
)

#: The keys of a condition, wherever one stands: docs/tags.md has them.
CONDITION = Keys(("column", "tag", "equals", "in", "prefix", "contains", "present", "absent", "all", "any", "not"))

#: Keys that stand directly under ``cost.budgets`` in the old flat form.
LEGACY_SCOPE = ("amount", "currency", "period", "alerts")

#: Section -> its keys. ``[]`` is each item of a list, ``*`` each key of a mapping with free keys.
SECTIONS = {
    "": Keys(
        (
            "warehouse",
            "publish",
            "cache",
            "reports",
            "sources",
            "freshness",
            "currency",
            "tags",
            "calendar",
            "splits",
            "forecast",
            "anomalies",
            "cost",
            "actor",
            "usage_log",
            "as_of",
            "writer_wait_seconds",
            "memory_limit",
            "accounts",
            "invoices",
            "prices",
            "mail",
            "notify",
        ),
    ),
    "publish": Keys(("path", "mode", "keep", "tenants")),
    "cache": Keys(("path", "max_size")),
    "reports": Keys(("out", "formats", "locale", "site", "templates", "also", "sections")),
    "reports.also[]": Keys(("report", "edition", "by", "only", "group_by")),
    "reports.sections[]": Keys(("title", "sql", "reports")),
    "sources[]": Keys(("name", "path", "format", "origin", "bill", "keep_columns", "max_rejected", "gate", "tenant")),
    "sources[].gate": Keys(("rows", "cost", "cost_floor", "days", "accounts")),
    "freshness": Keys(("max_age_days", "stale")),
    "currency": Keys(("report", "rates")),
    "tags": Keys(("report_keys", "aliases", "virtual")),
    "tags.virtual[]": Keys(("key", "rules", "default")),
    "tags.virtual[].rules[]": Keys(("value", "value_from", "when")),
    "calendar": Keys(("fiscal_year_start",)),
    "splits[]": Keys(("name", "key", "match", "by", "to", "basis")),
    "splits[].basis": Keys(("cost", "where")),
    "actor": Keys(("id", "type", "tenant", "permissions")),
    "prices": Keys(("overrides",)),
    "forecast": Keys(("late_data_days",)),
    "anomalies": Keys(("enabled", "weeks", "sensitivity", "floor", "percent", "direction", "services")),
    "usage_log": Keys(("path", "durability", "batch_size", "batch_seconds", "rotate_size", "keep_days", "bill")),
    "mail": Keys(
        (
            *("host", "port", "security", "ca_file", "username", "password", "password_file", "from", "reply_to"),
            *("timeout_seconds", "retry_seconds", "link", "reports", "alerts", "owners"),
        )
    ),
    "mail.reports[]": Keys(("report", "edition", "to", "attach", "by")),
    "mail.alerts": Keys(("to", "min_severity")),
    "notify[]": Keys(
        ("name", "type", "url", "url_file", "secret", "secret_file", "on", "min_severity", "budgets", "reports")
    ),
    "notify[].reports[]": Keys(("report", "edition")),
    "cost": Keys(("budgets",)),
    "cost.budgets": Keys(("global", "providers", "tags", "types", "exit_on_threshold", "exit_code")),
    "cost.budgets.global": Keys(_SCOPE),
    "cost.budgets.providers.*": Keys((*_SCOPE, "parent")),
    "cost.budgets.tags[]": Keys(("selector", "priority", *_SCOPE, "parent")),
    "cost.budgets.types.*": Keys((*_SCOPE, "parent")),
    "cost.budgets.*.rollover": Keys(("max_percent",)),
    "cost.budgets.*.alerts[]": Keys(("threshold", "amount", "type", "exit")),
}


def all_keys() -> tuple[str, ...]:
    """Return every known key with its section, such as ``sources[].gate.rows``, in the order of the table."""
    return tuple(f"{name}.{key}".lstrip(".") for name, keys in SECTIONS.items() for key in keys.known)
