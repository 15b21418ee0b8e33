"""Lumen Parcel's own AWS accounts: what runs there, what is committed, and what went wrong in March."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from sample_data.story.aws import Line, Meter, account_line, daily_usage, monthly, quantity_of, usage
from sample_data.story.days import DAY, FEBRUARY, HOUR, JANUARY, MARCH, Period, code, hex_id, money, utc

PAYER = "418230567712"
PROD, DATA, DEV = "527719034468", "639084471250", "700415829936"
ACCOUNT_NAMES = {PAYER: "lumen-payer", PROD: "lumen-prod", DATA: "lumen-data", DEV: "lumen-dev"}

SP_STANDING = f"arn:aws:savingsplans::{PAYER}:savingsplan/7d4f0d3e-52f1-4c1c-9a6b-0d5a7f6f1a21"
SP_UPFRONT = f"arn:aws:savingsplans::{PAYER}:savingsplan/c1b8a0a4-9f0e-47f7-8a64-31f2f6f7be90"
RESERVATION = f"arn:aws:rds:us-east-1:{PROD}:ri:lumen-tracking-db-2025"


def instance_id(name: str) -> str:
    """An EC2 instance id."""
    return "i-0" + hex_id(16, "instance", name)


def volume_id(name: str) -> str:
    """An EBS volume id."""
    return "vol-0" + hex_id(16, "volume", name)


def owned(team: str, env: str, app: str = "", by: str = "terraform") -> dict[str, str]:
    """The tags of a resource whose owner is known."""
    tags = {"user_team": team, "user_env": env, "aws_createdby": f"AssumedRole:{by}"}
    return tags | {"user_app": app} if app else tags


def server(name: str, account: str, kind: str, rate: str, tags: dict[str, str]) -> Meter:
    """An EC2 instance that runs all day."""
    return Meter(
        name, "AmazonEC2", f"BoxUsage:{kind}", "RunInstances", instance_id(name), account, "Hrs", Decimal(rate), Decimal(24),
        f"${rate} per On Demand Linux {kind} Instance Hour", tags, "Compute Instance", kind,
    )  # fmt: skip


def elastic(
    name: str, product: str, usage_type: str, resource: str, account: str, price: tuple[str, str, str], text: str,
    tags: dict[str, str], family: str = "", operation: str = "",
) -> Meter:  # fmt: skip
    """A meter that follows the traffic; `price` is (unit, rate, quantity on an ordinary day)."""
    unit, rate, per_day = price
    return Meter(
        name, product, usage_type, operation, resource, account, unit, Decimal(rate), Decimal(per_day), text, tags, family,
        elastic=True,
    )  # fmt: skip


WEB = owned("platform", "prod", "tracking-web")
INGEST = owned("tracking", "prod", "ingest")
LEDGER = owned("tracking", "prod", "parcel-ledger")
ASSISTANT = owned("ml", "prod", "eta-assistant")
LAKE = owned("data", "prod", "lake")

ANALYTICS = server("analytics", DATA, "r7i.2xlarge", "0.5292", owned("data", "prod", "lake"))
BURST = server("web-burst", PROD, "c7i.12xlarge", "2.142", WEB)
COVERED = (
    server("api-a", PROD, "m7i.8xlarge", "1.6128", owned("platform", "prod", "api")),
    server("api-b", PROD, "m7i.8xlarge", "1.6128", owned("platform", "prod", "api")),
)
RESERVED = Meter(
    "tracking-db", "AmazonRDS", "InstanceUsage:db.r6g.4xl", "CreateDBInstance:0021",
    f"arn:aws:rds:us-east-1:{PROD}:db:lumen-tracking", PROD, "Hrs", Decimal("2.076"), Decimal(24),
    "db.r6g.4xlarge Aurora PostgreSQL reserved instance applied", LEDGER, "Database Instance", "db.r6g.4xlarge",
)  # fmt: skip

METERS = (
    server("web", PROD, "c7i.8xlarge", "1.428", WEB),
    server("ingest", PROD, "m7i.8xlarge", "1.6128", INGEST),
    # Nobody knows whose this is: no tags, and not even a creator.
    server("orphan", DEV, "m6i.4xlarge", "0.768", {}),
    # The key is written with a capital: another key to every tool that reads it.
    server("devbox", DEV, "m6i.2xlarge", "0.384", {"user_Team": "platform", "user_env": "dev"}),
    server("notebook", DATA, "g5.2xlarge", "1.212", owned("ml", "dev", "notebooks", "ines.okafor")),
    elastic("vol-web", "AmazonEC2", "EBS:VolumeUsage.gp3", volume_id("web"), PROD, ("GB-Mo", "0.08", "640"),
            "$0.08 per GB-month of General Purpose (gp3) provisioned storage", WEB, "Storage", "CreateVolume-Gp3"),
    elastic("vol-old", "AmazonEC2", "EBS:VolumeUsage.gp2", volume_id("old"), DEV, ("GB-Mo", "0.10", "95"),
            "$0.10 per GB-month of General Purpose SSD (gp2) provisioned storage",
            {"aws_createdby": "IAMUser:p.lindqvist"}, "Storage", "CreateVolume-Gp2"),
    elastic("s3-events", "AmazonS3", "TimedStorage-ByteHrs", "lumen-parcel-events", PROD, ("GB-Mo", "0.023", "3400"),
            "$0.023 per GB - first 50 TB / month of storage used", INGEST, "Storage", "StandardStorage"),
    elastic("s3-datasets", "AmazonS3", "TimedStorage-INT-FA-ByteHrs", "lumen-ml-datasets", DATA,
            ("GB-Mo", "0.023", "1040"), "$0.023 per GB-Month of storage used in Intelligent-Tiering",
            owned("ml", "prod", "eta-assistant"), "Storage", "IntelligentTieringFAStorage"),
    elastic("aurora", "AmazonRDS", "Aurora:ServerlessV2Usage", f"arn:aws:rds:us-east-1:{PROD}:cluster:lumen-ledger",
            PROD, ("ACU-Hr", "0.12", "520"), "$0.12 per ACU hour for Aurora Serverless v2", LEDGER, "ServerlessV2",
            "CreateDBInstance:0021"),
    elastic("aurora-io", "AmazonRDS", "Aurora:StorageIOUsage", f"arn:aws:rds:us-east-1:{DATA}:cluster:lumen-lake",
            DATA, ("IOs", "0.0000002", "131000000"), "$0.20 per million I/O requests", LAKE, "System Operation"),
    elastic("transfer", "AmazonEC2", "DataTransfer-Out-Bytes", instance_id("web"), PROD, ("GB", "0.09", "980"),
            "$0.090 per GB - first 10 TB / month data transfer out", WEB, "Data Transfer", "RunInstances"),
    elastic("nat", "AmazonVPC", "NatGateway-Bytes", f"arn:aws:ec2:us-east-1:{PROD}:natgateway/nat-0b7f1e2d9c5a84f36",
            PROD, ("GB", "0.045", "338"), "$0.045 per GB Data Processed by NAT Gateways", WEB, "NAT Gateway"),
    elastic("lambda", "AWSLambda", "Lambda-GB-Second", f"arn:aws:lambda:us-east-1:{PROD}:function:scan-event-fanout",
            PROD, ("Second", "0.0000166667", "1265000"), "AWS Lambda - Total Compute - US East", INGEST, "Serverless",
            "Invoke"),
    elastic("logs", "AmazonCloudWatch", "DataProcessing-Bytes",
            f"arn:aws:logs:us-east-1:{PROD}:log-group:/lumen/tracking", PROD, ("GB", "0.50", "51"),
            "$0.50 per GB log data ingested", owned("platform", "prod"), "Data Payload", "PutLogEvents"),
    elastic("tokens-in", "AmazonBedrock", "USE1-Claude4Sonnet-input-tokens",
            f"arn:aws:bedrock:us-east-1:{DATA}:application-inference-profile/eta7assist", DATA,
            ("1K tokens", "0.003", "11800"), "$0.003 per 1K input tokens", ASSISTANT, "Generative AI", "InvokeModel"),
    elastic("tokens-out", "AmazonBedrock", "USE1-Claude4Sonnet-output-tokens",
            f"arn:aws:bedrock:us-east-1:{DATA}:application-inference-profile/eta7assist", DATA,
            ("1K tokens", "0.015", "3300"), "$0.015 per 1K output tokens", ASSISTANT, "Generative AI", "InvokeModel"),
    elastic("endpoint", "AmazonSageMaker", "USE1-Host:ml.g5.2xlarge",
            f"arn:aws:sagemaker:us-east-1:{DATA}:endpoint/eta-forecast", DATA, ("Hrs", "1.515", "34"),
            "$1.515 per Hosting ml.g5.2xlarge hour", ASSISTANT, "ML Instance", "RunInstance"),
    elastic("scans", "AmazonDynamoDB", "WriteRequestUnits", f"arn:aws:dynamodb:us-east-1:{PROD}:table/parcel-scans",
            PROD, ("WriteRequestUnits", "0.000000625", "65400000"), "$0.625 per million write request units", INGEST,
            "Amazon DynamoDB PayPerRequest Throughput", "PayPerRequestThroughput"),
    elastic("fargate", "AmazonECS", "USE1-Fargate-vCPU-Hours:perCPU",
            f"arn:aws:ecs:us-east-1:{PROD}:service/lumen/notifications", PROD, ("hours", "0.04048", "1100"),
            "AWS Fargate - vCPU - US East (N.Virginia)", owned("platform", "prod", "notifications"), "Compute"),
)  # fmt: skip

# The runaway job: started by a schedule on 9 March, stopped by hand at the end of the 17th.
RUNAWAY_TAGS = {"user_team": "ml", "user_env": "dev", "aws_createdby": "AssumedRole:batch-scheduler"}
RUNAWAY = (
    server("train-a", DATA, "g6.48xlarge", "13.3504", RUNAWAY_TAGS),
    server("train-b", DATA, "p5.4xlarge", "6.88", RUNAWAY_TAGS),
    server("train-c", DATA, "p5.4xlarge", "6.88", RUNAWAY_TAGS),
)
RUNAWAY_START, RUNAWAY_END = utc(2026, 3, 9), utc(2026, 3, 18)
UPFRONT_START = utc(2026, 3, 2)

FEES = {  # billing period -> support, tax by account
    "2026-01": (Decimal("2186.40"), (Decimal("281.17"), Decimal("163.94"), Decimal("22.08"))),
    "2026-02": (Decimal("2251.18"), (Decimal("288.40"), Decimal("171.22"), Decimal("20.51"))),
    "2026-03": (Decimal("1902.75"), (Decimal("201.36"), Decimal("198.73"), Decimal("15.92"))),
}


def lines(period: Period, final: bool) -> list[Line]:
    """Every line of one billing period; `final` is the bill after AWS closed the month."""
    found = [line for line in daily_usage(METERS, period) if final or not late(line)]
    found += burst_hours(period)
    found += savings_plan_days(period)
    found += reservation(period)
    found += list(fees(period, final))
    if period is MARCH:
        found += runaway_hours()
        found.append(upfront_fee())
    return [restated(line) for line in found] if final and period is FEBRUARY else found


def late(line: Line) -> bool:
    """Usage that reached the bill only after February's first delivery."""
    return line.meter.product == "AmazonBedrock" and line.start == utc(2026, 2, 28)


