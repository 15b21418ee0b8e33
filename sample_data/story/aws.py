"""What both AWS bills are made of: meters (a resource and a price) and the lines they produce."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from sample_data.story.days import DAY, Period, load_factor, money

PRODUCT_NAMES = {
    "AmazonEC2": "Amazon Elastic Compute Cloud",
    "AmazonS3": "Amazon Simple Storage Service",
    "AmazonRDS": "Amazon Relational Database Service",
    "AmazonBedrock": "Amazon Bedrock",
    "AmazonSageMaker": "Amazon SageMaker",
    "AmazonCloudWatch": "AmazonCloudWatch",
    "AmazonDynamoDB": "Amazon DynamoDB",
    "AmazonECS": "Amazon Elastic Container Service",
    "AmazonElastiCache": "Amazon ElastiCache",
    "AmazonRoute53": "Amazon Route 53",
    "AmazonSNS": "Amazon Simple Notification Service",
    "AmazonVPC": "Amazon Virtual Private Cloud",
    "AWSLambda": "AWS Lambda",
    "AWSQueueService": "Amazon Simple Queue Service",
    "AWSSupportBusiness": "AWS Support (Business)",
    "AWSSupportDeveloper": "AWS Support (Developer)",
    "ComputeSavingsPlans": "Savings Plans for AWS Compute usage",
    "awskms": "AWS Key Management Service",
    "northbeam": "Northbeam Observability",
}

# Units that come in whole numbers.
COUNTED = ("IOs", "Metrics", "Notifications", "Queries", "Requests", "WriteRequestUnits")

LOCATIONS = {"us-east-1": "US East (N. Virginia)", "eu-west-1": "EU (Ireland)", "us-west-2": "US West (Oregon)"}


@dataclass(frozen=True)
class Meter:
    """One resource at one price. `per_day` is in `unit`; an elastic meter follows the traffic."""

    key: str
    product: str
    usage_type: str
    operation: str
    resource: str
    account: str
    unit: str
    rate: Decimal
    per_day: Decimal
    text: str
    tags: Mapping[str, str] = field(default_factory=dict)
    family: str = ""
    instance: str = ""
    region: str = "us-east-1"
    elastic: bool = False


@dataclass(frozen=True)
class Line:
    """One row of a CUR: the columns that all rows share, and by name the few that only some have."""

    meter: Meter
    kind: str
    start: datetime
    end: datetime
    quantity: Decimal
    cost: Decimal
    list_cost: Decimal
    extra: Mapping[str, object] = field(default_factory=dict)


def usage(meter: Meter, start: datetime, end: datetime, quantity: Decimal, kind: str = "Usage") -> Line:
    """Metered usage at the meter's own price."""
    cost = money(quantity * meter.rate)
    return Line(meter, kind, start, end, quantity, cost, cost)


def daily_usage(meters: Iterable[Meter], period: Period) -> Iterator[Line]:
    """One line a day of every meter."""
    for meter in meters:
        for day in period.each_day():
            yield usage(meter, day, day + DAY, quantity_of(meter, day, period.traffic))


def quantity_of(meter: Meter, day: datetime, traffic: Decimal) -> Decimal:
    """What the meter counts on one day."""
    if not meter.elastic:
        return meter.per_day
    step = Decimal(1) if meter.unit in COUNTED else Decimal("0.000001")
    return (meter.per_day * load_factor(meter.key, day, traffic)).quantize(step)


def monthly(meter: Meter, kind: str, period: Period, cost: Decimal, **extra: object) -> Line:
    """A charge of the whole billing period that no meter counts: fee, tax, credit, refund."""
    return Line(meter, kind, period.start, period.end, Decimal(1), cost, Decimal(0), extra)


def account_line(product: str, account: str, text: str, usage_type: str = "") -> Meter:
    """A meter for charges without a resource of their own."""
    return Meter(
        key=f"{product}/{account}/{text}",
        product=product,
        usage_type=usage_type,
        operation="",
        resource="",
        account=account,
        unit="",
        rate=Decimal(0),
        per_day=Decimal(0),
        text=text,
        region="",
    )
