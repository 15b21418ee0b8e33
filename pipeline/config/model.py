"""What a configuration says, as values: paths absolute, defaults filled in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Literal

from pipeline.actors import ALL, Actor
from pipeline.config.budgets import BudgetsConfig
from pipeline.config.fields import NONE_MISSING, USUAL_FORMATS, Tolerance
from pipeline.config.mail import MailSettings
from pipeline.config.notify import ChannelSettings
from pipeline.pricing.model import PriceRow
from pipeline.rules import Split, TagRules

#: A load stays below 2 GB with it, whatever the size of the export, and is not slower.
MEMORY_LIMIT = "1500MB"


#: Who asks when nobody is named: whoever can open the warehouse's file can do everything with it anyway.
OPERATOR = Actor("operator", permissions=frozenset([ALL]))


@dataclass(frozen=True)
class PublishSettings:
    """The copy that analysts open: its stable path, its file mode (no write bits), how many copies are kept.

    ``tenants``: whether each run publishes the file of every tenant beside it, too.
    """

    path: Path
    mode: int = 0o444
    keep: int = 2
    tenants: bool = False


@dataclass(frozen=True)
class CacheSettings:
    """Where objects of buckets are kept on this machine, and how many bytes of them between runs."""

    path: Path
    max_bytes: int = 10_000_000_000


@dataclass(frozen=True)
class OwnSection:
    """A user's own part of reports: a title, the file of its query, and the reports that have it."""

    title: str
    sql: Path
    reports: tuple[str, ...] = ("costs",)


@dataclass(frozen=True)
class FurtherReport:
    """A report that each run writes beside a billing period's costs.

    Attributes:
        edition: ``monthly``: of each billing period that is due; ``weekly`` and ``daily``: of the week and the day that
            hold the last complete day.
        by, only, group_by: as ``costmill report`` takes them.
    """

    report: str
    edition: Literal["daily", "weekly", "monthly"] = "monthly"
    by: str = "owner"
    only: str | None = None
    group_by: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReportSettings:
    """Where reports go and in which formats.

    Attributes:
        templates: a folder whose templates stand before ours.
        also: further reports of each run.
        sections: parts of a user's own.
        site: the folder of the site that each night brings up to date; None: there is none.
    """

    out: Path
    formats: tuple[str, ...] = USUAL_FORMATS
    templates: Path | None = None
    locale: str = "en_US"
    also: tuple[FurtherReport, ...] = ()
    sections: tuple[OwnSection, ...] = ()
    site: Path | None = None


@dataclass(frozen=True)
class UsageLogSettings:
    """Where programs record their own usage, and how.

    Attributes:
        path: the folder of the segments, one file per process.
        durability: what a power loss may cost: ``record``: nothing that returned; ``batch``: at most one batch.
        batch_size, batch_seconds: a batch is on the disk after so many records or so long, whichever comes first.
        rotate_size: bytes from which on a segment is closed and the next one begun.
        keep_days: how long a segment stays after it was closed and loaded.
        bill: what is recorded there is part of the bill.
    """

    path: Path
    durability: Literal["batch", "record"] = "batch"
    batch_size: int = 1000
    batch_seconds: Decimal = Decimal(1)
    rotate_size: int = 64_000_000
    keep_days: int = 30
    bill: bool = False


@dataclass(frozen=True)
class AnomalySettings:
    """Which days are told as anomalies: how far from the same weekday of the weeks before.

    Attributes:
        weeks: how many of them.
        sensitivity: so many usual deviations away (1.4826 times the median absolute one).
        floor: and at least so much, in the billing currency.
        percent: and at least so many percent of what was expected.
        direction: ``up``: only days that cost more; ``both``: less, too.
        services: each service is judged beside the total.
    """

    weeks: int = 8
    sensitivity: Decimal = Decimal("3.5")
    floor: Decimal = Decimal(100)
    percent: Decimal = Decimal(25)
    direction: Literal["up", "both"] = "up"
    services: bool = True