def restated(line: Line) -> Line:
    """February's final prices: a lower transfer tier from the 10th, late tokens on the 27th."""
    factor = Decimal(1)
    if line.meter.key == "transfer" and utc(2026, 2, 10) <= line.start < utc(2026, 2, 21):
        factor = Decimal("0.944444")
    if line.meter.product == "AmazonBedrock" and line.start == utc(2026, 2, 27):
        factor = Decimal("1.0825")
    cost = money(line.cost * factor)
    return line if factor == 1 else replace(line, cost=cost, list_cost=cost)


def burst_hours(period: Period) -> list[Line]:
    """Extra web capacity, Monday to Friday from 08:00 to 16:00 UTC."""
    mornings = [day + 8 * HOUR for day in period.each_day() if day.weekday() < 5]
    return [usage(BURST, m + h * HOUR, m + (h + 1) * HOUR, Decimal(1)) for m in mornings for h in range(8)]


def runaway_hours() -> list[Line]:
    """The job that nobody stopped, hour by hour."""
    hours = (RUNAWAY_END - RUNAWAY_START) // HOUR
    starts = [RUNAWAY_START + n * HOUR for n in range(hours)]
    return [usage(meter, start, start + HOUR, Decimal(1)) for meter in RUNAWAY for start in starts]


