"""A month worth reporting, in a real warehouse: budgets, alerts, movers, a re-delivery, refusals, hostile names."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from pipeline import money
from pipeline.store.warehouse import Warehouse
from tests import empty
from tests.reports.warehouse import HOSTILE, PERIOD, THROUGH, Spend, alert, budget, fill, insert, load

PLATFORM, ML, WEB = {"team": "platform", "env": "prod"}, {"team": "ml", "env": "dev"}, {"team": "web", "env": "prod"}
ARN = "arn:aws:ec2:eu-west-1:111122223333:instance/"
MARCH = (
    Spend("Amazon Elastic Compute Cloud", "Compute", ARN + "i-0f2a91c77be40d1aa", "212.40731", tags=PLATFORM,
          type="aws:ec2/instance", name="core-api-1"),
    Spend("Amazon Elastic Compute Cloud", "Compute", ARN + "i-0b7716ee02cf934d1", "187.9113", tags=WEB,
          type="aws:ec2/instance", name="storefront-1"),
    Spend("Amazon Elastic Compute Cloud", "Compute", ARN + "i-09d6cc1a54ab7ef02", "651.204", tags=ML,
          type="aws:ec2/instance", name="trainer-gpu-3", account="444455556666", days=(9, 17)),
    Spend("AWS Lambda", "Compute", "arn:aws:lambda:eu-west-1:111122223333:function:resize", "18.2255", tags=WEB,
          type="aws:lambda/function"),
    Spend("Amazon Simple Storage Service", "Storage", "lumen-parcel-events", "74.118112", tags=PLATFORM,
          type="aws:s3/bucket"),
    Spend("Amazon Simple Storage Service", "Storage", "lumen-parcel-logs", "21.5", type="aws:s3/bucket"),
    Spend("Amazon Relational Database Service", "Databases", "arn:aws:rds:eu-west-1:111122223333:db:orders", "158.33",
          tags=PLATFORM, type="aws:rds/db", name="orders"),
    Spend("Amazon DynamoDB", "Databases", "arn:aws:dynamodb:eu-west-1:111122223333:table/events", "44.0712", tags=WEB,
          type="aws:dynamodb/table"),
    Spend("Amazon CloudFront", "Networking", "E2QWRUHAPOMQZL", "39.87", tags=WEB, type="aws:cloudfront/distribution",
          region=None),
    Spend("Amazon Virtual Private Cloud", "Networking", "nat-05dba92075d71c408", "52.44", type="aws:ec2/natgateway"),
    Spend("AmazonCloudWatch", "Management and Governance", "arn:aws:logs:eu-west-1:111122223333:log-group:/app", "31.7",
          type="aws:logs/log-group"),
    Spend("Amazon Bedrock", "AI and Machine Learning", "arn:aws:bedrock:eu-west-1::foundation-model/claude", "63.9",
          tags=ML, type="aws:bedrock/model", account="444455556666"),
    Spend("AWS Key Management Service", "Security", "key/1f2e", "0.000187", type="aws:kms/key"),
    Spend("Savings Plans for Compute", "Compute", None, "540", kind="Purchase", once=True),
    Spend("AWS Support (Business)", "Other", None, "310.5", kind="Purchase", once=True),
    Spend("Tax", "Other", None, "402.11", kind="Tax", once=True),
    Spend("Amazon Elastic Compute Cloud", "Compute", None, "-250", kind="Credit", once=True, days=(4, 4)),
    Spend("Amazon Relational Database Service", "Databases", None, "-88.4", kind="Purchase", kind_class="Correction",
          once=True, days=(6, 6)),
    Spend("Virtual Machines", "Compute",
          "/subscriptions/7c1b3d5e-9f20-4b6a-8d11-aa52c0de9f01/resourcegroups/returns-prod/providers/"
          "microsoft.compute/virtualmachines/returns-portal-vm-01", "61.72", account="7c1b3d5e-9f20-4b6a-8d11-aa52c0de9f01",
          source="azure-focus", provider="azure", type="azure:compute/virtualmachines", region="westeurope",
          name="returns-portal-vm-01", tags={"team": "returns"}),
    Spend("Azure SQL Database", "Databases",
          "/subscriptions/7c1b3d5e-9f20-4b6a-8d11-aa52c0de9f01/resourcegroups/returns-prod/providers/"
          "microsoft.sql/servers/returns/databases/main", "33.0401", account="7c1b3d5e-9f20-4b6a-8d11-aa52c0de9f01",
          source="azure-focus", provider="azure", type="azure:sql/databases", region="westeurope", name="main",
          tags={"team": "returns"}),
)  # fmt: skip
FEBRUARY = tuple(
    Spend(
        **{**own.__dict__, "per_day": str(Decimal(own.per_day) * factor), "days": (1, 28) if not own.once else own.days}
    )
    for own, factor in zip(
        MARCH,
        map(
            Decimal,
            [
                "0.93",
                "1.22",
                "0",
                "1",
                "0.97",
                "1",
                "1",
                "0.88",
                "1.3",
                "1",
                "1",
                "0.52",
                "1",
                "1",
                "1",
                "0.91",
                "0",
                "0",
                "1",
                "1",
            ],
        ),
        strict=True,
    )
    if factor
)


def use(cost: str, tokens: int = 0, **facts: Any) -> dict[str, Any]:
    """A row of model_summary: recorded dollars of March, all of it for tokens unless ``token_BilledCost`` says else."""
    return {"x_BillingPeriod": PERIOD, "BillingCurrency": "USD", "x_Origin": "recorded", "BilledCost": cost,
            "token_BilledCost": cost, "tokens": tokens, "x_ChargeCount": 1, "days_covered": 21, "previous_days": 28,
            "covered_BilledCost": cost, "previous_BilledCost": "10", **facts}  # fmt: skip


MODELS = (
    use("40.5", 9_000_000, x_Provider="openai", model="gpt-4o", operation="chat_completion", x_ChargeCount=120,
        failed_calls=3, input_tokens=8_000_000, cached_input_tokens=2_000_000, output_tokens=1_000_000),
    *(use(f"{number}.25", 1000, x_Provider="<b>house</b>", model=f"m|{number}", operation="*x*", input_tokens=1000,
          previous_BilledCost="0") for number in range(14)),
    use("6.001", x_Provider="openai", model="gpt-image-1", operation="image_generation", images=90, token_BilledCost=0),
    use("0", x_Provider="openai", model="gpt-3.5", x_ChargeCount=0),
    use("3", 10, BillingCurrency="EUR", model=None, operation=None, previous_BilledCost=None, previous_days=None),
)  # fmt: skip
METERS = (
    use("63.9", 4_260_000, x_Origin="billed", x_Provider="aws", ServiceName="Amazon Bedrock", operation="in-tokens"),
)


def committed(number: int, used: str, unused: str, listed: str | None, **facts: Any) -> dict[str, Any]:
    """A row of commitment_summary: a plan in dollars, with its percentage and savings unless ``listed`` is None."""
    paid = Decimal(used) + Decimal(unused)
    return {"x_BillingPeriod": PERIOD, "BillingCurrency": "USD", "x_Origin": "billed", "x_Provider": "aws",
            "CommitmentDiscountId": f"arn:aws:savingsplans::111122223333:savingsplan/{number}",
            "CommitmentDiscountType": "Savings Plan", "used_EffectiveCost": used, "unused_EffectiveCost": unused,
            "utilisation_percent": money.percent(Decimal(used), paid), "covered_ListCost": listed or 0,
            "list_savings": None if listed is None else Decimal(listed) - paid, **facts}  # fmt: skip


COMMITMENTS = (
    committed(0, "812.5", "187.5", "1270.25", CommitmentDiscountName="Compute <b>three</b> years"),
    *(committed(number, f"{number}0.125", f"{number}", f"{number}7.5") for number in range(1, 11)),
    committed(11, "40", "0.004", None, CommitmentDiscountName="a|b *c*", x_Provider=HOSTILE[0]),
    committed(12, "0", "0", None, other_EffectiveCost="-438.01"),
    committed(13, "5", "5", "11", other_EffectiveCost="1.01", x_Origin="recorded"),
    committed(14, "0", "75", "0", BillingCurrency="EUR", CommitmentDiscountType=None),
)


def rich(path: Path) -> Warehouse:
    """An open March: over one budget, near another, a re-delivery, one delivery refused and one quarantined."""
    warehouse = Warehouse.open(empty.put(path))
    fill(warehouse, "2026-02", FEBRUARY, date(2026, 2, 28))
    fill(warehouse, PERIOD, MARCH, THROUGH)
    _budgets(warehouse)
    _ledger(warehouse)
    insert(warehouse, "model_summary", [*MODELS, *METERS])
    insert(warehouse, "commitment_summary", COMMITMENTS)
    return warehouse


def _ledger(warehouse: Warehouse) -> None:
    load(warehouse, "aws-prod-old", "aws-prod", PERIOD, status="replaced", replaced_by="aws-prod-2026-03",
         delivered_at=datetime(2026, 3, 20, 4), loaded_at=datetime(2026, 3, 20, 6))  # fmt: skip
    load(warehouse, "aws-legacy-bad", "aws-legacy", PERIOD, status="quarantined", rows_read=14, charges=0,
         format="aws-cur-legacy", reason="shrunken: 14 rows where 1,204 are loaded; accept or reject the delivery",
         delivered_at=datetime(2026, 3, 21, 23, 12))  # fmt: skip
    load(warehouse, "unknown", "azure-focus", None, status="refused", rows_read=0, charges=0, format="unknown",
         reason="invoice.csv: no known format has the header Rechnung;Betrag <b>", delivered_at=None)  # fmt: skip
    warehouse.execute(
        "UPDATE loads SET rows_rejected = 2, rows_mapped = rows_read - 2 WHERE load_id = 'azure-focus-2026-03'"
    )
    insert(warehouse, "rejected_rows", [
        {"load_id": "azure-focus-2026-03", "path": "/exports/azure/part-0001.csv", "record": 118, "line": 119,
         "column_name": "BilledCost", "value": "12,40", "reason": "no number"},
        {"load_id": "azure-focus-2026-03", "path": "/exports/azure/part-0001.csv", "record": 204, "line": 205,
         "column_name": "ChargePeriodStart", "value": "31.03.2026", "reason": "no time"},
    ])  # fmt: skip
    insert(warehouse, "load_drift", [
        {"load_id": "aws-prod-2026-03", "column_name": "resource_tags_user_<team>", "change": "new", "before": None,
         "after": "string"},
        {"load_id": "aws-prod-2026-03", "column_name": "pricing_term", "change": "missing", "before": "string",
         "after": None},
    ])  # fmt: skip
    insert(warehouse, "restatements", [
        restated("Amazon Elastic Compute Cloud", "7011.25", "7420.118", account="444455556666"),
        restated("Amazon Relational Database Service", "2204.4", "2116.0"),
        restated("Amazon Bedrock", "0", "63.9", before=0, account="444455556666"),
    ])  # fmt: skip


def restated(service: str, old: str, new: str, *, before: int = 24, account: str = "111122223333") -> dict[str, Any]:
    """One line of what the last delivery of aws-prod changed."""
    return {
        "load_id": "aws-prod-2026-03", "replaced_load_id": "aws-prod-old", "x_Source": "aws-prod",
        "restated_at": datetime(2026, 3, 22),
        "x_BillingPeriod": PERIOD, "BillingCurrency": "USD", "SubAccountId": account, "ServiceName": service,
        "charges_before": before, "charges_after": 48, "BilledCost_before": old, "BilledCost_after": new,
        "EffectiveCost_before": old, "EffectiveCost_after": new, "reason": "delivered again",
    }  # fmt: skip


def _budgets(warehouse: Warehouse) -> None:
    [(spent, usage)] = warehouse.rows(
        """SELECT sum(BilledCost), sum(BilledCost) FILTER (WHERE ChargeCategory = 'Usage')
        FROM daily_costs WHERE x_BillingPeriod = ?""",
        [PERIOD],
    )
    forecast = money.stored(usage / 21 * 31 + spent - usage)
    budget(warehouse, 0, "global", "", "38000", spent, forecast, "OK", name="Everything", owner="finance")
    budget(warehouse, 1, "provider", "aws", "35000", spent - 1990, forecast - 2900, "OK")
    budget(warehouse, 2, "provider", "azure", "5000", Decimal("1990.11"), Decimal("2937.8"), "OK")
    budget(warehouse, 3, "tag", "team:ml", "5000", Decimal("7167.4081"), Decimal("8004.2"), "EXCEEDED",
           name="Machine learning", owner="ada@lumen.example")  # fmt: skip
    budget(warehouse, 4, "tag", "team:platform", "10000", Decimal("9312.4"), Decimal("13746.88"), "CRITICAL")
    budget(warehouse, 5, "tag", "team:*", "9000", Decimal("7304.0"), None, "WARNING",
           forecast_note="no complete day of usage in 2026-03 yet")  # fmt: skip
    budget(warehouse, 6, "type", "aws:ec2/instance", "0", None, None, "UNSPECIFIED", enabled=False)
    budget(warehouse, 7, "policy", "calls", "500", Decimal("431.5"), None, "WARNING", name="Calls of <acme>")
    budget(warehouse, 8, "policy", "off", "1", None, None, "UNSPECIFIED", enabled=False)
    budget(warehouse, 9, "policy", "former", "1", Decimal(1), None, "EXCEEDED", name="Deleted")
    warehouse.execute("""UPDATE budgets SET origin = 'policy', policy_scope = 'team', policy_scope_id = 'ml|x',
        tenant_id = 'acme', hard_limit_action = 'soft_block', counted_origin = 'recorded',
        ended_at = CASE scope_key WHEN 'former' THEN TIMESTAMP '2026-03-20' END WHERE scope_type = 'policy'""")
    alert(warehouse, "tag:team:ml", "100", "actual", "open", "emergency", "7167.4081", "5000",
          history=[{"at": "2026-03-16T06:00:00", "event": "fired", "percentage": "101.2", "reason": None}])  # fmt: skip
    alert(warehouse, "tag:team:platform", "80", "actual", "open", "warning", "9312.4", "10000", history=[
        {"at": "2026-03-18T06:00:00", "event": "fired", "percentage": "80.1", "reason": None},
        {"at": "2026-03-19T06:00:00", "event": "resolved", "percentage": "79.4", "reason": "restated"},
        {"at": "2026-03-20T06:00:00", "event": "reopened", "percentage": "82.5", "reason": None}])  # fmt: skip
    alert(warehouse, "global", "100", "forecasted", "acknowledged", "critical", str(forecast), "38000", history=[],
          acknowledged_at=datetime(2026, 3, 19, 8), acknowledged_by="ada@lumen.example",
          snoozed_until=datetime(2026, 3, 24))  # fmt: skip
    alert(warehouse, "provider:azure", "50", "actual", "resolved", "info", "2544.1", "5000", history=[],
          resolved_at=datetime(2026, 3, 18, 6), reason="back under the threshold after a restatement")  # fmt: skip