@dataclass(frozen=True)
class SourceSettings:
    """A place that exports come from.

    Attributes:
        name: its identity in the store.
        path: absolute folder or file, a glob pattern, or an address such as ``s3://bucket/folder``.
        format: ``auto`` or a format's name.
        origin: what its charges are: of bills, or what programs recorded; None: what the format says.
        bill: what programs recorded is part of the bill: its charges are billed ones.
        max_rejected: share of rows, 0 to 1, that a delivery may have rejected and still load.
        gate_rows: share of rows, 0 to 1, that a re-delivery may have less than what is loaded.
        gate_cost: share of a cost column's sum, 0 to 1, that it may be less, in each currency.
        gate_cost_floor: a sum may be less by that much anyway, in the billing currency.
        gate_days: covered days that may be gone.
        gate_accounts: sub accounts that may be gone.
        tenant: whose its charges are, where neither a tag rule nor a record says.
        grows: its files are segments that programs write meanwhile: each is a delivery, read as far as it goes.
    """

    name: str
    path: str
    format: str = "auto"
    origin: Literal["billed", "recorded"] | None = None
    keep_columns: tuple[str, ...] = ()
    max_rejected: Decimal = Decimal(0)
    gate_rows: Decimal = Decimal("0.1")
    gate_cost: Decimal = Decimal("0.25")
    gate_cost_floor: Decimal = Decimal(100)
    gate_days: Tolerance = NONE_MISSING
    gate_accounts: Tolerance = NONE_MISSING
    tenant: str | None = None
    grows: bool = False
    bill: bool = False


@dataclass(frozen=True)
class FreshnessSettings:
    """How old the last complete day may be, and what happens beyond it: a banner, or no report at all."""

    max_age_days: int = 3
    stale: Literal["banner", "withhold"] = "banner"


@dataclass(frozen=True)
class CurrencySettings:
    """The report's currency, and per billing period what one unit of another currency is in it."""

    report: str | None = None
    rates: Mapping[str, Mapping[str, Decimal]] = field(default_factory=dict)


@dataclass(frozen=True)
class TagSettings:
    """Tag keys that rollups and reports tell apart, and the rules that make the tags of answers of the bill's."""

    report_keys: tuple[str, ...] = ()
    rules: TagRules = field(default_factory=TagRules)


@dataclass(frozen=True)
class Account:
    """A row of the accounts' list: ``name`` stands in where the bill gives none, ``owner`` answers for its costs."""

    id: str
    name: str | None = None
    owner: str | None = None


@dataclass(frozen=True)
class ExpectedInvoice:
    """An invoice as accounting has it: exact ``amount`` in ``currency``, negative for a credit note.

    ``period`` (YYYY-MM) and ``issuer`` (an issuer's name, or a provider such as aws) are None where they do not matter.
    """

    InvoiceId: str
    amount: Decimal
    currency: str
    period: str | None = None
    issuer: str | None = None


@dataclass(frozen=True)
class PriceSettings:
    """The file of prices that come before those that everybody pays, and its rows."""

    overrides: Path | None = None
    rows: tuple[PriceRow, ...] = ()


@dataclass(frozen=True)
class Settings:
    """All of a configuration, resolved: paths absolute, defaults filled in.

    Attributes:
        file: where it was read from; None without a file.
        cache: None without a file: ``cache/`` beside the warehouse.
        as_of: naive UTC; None for now.
        writer_wait_seconds: how long a run waits for another writer of the warehouse.
        memory_limit: what DuckDB may use before it works on disk, as its text, such as ``2GB``.
        accounts: names and owners, from the file that the configuration names.
        invoices: what accounting expects, likewise.
        prices: what models cost by contract, likewise.
        fiscal_year_start: the month that fiscal years begin with, 1 to 12.
        actor: who asks by the command line, where the environment names nobody else.
        usage_log: None without a file: ``usage/`` beside the warehouse; ``own_usage_log`` says which.
        anomalies: None: no day is judged.
        splits: how shared costs are divided, the first rule that a charge matches has it.
        mail: None: nothing is mailed.
        notify: channels beside mail.
        warnings: everything doubtful, budgets included, as lines for stderr.
    """

    file: Path | None
    warehouse: Path
    publish: PublishSettings
    reports: ReportSettings
    sources: tuple[SourceSettings, ...] = ()
    freshness: FreshnessSettings = FreshnessSettings()
    currency: CurrencySettings = CurrencySettings()
    tags: TagSettings = TagSettings()
    cache: CacheSettings | None = None
    usage_log: UsageLogSettings | None = None
    fiscal_year_start: int = 1
    splits: tuple[Split, ...] = ()
    late_data_days: int = 0
    anomalies: AnomalySettings | None = None
    budgets: BudgetsConfig | None = None
    actor: Actor = OPERATOR
    as_of: datetime | None = None
    writer_wait_seconds: int = 600
    memory_limit: str = MEMORY_LIMIT
    accounts: tuple[Account, ...] = ()
    invoices: tuple[ExpectedInvoice, ...] = ()
    prices: PriceSettings = PriceSettings()
    mail: MailSettings | None = None
    notify: tuple[ChannelSettings, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def own_usage_log(self) -> UsageLogSettings:
        """Where programs record their usage for this warehouse."""
        return self.usage_log or UsageLogSettings(self.warehouse.parent / "usage")