def savings_plan_days(period: Period) -> list[Line]:
    """Both plans, day by day; before its plan began, the analytics server on demand."""
    found: list[Line] = []
    for day in period.each_day():
        found += plan_day(SP_STANDING, COVERED, Decimal("0.99995"), Decimal("2.1"), Decimal("2.1"), day)
        if day >= UPFRONT_START:
            found += plan_day(SP_UPFRONT, (ANALYTICS,), Decimal("0.37044"), Decimal("0.41"), Decimal(0), day)
        else:
            found.append(usage(ANALYTICS, day, day + DAY, quantity_of(ANALYTICS, day, period.traffic)))
    return found


def plan_day(
    arn: str, meters: tuple[Meter, ...], rate: Decimal, commitment: Decimal, billed: Decimal, day: datetime
) -> Iterator[Line]:
    """Covered usage, the negation that cancels it, and the hourly commitment of one plan for one day."""
    plan: dict[str, object] = {"savings_plan_savings_plan_a_r_n": arn, "savings_plan_region": "us-east-1"}
    effective = money(rate * 24)
    covered = [usage(meter, day, day + DAY, Decimal(24), "SavingsPlanCoveredUsage") for meter in meters]
    for line in covered:
        covering = {"savings_plan_savings_plan_rate": rate, "savings_plan_savings_plan_effective_cost": effective}
        yield replace(line, extra=plan | covering)
    total = sum((line.cost for line in covered), Decimal(0))
    text = (
        f"SavingsPlanNegation used by AccountId : {meters[0].account} and UsageSku : {code(16, meters[0].usage_type)}"
    )
    negated = replace(meters[0], key=f"{arn}/negation", resource="", text=text, tags={})
    yield Line(negated, "SavingsPlanNegation", day, day + DAY, Decimal(24 * len(meters)), -total, Decimal(0), plan)
    committed, used = commitment * 24, effective * len(meters)
    extra = {"savings_plan_total_commitment_to_date": committed, "savings_plan_used_commitment": used}
    yield Line(
        plan_meter(arn, "1yr"),
        "SavingsPlanRecurringFee",
        day,
        day + DAY,
        Decimal(24),
        billed * 24,
        Decimal(0),
        plan | extra,
    )


