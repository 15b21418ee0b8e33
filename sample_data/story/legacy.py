"""Parcelbird, the company that Lumen bought: its own AWS payer, still on the legacy CUR (daily CSV.gz).

Layout: `<prefix>/parcelbird/YYYYMMDD-YYYYMMDD/<assembly id>/parcelbird-N.csv.gz`; the manifest lies
beside the parts and again in the period's folder, where it names the newest assembly. Amounts are text
as AWS's Java writes it: some in exponents, some with more than eighteen decimals.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from sample_data.story.aws import LOCATIONS, PRODUCT_NAMES, Line, Meter, account_line, daily_usage, monthly
from sample_data.story.days import (
    FEBRUARY,
    JANUARY,
    MARCH,
    PERIODS,
    Delivery,
    Period,
    as_json,
    code,
    guid,
    gzipped,
    hex_id,
    number,
    plain,
    stamp,
)  # fmt: skip

REPORT = "parcelbird"
BUCKET, PREFIX = "parcelbird-billing", "reports"
ROOT = f"aws/legacy/{PREFIX}/{REPORT}"
PAYER, SHOP = "041258963074", "093317460258"  # ids are text: both begin with a zero

HEADER = [
    "identity/LineItemId",
    "identity/TimeInterval",
    "bill/InvoiceId",
    "bill/InvoicingEntity",
    "bill/BillingEntity",
    "bill/BillType",
    "bill/PayerAccountId",
    "bill/BillingPeriodStartDate",
    "bill/BillingPeriodEndDate",
    "lineItem/UsageAccountId",
    "lineItem/LineItemType",
    "lineItem/UsageStartDate",
    "lineItem/UsageEndDate",
    "lineItem/ProductCode",
    "lineItem/UsageType",
    "lineItem/Operation",
    "lineItem/AvailabilityZone",
    "lineItem/ResourceId",
    "lineItem/UsageAmount",
    "lineItem/NormalizationFactor",
    "lineItem/NormalizedUsageAmount",
    "lineItem/CurrencyCode",
    "lineItem/UnblendedRate",
    "lineItem/UnblendedCost",
    "lineItem/BlendedRate",
    "lineItem/BlendedCost",
    "lineItem/LineItemDescription",
    "lineItem/TaxType",
    "lineItem/LegalEntity",
    "product/ProductName",
    "product/instanceType",
    "product/location",
    "product/locationType",
    "product/operation",
    "product/productFamily",
    "product/region",
    "product/regionCode",
    "product/servicecode",
    "product/sku",
    "product/usagetype",
    "pricing/LeaseContractLength",
    "pricing/OfferingClass",
    "pricing/PurchaseOption",
    "pricing/RateCode",
    "pricing/RateId",
    "pricing/currency",
    "pricing/publicOnDemandCost",
    "pricing/publicOnDemandRate",
    "pricing/term",
    "pricing/unit",
    "reservation/EffectiveCost",
    "reservation/ReservationARN",
    "savingsPlan/SavingsPlanARN",
    "savingsPlan/SavingsPlanEffectiveCost",
    "resourceTags/aws:createdBy",
    "resourceTags/user:Team",
    "resourceTags/user:app",
    "resourceTags/user:env",
    "resourceTags/user:team",
]
NUMBERS = {"UsageAmount", "UnblendedCost", "BlendedCost", "publicOnDemandCost", "EffectiveCost"}


def arn(service: str, name: str) -> str:
    """An ARN in Parcelbird's account."""
    return f"arn:aws:{service}:eu-west-1:{SHOP}:{name}"


def tags(team: str, env: str = "prod", app: str = "") -> dict[str, str]:
    """The tags of a resource whose owner is known."""
    return {"user:team": team, "user:env": env, "user:app": app, "aws:createdBy": f"IAMUser:{SHOP}:deploy"}


def meter(
    key: str, product: str, usage_type: str, resource: str, price: tuple[str, str, str], text: str,
    own: Mapping[str, str], family: str = "", operation: str = "",
) -> Meter:  # fmt: skip
    """A Parcelbird meter; `price` is (unit, rate, quantity on an ordinary day)."""
    unit, rate, per_day = price
    return Meter(
        key, product, f"EU-{usage_type}", operation, resource, SHOP, unit, Decimal(rate), Decimal(per_day), text, own, family,
        usage_type.partition(":")[2] if unit == "Hrs" else "", "eu-west-1", elastic=unit != "Hrs",
    )  # fmt: skip


