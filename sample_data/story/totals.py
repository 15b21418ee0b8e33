"""The ground truth: sums over the rows as written, in plain Python decimals and without any loader.

A DOUBLE counts as its shortest text, as everywhere in Costmill. What a charge bills, whom it belongs to
and whether it is usage follows the rules of the documentation, written out here a second time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, localcontext

from sample_data.story.days import MARCH, PERIODS, Delivery, plain

Row = Mapping[str, object]

COST_COLUMNS = {
    "aws-prod": (
        "line_item_blended_cost",
        "line_item_unblended_cost",
        "pricing_public_on_demand_cost",
        "reservation_effective_cost",
        "reservation_unused_recurring_fee",
        "savings_plan_savings_plan_effective_cost",
        "savings_plan_total_commitment_to_date",
        "savings_plan_used_commitment",
    ),
    "aws-legacy": ("lineItem/BlendedCost", "lineItem/UnblendedCost", "pricing/publicOnDemandCost"),
    "azure-focus": ("BilledCost", "ContractedCost", "EffectiveCost", "ListCost"),
}


@dataclass(frozen=True)
class Charge:
    """A row as a budget sees it."""

    source: str
    period: str
    kind: str  # FOCUS ChargeCategory
    billed: Decimal
    effective: Decimal
    tags: Mapping[str, str]
    resource_type: str


def value(cell: object) -> Decimal:
    """The exact number in a cell: text as it stands, a DOUBLE by its shortest text, nothing as 0."""
    return Decimal(repr(cell) if isinstance(cell, float) else str(cell)) if cell not in (None, "") else Decimal(0)


def stored(amount: Decimal) -> Decimal:
    """An amount as DECIMAL(38,18) holds it: half away from zero at the eighteenth decimal."""
    return amount.quantize(Decimal("1E-18"), rounding=ROUND_HALF_UP)


def add(amounts: Iterable[Decimal]) -> Decimal:
    """A sum that no context rounds."""
    with localcontext(prec=60):
        return sum(amounts, Decimal(0))


def text_of(delivery: Delivery) -> dict[str, object]:
    """One delivery's entry.

    `sums` are those of the files, to the last digit; BilledCost and EffectiveCost are what is stored.
    """
    charges = charges_of(delivery)
    sums = {name: plain(add(value(r.get(name)) for r in delivery.rows)) for name in COST_COLUMNS[delivery.source]}
    return {
        "source": delivery.source,
        "billing_period": delivery.period.label,
        "delivery": delivery.name,
        "current": delivery.current,
        "files": list(delivery.data_files),
        "rows": len(delivery.rows),
        "sums": sums,
        "BilledCost": plain(add(c.billed for c in charges)),
        "EffectiveCost": plain(add(c.effective for c in charges)),
    }


def charges_of(delivery: Delivery) -> list[Charge]:
    """The delivery's rows as charges."""
    read = {"aws-prod": cur2_charge, "aws-legacy": legacy_charge, "azure-focus": focus_charge}[delivery.source]
    return [read(delivery, row) for row in delivery.rows]


KINDS = {
    "Usage": "Usage",
    "DiscountedUsage": "Usage",
    "SavingsPlanCoveredUsage": "Usage",
    "SavingsPlanNegation": "Usage",
    "SavingsPlanRecurringFee": "Purchase",
    "SavingsPlanUpfrontFee": "Purchase",
    "RIFee": "Purchase",
    "Fee": "Purchase",
    "Tax": "Tax",
    "Credit": "Credit",
    "Refund": "Refund",
}
SAVINGS_PLAN_USAGE = ("SavingsPlanCoveredUsage", "SavingsPlanNegation")


def cur2_charge(delivery: Delivery, row: Row) -> Charge:
    """A CUR 2.0 row: covered usage and its negation bill nothing."""
    kind = str(row["line_item_line_item_type"])
    billed = Decimal(0) if kind in SAVINGS_PLAN_USAGE else value(row["line_item_unblended_cost"])
    tags = row["resource_tags"]
    assert isinstance(tags, dict)
    own = {key.removeprefix("user_"): text for key, text in tags.items()}
    return Charge(
        delivery.source, delivery.period.label, KINDS[kind], billed, cur2_effective(kind, row), own,
        ec2_type(row.get("line_item_resource_id")),
    )  # fmt: skip


