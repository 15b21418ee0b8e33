"""Who lacks tags, who bears shared costs, and the fiscal year to date: from the tables that a run made."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal

from pipeline import money, periods, resources
from pipeline.reports.model import Coverage, OwnerCoverage, SplitKey, SplitValue
from pipeline.store.warehouse import Warehouse

#: Owners of each key, those with the most untagged cost.
TOP_OWNERS = 3
#: Values of each key after shared costs.
TOP_VALUES = 10

_COVERAGE = """
SELECT TagKey, owner, owner_name, untagged_BilledCost, tagged_BilledCost, tagged_share FROM tag_coverage
WHERE x_BillingPeriod = ? AND BillingCurrency IS NOT DISTINCT FROM ? AND untagged_charges > 0
ORDER BY TagKey, untagged_BilledCost DESC, owner"""
_SPLITS = """
SELECT TagKey, TagValue, own_BilledCost, received_BilledCost, BilledCost FROM split_summary
WHERE x_BillingPeriod = ? AND BillingCurrency IS NOT DISTINCT FROM ?
ORDER BY TagKey, TagValue IS NULL, BilledCost DESC, TagValue"""
_UNSPLIT = """
SELECT TagKey, rule, BilledCost, unsplit FROM split_rules
WHERE x_BillingPeriod = ? AND BillingCurrency IS NOT DISTINCT FROM ? AND unsplit IS NOT NULL
ORDER BY TagKey, rule"""


def fiscal_year_to_date(warehouse: Warehouse, period: str, year_start: int) -> tuple[str, dict[str | None, Decimal]]:
    """Return the fiscal year that holds a billing period, and BilledCost from its start through that period by currency."""
    year = periods.fiscal_year(period, year_start)
    return year.label, dict(warehouse.rows(resources.sql("night/year_to_date"), [year.first, period]))


def read_coverage(
    warehouse: Warehouse, period: str, currency: str | None, tag_keys: Sequence[str]
) -> tuple[Coverage, ...]:
    """The reported keys in their order, each with the accounts whose untagged cost is largest; complete keys are left out."""
    by_key: dict[str, list[OwnerCoverage]] = defaultdict(list)
    for key, *rest in warehouse.rows(_COVERAGE, [period, currency]):
        owner, name, untagged, tagged, share = rest
        percent = share * 100 if share is not None else None
        shown_name = name if name != owner else None
        by_key[key].append(OwnerCoverage(owner, shown_name, untagged, money.total((tagged, untagged)), percent))
    keys = [key for key in tag_keys if key in by_key]
    return tuple(Coverage(key, tuple(by_key[key][:TOP_OWNERS]), len(by_key[key][TOP_OWNERS:])) for key in keys)


def read_splits(warehouse: Warehouse, period: str, currency: str | None) -> tuple[SplitKey, ...]:
    """Each key that shared costs are divided by: its values' own and received costs, which sum to the bill."""
    by_key: dict[str, list[SplitValue]] = defaultdict(list)
    for key, *rest in warehouse.rows(_SPLITS, [period, currency]):
        by_key[key].append(SplitValue(*rest))
    if not by_key:
        return ()
    unsplit: dict[str, list[tuple[str, Decimal, str]]] = defaultdict(list)
    for key, rule, amount, reason in warehouse.rows(_UNSPLIT, [period, currency]):
        unsplit[key].append((rule, amount, reason))
    return tuple(_split_key(key, values, tuple(unsplit[key])) for key, values in by_key.items())


def _split_key(key: str, values: Sequence[SplitValue], unsplit: tuple[tuple[str, Decimal, str], ...]) -> SplitKey:
    tagged = [own for own in values if own.value is not None]
    cut = TOP_VALUES if len(tagged) > TOP_VALUES + 1 else len(tagged)
    hidden, untagged = tagged[cut:], [own for own in values if own.value is None]
    return SplitKey(
        key=key,
        values=(*tagged[:cut], *untagged),
        rest_count=len(hidden),
        rest=_together(hidden) if hidden else None,
        total=_together(values),
        unsplit=unsplit,
    )


def _together(values: Sequence[SplitValue]) -> SplitValue:
    sums = (money.total(getattr(own, part) for own in values) for part in ("own", "received", "total"))
    return SplitValue(None, *sums)
