"""FOCUS Cost and Usage of anyone, 1.0 to 1.4: the specification's own columns."""

from __future__ import annotations

from pipeline import focus
from pipeline.sources.formats.base import Control, Field, FieldKind, Format


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
    standard = tuple(
        Field(column.name, kinds.get(column.kind, "text"), column.name in needed)
        for column in focus.COLUMNS
        if column.name != "Tags"
    )
    return (*standard, Field("x_ResourceType"))


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
    version=lambda columns: focus.header_version(frozenset(columns)),
)
