"""Who bears a billing period's costs, as parts of its document: tags, shared costs, owners, tenants, all in one currency."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pipeline import money
from pipeline.reports.documents import tables
from pipeline.reports.model import CurrencySection, ReportContext
from pipeline.reports.model.document import Column, Part, Row, Table
from pipeline.store.warehouse import Warehouse

TOP_VALUES = 25
_TAGS = "SELECT BillingCurrency, TagKey, TagValue, BilledCost FROM tag_summary WHERE x_BillingPeriod = ?"
_COVERAGE = """
SELECT BillingCurrency, TagKey, owner, owner_name, untagged_BilledCost, tagged_BilledCost FROM tag_coverage
WHERE x_BillingPeriod = ? AND untagged_charges > 0
ORDER BY BillingCurrency NULLS LAST, TagKey, untagged_BilledCost DESC, owner"""
_SPLITS = """
SELECT BillingCurrency, TagKey, TagValue, own_BilledCost, received_BilledCost, BilledCost FROM split_summary
WHERE x_BillingPeriod = ? ORDER BY BillingCurrency NULLS LAST, TagKey, TagValue IS NULL, BilledCost DESC, TagValue"""
_OWNERS = """
SELECT d.BillingCurrency, coalesce(own.owner, billing.owner) AS who,
    count(DISTINCT coalesce(d.SubAccountId, d.BillingAccountId)) AS accounts,
    sum(d.BilledCost) AS BilledCost, sum(d.EffectiveCost) AS EffectiveCost
FROM daily_costs AS d
LEFT JOIN accounts AS own ON own.account_id = d.SubAccountId
LEFT JOIN accounts AS billing ON billing.account_id = d.BillingAccountId
WHERE d.x_BillingPeriod = ? AND d.x_Origin = 'billed'
GROUP BY ALL"""
_TENANTS = """
SELECT BillingCurrency, x_TenantId AS who, count(DISTINCT coalesce(SubAccountId, BillingAccountId)) AS accounts,
    sum(BilledCost) AS BilledCost, sum(EffectiveCost) AS EffectiveCost