METERS = (
    meter("shop-1", "AmazonEC2", "BoxUsage:m5.4xlarge", "i-0" + hex_id(16, "shop-1"), ("Hrs", "0.856", "24"),
          "$0.856 per On Demand Linux m5.4xlarge Instance Hour", tags("integrations", app="carrier-sync"),
          "Compute Instance", "RunInstances"),
    meter("shop-2", "AmazonEC2", "BoxUsage:m5.4xlarge", "i-0" + hex_id(16, "shop-2"), ("Hrs", "0.856", "24"),
          "$0.856 per On Demand Linux m5.4xlarge Instance Hour", tags("integrations", app="carrier-sync"),
          "Compute Instance", "RunInstances"),
    meter("shop-3", "AmazonEC2", "BoxUsage:m5.2xlarge", "i-0" + hex_id(16, "shop-3"), ("Hrs", "0.428", "24"),
          "$0.428 per On Demand Linux m5.2xlarge Instance Hour",
          {"user:Team": "integrations", "user:env": "dev"}, "Compute Instance", "RunInstances"),
    meter("disk", "AmazonEC2", "EBS:VolumeUsage.gp2", "vol-0" + hex_id(16, "disk"), ("GB-Mo", "0.11", "73"),
          "$0.11 per GB-month of General Purpose SSD (gp2) provisioned storage", tags("integrations"),
          "Storage", "CreateVolume-Gp2"),
    meter("orders", "AmazonRDS", "InstanceUsage:db.m5.2xl", arn("rds", "db:orders"), ("Hrs", "0.768", "24"),
          "$0.768 per RDS db.m5.2xlarge instance hour (or partial hour) running MySQL",
          tags("tracking", app="orders"), "Database Instance", "CreateDBInstance:0002"),
    meter("orders-disk", "AmazonRDS", "RDS:GP2-Storage", arn("rds", "db:orders"), ("GB-Mo", "0.127", "61"),
          "$0.127 per GB-month of provisioned GP2 storage running MySQL", tags("tracking", app="orders"),
          "Database Storage", "CreateDBInstance:0002"),
    meter("labels", "AmazonS3", "TimedStorage-ByteHrs", "parcelbird-labels", ("GB-Mo", "0.023", "505"),
          "$0.023 per GB - first 50 TB / month of storage used", tags("integrations", app="labels"), "Storage",
          "StandardStorage"),
    meter("transfer", "AmazonEC2", "DataTransfer-Out-Bytes", "i-0" + hex_id(16, "shop-1"), ("GB", "0.09", "102"),
          "$0.09 per GB data transfer out", tags("integrations", app="carrier-sync"), "Data Transfer",
          "RunInstances"),
    meter("cache", "AmazonElastiCache", "NodeUsage:cache.r6g.large", arn("elasticache", "cluster:rates"),
          ("Hrs", "0.229", "24"), "$0.229 per cache.r6g.large node hour running Redis", tags("tracking"),
          "Cache Instance", "CreateCacheCluster:0002"),
    meter("alarms", "AmazonCloudWatch", "MetricMonitorUsage", arn("cloudwatch", "alarm:all"),
          ("Metrics", "0.30", "13"), "$0.30 per metric-month for the first 10,000 metrics", {}, "Metric",
          "MetricStorage"),
    meter("queue", "AWSQueueService", "Requests-Tier1", arn("sqs", "label-jobs"), ("Requests", "4E-7", "2"),
          "$0.40 per million Amazon SQS standard requests in Tier1", tags("integrations", app="labels"),
          "API Request", "SendMessage"),
    meter("resize", "AWSLambda", "Lambda-GB-Second", arn("lambda", "function:label-resize"),
          ("Second", "0.0000166667", "13.5"), "AWS Lambda - Total Compute - EU", tags("integrations", app="labels"),
          "Serverless", "Invoke"),
    meter("zone", "AmazonRoute53", "DNS-Queries", arn("route53", "hostedzone/Z0412PARCELBIRD"),
          ("Queries", "4E-7", "1150000"), "$0.40 per 1,000,000 queries", tags("platform"), "DNS Query"),
    meter("notices", "AmazonSNS", "DeliveryAttempts-SMTP", arn("sns", "parcel-notices"),
          ("Notifications", "0.00002", "48000"), "$2.00 per 100,000 email notifications", tags("tracking"),
          "Message Delivery", "Publish"),
)  # fmt: skip