def plan_meter(arn: str, term: str) -> Meter:
    """What a savings plan's own fees are booked on."""
    option = "AllUpfront" if arn == SP_UPFRONT else "NoUpfront"
    meter = account_line(
        "ComputeSavingsPlans", PAYER, f"{term} {option} Compute Savings Plan", f"ComputeSP:{term}{option}"
    )
    return replace(meter, resource=arn, tags={"user_team": "platform", "user_env": "prod"})


def upfront_fee() -> Line:
    """A year paid at once; like AWS, the row's usage ends a year later."""
    cost = Decimal("0.41") * 24 * 365
    extra = {"savings_plan_savings_plan_a_r_n": SP_UPFRONT, "bill_bill_type": "Purchase"}
    end = UPFRONT_START + timedelta(days=365)
    return Line(
        plan_meter(SP_UPFRONT, "1yr"), "SavingsPlanUpfrontFee", UPFRONT_START, end, Decimal(1), cost, Decimal(0), extra
    )


def reservation(period: Period) -> list[Line]:
    """A reserved database at 1.34 an hour: idle for six hours of the 15th, paid for the whole month."""
    rate, found = Decimal("1.34"), []
    for day in period.each_day():
        hours = Decimal(18) if day.day == 15 else Decimal(24)
        extra = {
            "reservation_reservation_a_r_n": RESERVATION,
            "reservation_effective_cost": money(hours * rate),
            "reservation_recurring_fee_for_usage": money(hours * rate),
        }
        listed = money(hours * RESERVED.rate)
        found.append(Line(RESERVED, "DiscountedUsage", day, day + DAY, hours, Decimal(0), listed, extra))
    fee = replace(
        RESERVED,
        key="tracking-db/fee",
        resource=RESERVATION,
        text="USD 1.34 hourly fee per Aurora PostgreSQL, db.r6g.4xlarge instance",
    )
    extra = {"reservation_reservation_a_r_n": RESERVATION, "reservation_unused_recurring_fee": Decimal("8.04")}
    return [*found, monthly(fee, "RIFee", period, rate * 24 * period.length, **extra)]


def fees(period: Period, final: bool) -> Iterator[Line]:
    """What AWS and a marketplace seller bill by the month."""
    support, taxes = FEES[period.label]
    estimate = support if final or period is not FEBRUARY else support - Decimal("41.15")
    yield monthly(account_line("AWSSupportBusiness", PAYER, "AWS Support (Business)"), "Fee", period, estimate)
    tool = account_line("northbeam", PROD, "Northbeam Observability, monthly instalment", "MP:northbeam-contract")
    yield monthly(
        replace(tool, tags={"user_team": "platform"}),
        "Fee",
        period,
        Decimal("1650.00"),
        seller="Northbeam Observability Ltd.",
    )
    for account, tax in zip((PROD, DATA, DEV), taxes, strict=True):
        yield monthly(
            account_line("AmazonEC2", account, "US Sales Tax"), "Tax", period, tax, line_item_tax_type="USSalesTax"
        )
    if period in (JANUARY, FEBRUARY):
        yield monthly(
            account_line("AmazonEC2", PROD, "AWS Activate credit", "BoxUsage"), "Credit", period, Decimal("-250.00")
        )
    if period is FEBRUARY and final:
        yield from settlement(period)


def settlement(period: Period) -> Iterator[Line]:
    """What AWS gave back when it closed February: a service-level credit and a refund."""
    sla = account_line(
        "AmazonEC2", PROD, "Service level credit, us-east-1 event of 11 February", "BoxUsage:c7i.8xlarge"
    )
    yield monthly(sla, "Credit", period, Decimal("-640.00"))
    refund = account_line("AmazonS3", PROD, "Refund of replicated storage charged twice", "TimedStorage-ByteHrs")
    yield monthly(refund, "Refund", period, Decimal("-63.20"))