FROM daily_costs WHERE x_BillingPeriod = ? AND x_Origin = 'billed'
GROUP BY ALL"""


def share_parts(warehouse: Warehouse, report: ReportContext) -> Iterable[Part]:
    """Yield the parts that there are."""
    sections, period = report.sections, report.period
    if sections:
        yield Part(
            "tags",
            "Tags",
            lead="How much of the bill carries each tag, and what its values cost. Each tag covers the whole bill.",
            tables=tuple(_tags(warehouse.frame(_TAGS, [period]).to_dicts(), sections)),
            empty="No charge carries a tag that is reported.",
        )
    yield from _listed("coverage", "Where tags are missing", _coverage(warehouse, report))
    yield from _listed("splits", "After shared costs", _splits(warehouse, report))
    if any(own.owners for own in sections):
        found = warehouse.frame(_OWNERS, [period]).to_dicts()
        yield from _listed("owners", "Cost by owner", _shares("owners", "owner", "Owner", found, sections))
    if any(own.tenants for own in sections):
        found = warehouse.frame(_TENANTS, [period]).to_dicts()
        yield from _listed("tenants", "Cost by tenant", _shares("tenants", "x_TenantId", "Tenant", found, sections))
    if report.converted:
        yield _converted(report)


def _listed(name: str, title: str, made: Iterable[Table]) -> Iterable[Part]:
    found = tuple(made)
    if found:
        yield Part(name, title, tables=found)


def _tags(rows: Sequence[dict[str, Any]], sections: Sequence[CurrencySection]) -> Iterable[Table]:
    """The keys of the page in their order, each with all of its values and what is untagged."""
    columns = (
        Column("TagKey", "Tag", missing="(empty)"),
        Column("TagValue", "Value", missing="Untagged"),
        Column("BilledCost", "Billed", "money"),
        Column("share", "Share", "percent"),
    )
    for section in sections:
        made: list[Row] = []
        for key in section.tags:
            own = [row for row in rows if (row["BillingCurrency"], row["TagKey"]) == (section.currency, key.key)]
            tagged = [(row["TagValue"], row["BilledCost"]) for row in own if row["TagValue"] is not None]
            tagged.sort(key=lambda pair: (-pair[1], pair[0]))
            for value, billed in [*tagged, (None, key.untagged)]:
                made.append((key.key, value, billed, money.percent(billed, section.total.billed)))
        if made:
            yield Table("tags", "", columns, tuple(made), section.currency, top=TOP_VALUES, others="values")


def _coverage(warehouse: Warehouse, report: ReportContext) -> Iterable[Table]:
    columns = (
        Column("TagKey", "Tag"),
        Column("SubAccountId", "Account", missing="(no account)"),
        Column("SubAccountName", "Name"),
        Column("untagged_BilledCost", "Untagged", "money"),
        Column("BilledCost", "Billed", "money"),
        Column("tagged_share", "Tagged", "percent"),
    )
    rows = warehouse.frame(_COVERAGE, [report.period]).to_dicts()
    for section in report.sections:
        keys = [key.key for key in section.tags]
        own = [row for row in rows if row["BillingCurrency"] == section.currency and row["TagKey"] in keys]
        own.sort(key=lambda row: keys.index(row["TagKey"]))
        made = tuple(_covered(row) for row in own)
        if made:
            yield Table("coverage", "", columns, made, section.currency, top=TOP_VALUES, others="accounts")


def _covered(row: dict[str, Any]) -> Row:
    whole = money.total((row["tagged_BilledCost"], row["untagged_BilledCost"]))
    share = money.percent(row["tagged_BilledCost"], whole)
    return (row["TagKey"], row["owner"], row["owner_name"], row["untagged_BilledCost"], whole, share)


def _splits(warehouse: Warehouse, report: ReportContext) -> Iterable[Table]:
    columns = (
        Column("TagKey", "Tag"),
        Column("TagValue", "Value", missing="Untagged"),
        Column("own_BilledCost", "Own", "money"),
        Column("received_BilledCost", "Received", "money"),
        Column("BilledCost", "Together", "money"),
    )
    rows = warehouse.rows(_SPLITS, [report.period])
    for section in report.sections:
        own = tuple(row[1:] for row in rows if row[0] == section.currency)
        if own:
            unsplit = [one for key in section.splits for one in key.unsplit]
            notes = tuple(f"Not divided by {rule}: {money.text(amount)}. {why}." for rule, amount, why in unsplit)
            yield Table("splits", "", columns, own, section.currency, top=TOP_VALUES, others="values", notes=notes)


def _shares(
    name: str, column: str, title: str, rows: Sequence[dict[str, Any]], sections: Sequence[CurrencySection]
) -> Iterable[Table]:
    columns = (
        Column(column, title, missing=f"No {title.lower()}"),
        Column("accounts", "Accounts", "count"),
        tables.BILLED,
        tables.EFFECTIVE,
        tables.SHARE,
    )
    for section in sections:
        own = [row for row in rows if row["BillingCurrency"] == section.currency]
        own.sort(key=lambda row: (row["who"] is None, -row["BilledCost"], row["who"] or ""))
        whole = money.total(row["BilledCost"] for row in own)
        made = tuple(
            (
                row["who"],
                row["accounts"],
                row["BilledCost"],
                row["EffectiveCost"],
                money.percent(row["BilledCost"], whole),
            )
            for row in own
        )
        if made:
            yield Table(name, "", columns, made, section.currency, top=TOP_VALUES, others=name)


def _converted(report: ReportContext) -> Part:
    assert report.converted is not None
    whole = report.converted
    columns = (
        Column("BillingCurrency", "Currency", missing="no stated currency"),
        Column("rate", "Rate", "quantity"),
        Column("BilledCost", f"Billed in {whole.currency}", "money", sums=True),
        Column("EffectiveCost", f"Effective in {whole.currency}", "money", sums=True),
        Column("note", "Note", missing=""),
    )
    rows = tuple((own.currency, own.rate, own.billed, own.effective, own.why) for own in whole.lines)
    table = Table("converted", "", columns, rows, whole.currency)
    lead = "What has no rate is in no sum." if whole.missing else ""
    return Part("converted", f"All in {whole.currency} at the configured rates", lead=lead, tables=(table,))