def cur2_effective(kind: str, row: Row) -> Decimal:
    """EffectiveCost by line item type."""
    unused = value(row.get("savings_plan_total_commitment_to_date")) - value(row.get("savings_plan_used_commitment"))
    by_kind = {
        "SavingsPlanCoveredUsage": value(row.get("savings_plan_savings_plan_effective_cost")),
        "SavingsPlanNegation": Decimal(0),
        "SavingsPlanUpfrontFee": Decimal(0),
        "SavingsPlanRecurringFee": unused,
        "DiscountedUsage": value(row.get("reservation_effective_cost")),
        "RIFee": value(row.get("reservation_unused_recurring_fee")),
    }
    return by_kind.get(kind, value(row["line_item_unblended_cost"]))


def legacy_charge(delivery: Delivery, row: Row) -> Charge:
    """A legacy CUR row; Parcelbird has no commitments."""
    prefix = "resourceTags/user:"
    tags = {key.removeprefix(prefix): str(text) for key, text in row.items() if key.startswith(prefix) and text}
    cost = stored(value(row["lineItem/UnblendedCost"]))
    kind = KINDS[str(row["lineItem/LineItemType"])]
    resource_type = ec2_type(row["lineItem/ResourceId"])
    return Charge(delivery.source, delivery.period.label, kind, cost, cost, tags, resource_type)


def ec2_type(resource: object) -> str:
    """The only type that the sample budgets."""
    return "aws:ec2/instance" if isinstance(resource, str) and resource.startswith("i-") else ""


def focus_charge(delivery: Delivery, row: Row) -> Charge:
    """A FOCUS row says it all itself."""
    tags = json.loads(str(row.get("Tags") or "{}"))
    billed, effective = value(row["BilledCost"]), value(row["EffectiveCost"])
    return Charge(delivery.source, delivery.period.label, str(row["ChargeCategory"]), billed, effective, tags, "")


def is_aws(charge: Charge) -> bool:
    """Whether the charge counts to the provider budget `aws`."""
    return charge.source.startswith("aws")


SCOPES: dict[str, Callable[[Charge], bool]] = {
    "global": lambda _: True,
    "provider:aws": is_aws,
    "provider:azure": lambda c: not is_aws(c),
    "tag:team:ml": lambda c: c.tags.get("team") == "ml",
    "tag:team:platform": lambda c: c.tags.get("team") == "platform",
    "tag:team:*": lambda c: c.tags.get("team", "ml") not in ("ml", "platform"),
    "type:aws:ec2/instance": lambda c: c.resource_type == "aws:ec2/instance",
    "with a team tag": lambda c: "team" in c.tags,
}


def scope_figures(charges: Sequence[Charge]) -> list[dict[str, object]]:
    """Spend by billing period and scope: billed so far, its usage part, and the linear forecast."""
    found: list[dict[str, object]] = []
    for period in PERIODS:
        month = [c for c in charges if c.period == period.label]
        for scope, belongs in SCOPES.items():
            mine = [c for c in month if belongs(c)]
            spend = add(c.billed for c in mine)
            usage = add(c.billed for c in mine if c.kind == "Usage")
            forecast = usage * period.length / period.days + spend - usage
            found.append(
                {
                    "billing_period": period.label,
                    "scope": scope,
                    "billed": plain(spend),
                    "usage": plain(usage),
                    "forecast": plain(forecast.quantize(Decimal("0.000001"))),
                }
            )
    return found


def totals(deliveries: Sequence[Delivery]) -> dict[str, object]:
    """What `totals.json` holds."""
    charges = [c for d in deliveries if d.current for c in charges_of(d)]
    return {
        "currency": "USD",
        "data_through": f"{(MARCH.start.replace(day=MARCH.days)):%Y-%m-%d}",
        "deliveries": [text_of(d) for d in deliveries],
        "scopes": scope_figures(charges),
    }


def markdown(deliveries: Sequence[Delivery]) -> str:
    """The control totals as the README shows them."""
    lines = [
        "| source | billing period | delivery | rows | column | exact sum in the files |",
        "|---|---|---|---:|---|---:|",
    ]
    for delivery in deliveries:
        name = delivery.name if delivery.current else f"{delivery.name} (replaced)"
        head = f"| {delivery.source} | {delivery.period.label} | {name} | {len(delivery.rows)} |"
        for column in COST_COLUMNS[delivery.source]:
            lines.append(f"{head} `{column}` | {plain(add(value(r.get(column)) for r in delivery.rows))} |")
            head = "| | | | |"
    return "\n".join(lines)