@dataclass(frozen=True)
class Assembly:
    """One assembly of a month's report: the days it holds, and the number of its parts."""

    period: Period
    made: str
    parts: int
    invoiced: bool
    current: bool = True

    @property
    def id(self) -> str:
        return guid("assembly", self.period.label, self.made)


ASSEMBLIES = (
    Assembly(JANUARY, "2026-02-03", 2, invoiced=True),
    Assembly(FEBRUARY, "2026-03-04", 1, invoiced=True),
    Assembly(replace(MARCH, days=14), "2026-03-15", 1, invoiced=False, current=False),
    Assembly(MARCH, "2026-03-22", 2, invoiced=False),
)
TAXES = dict(zip(PERIODS, (Decimal("88.41"), Decimal("86.90"), Decimal("61.37")), strict=True))


def lines(period: Period) -> list[Line]:
    """Every line of one billing period."""
    found = [exact(line) for line in daily_usage(METERS, period)]
    support = account_line("AWSSupportDeveloper", PAYER, "AWS Support (Developer)")
    found.append(monthly(support, "Fee", period, Decimal("29")))
    tax = TAXES.get(period, Decimal("40.22"))
    found.append(monthly(account_line("AmazonEC2", SHOP, "VAT"), "Tax", period, tax))
    found.append(
        monthly(account_line("AmazonEC2", SHOP, "Migration credit", "EU-BoxUsage"), "Credit", period, Decimal("-120"))
    )
    if period is JANUARY:
        refund = account_line("AmazonRDS", SHOP, "Refund of a failed snapshot export", "EU-RDS:ChargedBackupUsage")
        found.append(monthly(refund, "Refund", period, Decimal("-18.405")))
    return found


def exact(line: Line) -> Line:
    """The smallest meters carry every digit of quantity x rate, whatever its length."""
    if line.meter.key != "resize":
        return line
    quantity = line.quantity + Decimal(number(10**9, "resize", line.start)) / Decimal(10**15)
    cost = quantity * line.meter.rate
    return replace(line, quantity=quantity, cost=cost, list_cost=cost)


