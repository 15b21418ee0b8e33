"""FOCUS Cost and Usage of anyone, 1.0 to 1.4: the specification's own columns."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline import focus
from pipeline.sources.formats.base import Control, Field, FieldKind, Format, squeeze


def _focus_fields() -> tuple[Field, ...]:
    needed = {
        "BilledCost",
        "EffectiveCost",
        "BillingCurrency",
        "BillingPeriodStart",
        "ChargePeriodStart",
        "ChargeCategory",
    }
    kinds: dict[str, FieldKind] = {"decimal": "decimal", "datetime": "datetime"}
    # Microsoft's names before 1.2 had these columns.
    aliases = {"InvoiceId": ("x_InvoiceId",), "PricingCurrency": ("x_PricingCurrency",)}
    standard = tuple(
        Field(
            column.name,
            kinds.get(column.kind, "text"),
            column.name in needed,
            aliases.get(column.name, ()),
            ranked=True,
        )
        for column in focus.COLUMNS
        if column.name != "Tags"
    )
    return (*standard, Field("x_ResourceType"))


def _version(columns: Sequence[str]) -> str:
    names = {squeeze(name): name for name in focus.BY_NAME}
    return focus.header_version(frozenset(names[seen] for each in columns if (seen := squeeze(each)) in names))


FOCUS = Format(
    name="focus",
    title="FOCUS cost and usage, 1.0 to 1.4",
    signature=(
        "BilledCost",
        "EffectiveCost",
        "BillingPeriodStart",
        "ChargePeriodStart",
        "ChargeCategory",
        "BillingCurrency",
    ),
    fields=_focus_fields(),
    period_start="BillingPeriodStart",
    currency="BillingCurrency",
    controls=tuple(Control(name, (name,), f"sum({name})") for name in focus.COSTS),
    row_key=(
        "BillingAccountId",
        "SubAccountId",
        "ResourceId",
        "ChargePeriodStart",
        "ChargePeriodEnd",
        "SkuPriceId",
        "ChargeCategory",
        "ChargeDescription",
    ),
    null_words=("NULL",),
    objects=tuple(column.name for column in focus.COLUMNS if column.kind == "json"),
    tag_fields={"Tags": "", "x_CostCategories": "aws:costcategory/"},
    versions=focus.VERSIONS,
    version=_version,
)