def deliveries() -> Iterator[Delivery]:
    """The assemblies, oldest first."""
    for assembly in ASSEMBLIES:
        period = assembly.period
        rows = tuple(row(line, assembly) for line in lines(period))
        folder = f"{period.start:%Y%m%d}-{period.end:%Y%m%d}"
        size = -(-len(rows) // assembly.parts)
        keys = [f"{folder}/{assembly.id}/{REPORT}-{n + 1}.csv.gz" for n in range(assembly.parts)]
        files = {f"{ROOT}/{key}": gzipped(as_csv(rows[n * size : (n + 1) * size])) for n, key in enumerate(keys)}
        data_files = tuple(files)
        copies = [f"{folder}/{assembly.id}/"] + [f"{folder}/"] * assembly.current
        files |= {f"{ROOT}/{place}{REPORT}-Manifest.json": manifest(assembly, keys) for place in copies}
        yield Delivery("aws-legacy", period, assembly.id, assembly.current, files, data_files, rows)


def as_csv(rows: Sequence[Mapping[str, str]]) -> bytes:
    """One part of the report."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, HEADER, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def java_text(value: Decimal) -> str:
    """As `BigDecimal.toString` has it: an exponent once the number is below a millionth."""
    return str(Decimal(plain(value)))


def row(line: Line, assembly: Assembly) -> dict[str, str]:
    """One line in the columns of the legacy CUR."""
    one = line.meter
    span = f"{stamp(line.start)}/{stamp(line.end)}"
    sku = code(16, one.product, one.usage_type)
    rate = java_text(one.rate) if one.unit else ""
    found = {
        "identity/LineItemId": code(52, one.key, line.kind, span).lower(),
        "identity/TimeInterval": span,
        "bill/InvoiceId": invoice(assembly),
        "bill/InvoicingEntity": "Amazon Web Services EMEA SARL",
        "bill/BillingEntity": "AWS",
        "bill/BillType": "Refund" if line.kind == "Refund" else "Anniversary",
        "bill/PayerAccountId": PAYER,
        "bill/BillingPeriodStartDate": stamp(assembly.period.start),
        "bill/BillingPeriodEndDate": stamp(assembly.period.end),
        "lineItem/UsageAccountId": one.account,
        "lineItem/LineItemType": line.kind,
        "lineItem/UsageStartDate": stamp(line.start),
        "lineItem/UsageEndDate": stamp(line.end),
        "lineItem/ProductCode": one.product,
        "lineItem/UsageType": one.usage_type,
        "lineItem/Operation": one.operation,
        "lineItem/AvailabilityZone": "eu-west-1b" if one.resource.startswith("i-") else "",
        "lineItem/ResourceId": one.resource,
        "lineItem/UsageAmount": java_text(line.quantity),
        "lineItem/CurrencyCode": "USD",
        "lineItem/UnblendedRate": rate,
        "lineItem/UnblendedCost": java_text(line.cost),
        "lineItem/BlendedRate": rate,
        "lineItem/BlendedCost": java_text(line.cost),
        "lineItem/LineItemDescription": one.text,
        "lineItem/TaxType": "VAT" if line.kind == "Tax" else "",
        "lineItem/LegalEntity": "Amazon Web Services EMEA SARL",
        "product/ProductName": PRODUCT_NAMES[one.product],
        "product/servicecode": one.product,
    }
    return found | (priced(line, sku) if one.unit else {})


def invoice(assembly: Assembly) -> str:
    """The invoice number, once the month is closed."""
    return f"EUINIE26-{number(10**6, assembly.id):06}" if assembly.invoiced else ""


def priced(line: Line, sku: str) -> dict[str, str]:
    """The columns of metered usage."""
    one = line.meter
    return {
        "product/instanceType": one.instance,
        "product/location": LOCATIONS[one.region],
        "product/locationType": "AWS Region",
        "product/operation": one.operation,
        "product/productFamily": one.family,
        "product/region": one.region,
        "product/regionCode": one.region,
        "product/sku": sku,
        "product/usagetype": one.usage_type,
        "pricing/RateCode": f"{sku}.JRTCKXETXF.{code(10, sku)}",
        "pricing/RateId": str(number(10**12, "rate", sku)),
        "pricing/currency": "USD",
        "pricing/publicOnDemandCost": java_text(line.list_cost),
        "pricing/publicOnDemandRate": java_text(one.rate),
        "pricing/term": "OnDemand",
        "pricing/unit": one.unit,
    } | {f"resourceTags/{key}": value for key, value in one.tags.items()}


def manifest(assembly: Assembly, keys: Sequence[str]) -> bytes:
    """The assembly's manifest, as AWS writes it."""
    pairs = [name.split("/", 1) for name in HEADER]
    return as_json(
        {
            "assemblyId": assembly.id,
            "account": PAYER,
            "columns": [
                {"category": category, "name": name, "type": column_type(category, name)} for category, name in pairs
            ],
            "charset": "UTF-8",
            "compression": "GZIP",
            "contentType": "text/csv",
            "reportId": hex_id(64, "report"),
            "reportName": REPORT,
            "billingPeriod": {"start": compact(assembly.period.start), "end": compact(assembly.period.end)},
            "bucket": BUCKET,
            "reportKeys": [f"{PREFIX}/{REPORT}/{key}" for key in keys],
            "additionalArtifactKeys": [],
        }
    )


def column_type(category: str, name: str) -> str:
    """A column's type as the manifest names it."""
    if name in NUMBERS:
        return "OptionalBigDecimal"
    if name.endswith("Date"):
        return "DateTime" if category == "bill" else "Interval"
    return "OptionalString"


def compact(moment: datetime) -> str:
    """A time as the manifest writes it."""
    return moment.strftime("%Y%m%dT%H%M%S.000Z")
