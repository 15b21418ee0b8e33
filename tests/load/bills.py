"""Small exports from plain rows, written as the providers lay them out, and a warehouse to load them into.

A row is a mapping of column names to text, Decimal, datetime, dict (a tag map) or None. ``focus`` and ``cur`` give a
good row with any column changed; AWS names are the snake_case ones, ``legacy`` spells them ``lineItem/UnblendedCost``.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.config import SourceSettings
from pipeline.load import Limits, Loader, Outcome
from pipeline.load.limits import NO_LIMITS
from pipeline.pricing.registry import PricingRegistry
from pipeline.sources.delivery import Mode
from pipeline.store.warehouse import Warehouse
from tests import empty

Row = Mapping[str, Any]

_FOCUS: dict[str, Any] = {
    "AvailabilityZone": None,
    "BilledCost": "1.5",
    "BillingAccountId": "0099999999999",
    "BillingAccountName": "Lumen",
    "BillingCurrency": "USD",
    "BillingPeriodEnd": "2026-02-01T00:00:00Z",
    "BillingPeriodStart": "2026-01-01T00:00:00Z",
    "ChargeCategory": "Usage",
    "ChargeClass": None,
    "ChargeDescription": "an hour",
    "ChargeFrequency": "Usage-Based",
    "ChargePeriodEnd": "2026-01-06T00:00:00Z",
    "ChargePeriodStart": "2026-01-05T00:00:00Z",
    "ConsumedQuantity": "1",
    "ConsumedUnit": "Hours",
    "ContractedCost": "1.5",
    "EffectiveCost": "1.25",
    "InvoiceIssuerName": "Microsoft",
    "ListCost": "2",
    "PricingQuantity": "1",
    "PricingUnit": "Hours",
    "ProviderName": "Microsoft",
    "PublisherName": "Microsoft",
    "RegionId": "westeurope",
    "ResourceId": "r-1",
    "ServiceCategory": "Compute",
    "ServiceName": "Virtual Machines",
    "SkuPriceId": "sku-1",
    "SubAccountId": "sub-1",
    "Tags": '{"env":"prod"}',
}

_CUR: dict[str, Any] = {
    "identity_line_item_id": "line-1",
    "identity_time_interval": "2026-01-05T00:00:00Z/2026-01-05T01:00:00Z",
    "bill_bill_type": "Anniversary",
    "bill_billing_period_start_date": "2026-01-01T00:00:00Z",
    "bill_billing_period_end_date": "2026-02-01T00:00:00Z",
    "bill_payer_account_id": "000011112222",
    "line_item_currency_code": "USD",
    "line_item_legal_entity": "Amazon Web Services, Inc.",
    "line_item_line_item_description": "$0.10 per hour",
    "line_item_line_item_type": "Usage",
    "line_item_product_code": "AmazonEC2",
    "line_item_resource_id": "i-0a1",
    "line_item_unblended_cost": "0.1",
    "line_item_unblended_rate": "0.1",
    "line_item_usage_account_id": "000011112222",
    "line_item_usage_amount": "1",
    "line_item_usage_end_date": "2026-01-05T01:00:00Z",
    "line_item_usage_start_date": "2026-01-05T00:00:00Z",
    "line_item_usage_type": "BoxUsage:m5.large",
    "pricing_public_on_demand_cost": "0.12",
    "pricing_unit": "Hrs",
    "product_region_code": "eu-west-1",
}

_PREVIEW: dict[str, Any] = {
    "BillingAccountId": "20209880",
    "BilledCost": "1.5",
    "BillingCurrency": "USD",
    "BillingPeriodEnd": "2026-02-01T00:00:00.000Z",
    "BillingPeriodStart": "2026-01-01T00:00:00.000Z",
    "ChargeCategory": "Usage",
    "ChargeDescription": "Standard - E3 - Memory",
    "ChargeFrequency": "Usage-based",
    "ChargePeriodEnd": "2026-01-05T01:00:00.000Z",
    "ChargePeriodStart": "2026-01-05T00:00:00.000Z",
    "ChargeSubcategory": "On-Demand",
    "CommitmentDiscountId": None,
    "EffectiveCost": "1.25",
    "InvoiceIssuer": "Oracle",
    "ListCost": "2",
    "PricingCategory": "On-Demand",
    "PricingQuantity": "8",
    "PricingUnit": "GB Hours",
    "Provider": "Oracle",
    "Publisher": "Oracle",
    "Region": "us-sanjose-1",
    "ResourceId": "ocid1.instance.oc1.us-sanjose-1.anzw",
    "ServiceCategory": "Compute",
    "ServiceName": "COMPUTE",
    "SkuId": "B92307",
    "SubAccountId": "ocid1.tenancy.oc1..aaaa",
    "Tags": '{"env":"prod"}',
    "UsageQuantity": "8",
    "UsageUnit": "GB Hours",
    "oci_CostOverage": "0.5",
}

_OCI: dict[str, Any] = {
    "lineItem/referenceNo": "line-1",
    "lineItem/tenantId": "ocid1.tenancy.oc1..aaaa",
    "lineItem/intervalUsageStart": "2026-01-05T00:00Z",
    "lineItem/intervalUsageEnd": "2026-01-05T01:00:00.000Z",
    "product/service": "COMPUTE",
    "product/compartmentId": "ocid1.compartment.oc1..bbbb",
    "product/compartmentName": "shop",
    "product/region": "eu-frankfurt-1",
    "product/availabilityDomain": "DRUU:EU-FRANKFURT-1-AD-3",
    "product/resourceId": "ocid1.instance.oc1.eu-frankfurt-1.cccc",
    "usage/billedQuantity": "2",
    "cost/subscriptionId": "015649487",
    "cost/productSku": "B92307",
    "product/Description": "Standard - E3 - Memory",
    "cost/unitPrice": "0.75",
    "cost/myCost": "1.5",
    "cost/currencyCode": "GBP",
    "cost/skuUnitDescription": "GB Hours",
    "lineItem/isCorrection": "false",
}

#: What a row has beside the columns that every row has: its table's, in the order of first sight.
_HEADS = {
    "bill": "bill",
    "identity": "identity",
    "pricing": "pricing",
    "product": "product",
    "reservation": "reservation",
}
_HEADS |= {"line_item": "lineItem", "savings_plan": "savingsPlan", "resource_tags": "resourceTags"}
_MONEY = (
    "Cost",
    "Price",
    "Quantity",
    "_cost",
    "_rate",
    "_amount",
    "_units",
    "_fee",
    "_period",
    "_to_date",
    "_commitment",
)


def focus(**changes: Any) -> dict[str, Any]:
    """Return a good FOCUS row with the given columns changed; ``...`` as a value leaves the column out."""
    return {name: value for name, value in {**_FOCUS, **changes}.items() if value is not ...}


def cur(**changes: Any) -> dict[str, Any]:
    """Return a good CUR row (snake_case names) with the given columns changed; ``...`` leaves the column out."""
    return {name: value for name, value in {**_CUR, **changes}.items() if value is not ...}


def preview(**changes: Any) -> dict[str, Any]:
    """Return a good row of FOCUS 1.0-preview, as Oracle writes it, with columns changed; ``...`` leaves one out."""
    return {name: value for name, value in {**_PREVIEW, **changes}.items() if value is not ...}


def oci(changes: Row | None = None) -> dict[str, Any]:
    """Return a good row of an OCI cost report with the given columns changed; ``...`` leaves one out."""
    return {name: value for name, value in {**_OCI, **(changes or {})}.items() if value is not ...}


def month(label: str) -> dict[str, str]:
    """The FOCUS period columns of a billing period, its charge on the 5th."""
    year, number = int(label[:4]), int(label[5:])
    after = f"{year + number // 12}-{number % 12 + 1:02d}"
    return {
        "BillingPeriodStart": f"{label}-01T00:00:00Z",
        "BillingPeriodEnd": f"{after}-01T00:00:00Z",
        "ChargePeriodStart": f"{label}-05T00:00:00Z",
        "ChargePeriodEnd": f"{label}-06T00:00:00Z",
    }


def lines_of(*counts: int) -> list[list[dict[str, Any]]]:
    """Parts of so many CUR lines each, every line with a key of its own."""
    return [[cur(identity_line_item_id=f"{part}-{n}") for n in range(count)] for part, count in enumerate(counts)]


def legacy(row: Row) -> dict[str, Any]:
    """Spell a CUR row's columns as the legacy report does: ``lineItem/UnblendedCost``."""
    return {_legacy_name(name): value for name, value in row.items()}


def _legacy_name(name: str) -> str:
    if "/" in name:
        return name
    head = next(head for head in sorted(_HEADS, key=len, reverse=True) if name.startswith(head + "_"))
    tail = "".join(part.capitalize() for part in name[len(head) + 1 :].split("_"))
    return f"{_HEADS[head]}/{tail[0].lower() + tail[1:] if head == 'product' else tail}"


def columns(rows: Sequence[Row]) -> list[str]:
    """All column names of the rows, in order of first sight."""
    return list(dict.fromkeys(name for row in rows for name in row))


def csv_bytes(rows: Sequence[Row], header: Sequence[str] | None = None) -> bytes:
    """Rows as CSV: UTF-8, quoted where needed, ``\\n``; a missing or None value is an empty field."""
    names = list(header or columns(rows))
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([_cell(row.get(name)) for name in names] for row in rows)
    return out.getvalue().encode()


def _cell(value: Any) -> str:
    if isinstance(value, dict):
        return json.dumps(value)
    return "" if value is None else str(value)


def write(path: Path, rows: Sequence[Row], header: Sequence[str] | None = None, *, at: float | None = None) -> Path:
    """Write rows as the path's ending says: ``.csv``, ``.csv.gz``, ``.zip`` or ``.parquet``.

    ``at`` is the time of last change in seconds since 1970.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.name.endswith(".parquet"):
        write_parquet(path, rows, header)
    elif path.name.endswith(".zip"):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("bill.csv", csv_bytes(rows, header))
    else:
        data = csv_bytes(rows, header)
        path.write_bytes(gzip.compress(data, mtime=0) if path.name.endswith(".gz") else data)
    return touch(path, at)


def touch(path: Path, at: float | None) -> Path:
    """Set the time of last change, in seconds since 1970."""
    if at is not None:
        os.utime(path, (at, at))
    return path


def write_parquet(path: Path, rows: Sequence[Row], header: Sequence[str] | None = None, **options: Any) -> None:
    """Write rows as AWS does: money as DOUBLE, times as TIMESTAMP, dicts as MAP, the rest as text."""
    table = pa.table({name: arrow(name, [row.get(name) for row in rows]) for name in header or columns(rows)})
    pq.write_table(table, path, **options)


def arrow(name: str, values: Sequence[Any]) -> pa.Array:
    """One column with the type that its name and values ask for."""
    if any(isinstance(value, dict) for value in values):
        pairs = [None if value is None else list(value.items()) for value in values]
        return pa.array(pairs, pa.map_(pa.string(), pa.string()))
    if name.endswith(_MONEY):
        return pa.array([None if value is None else float(value) for value in values], pa.float64())
    if name.endswith(("PeriodStart", "PeriodEnd", "_date")):
        return pa.array([_moment(value) for value in values], pa.timestamp("ms"))
    return pa.array([None if value is None else str(value) for value in values], pa.string())


def _moment(value: Any) -> datetime | None:
    return value if value is None or isinstance(value, datetime) else datetime.fromisoformat(str(value)[:19])


def legacy_delivery(
    folder: Path, parts: Sequence[Sequence[Row]], assembly: str, *, current: bool = True, period: str = "2026-01"
) -> list[Path]:
    """Write CUR legacy in create-new layout under ``folder``; ``current`` copies the manifest into the period's folder."""
    year, number = int(period[:4]), int(period[5:])
    span = f"{period.replace('-', '')}01-{year + number // 12}{number % 12 + 1:02d}01"
    base = folder / "reports" / "cur" / span
    spelled = [[legacy(row) for row in part] for part in parts]
    header = columns([row for part in spelled for row in part]) or list(legacy(cur()))
    files = [write(base / assembly / f"cur-{n}.csv.gz", part, header) for n, part in enumerate(spelled, 1)]
    manifest = {
        "assemblyId": assembly,
        "billingPeriod": {"start": f"{span[:8]}T000000.000Z", "end": f"{span[9:]}T000000.000Z"},
        "reportKeys": [f"reports/cur/{span}/{assembly}/{file.name}" for file in files],
    }
    for place in (base / assembly, base) if current else (base / assembly,):
        (place / "cur-Manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return files


def cur2_delivery(
    folder: Path, parts: Sequence[Sequence[Row]], stamp: str, *, period: str = "2026-01", ending: str = "parquet"
) -> list[Path]:
    """Write CUR 2.0 in create-new layout under ``folder``; ``stamp`` such as 20260110T010203Z says when it was made."""
    execution = f"{stamp}-exec"
    data = folder / "cur" / "data" / f"BILLING_PERIOD={period}" / execution
    files = [
        write(data / f"cur-{n:05d}.{ending}", part, columns(part) or list(_CUR)) for n, part in enumerate(parts, 1)
    ]
    manifest = {"executionId": execution, "dataFiles": [f"s3://bucket/x/{file.relative_to(folder)}" for file in files]}
    place = folder / "cur" / "metadata" / f"BILLING_PERIOD={period}" / execution
    place.mkdir(parents=True)
    (place / "cur-Manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return files


def azure_delivery(folder: Path, parts: Sequence[Sequence[Row]], run: str, *, submitted: str) -> list[Path]:
    """Write an Azure Cost Management FOCUS export under ``folder``: parts and a manifest that states their sizes."""
    files = [
        write(folder / run / f"part_{n}_0001.csv", part, columns(part) or list(_FOCUS)) for n, part in enumerate(parts)
    ]
    blobs = [{"blobName": f"exports/{run}/{file.name}", "byteCount": file.stat().st_size} for file in files]
    told = {"runId": run, "submittedTime": submitted, "startDate": "2026-01-01T00:00:00"}
    (folder / run / "manifest.json").write_text(json.dumps({"blobs": blobs, "runInfo": told}), encoding="utf-8")
    return files


class House:
    """A warehouse and one source's settings: ``load`` files into it, then ask it."""

    def __init__(self, warehouse: Warehouse, folder: Path) -> None:
        self.warehouse = warehouse
        self.folder = folder

    def load(
        self,
        *paths: Path | str,
        source: str = "bill",
        mode: Mode = "auto",
        accept: bool = False,
        whole: bool = False,
        keys: Sequence[str] = (),
        limits: Limits = NO_LIMITS,
        prices: PricingRegistry | None = None,
        **settings: Any,
    ) -> list[Outcome]:
        """Load paths (the whole folder when none is given), or addresses in buckets, as one run does."""
        given = [str(path) for path in paths] or [str(self.folder)]
        chosen = SourceSettings(source, given[0], **settings)
        asked: dict[str, Any] = {"reported_keys": keys, "accept": accept, "limits": limits, "prices": prices}
        with Loader(self.warehouse, run_id="run", **asked) as loader:
            return list(loader.load(chosen, given, mode, whole=whole))

    def one(self, *paths: Path | str, **options: Any) -> Outcome:
        """Load what comes to exactly one outcome."""
        [outcome] = self.load(*paths, **options)
        return outcome

    def charge(self, row: Row, ending: str = "csv", **options: Any) -> dict[str, Any]:
        """Load one row and return its charge from focus_data_table."""
        return self.charges([row], ending, **options)[0]

    def charges(self, rows: Sequence[Row], ending: str = "csv", **options: Any) -> list[dict[str, Any]]:
        """Load rows as one file and return the charges from focus_data_table, in the order of ChargeDescription."""
        outcome = self.one(write(self.folder / f"bill.{ending}", rows), **options)
        assert outcome.status == "loaded", outcome.reason
        return self.table("SELECT * FROM focus_data_table ORDER BY ChargeDescription, BilledCost")

    def table(self, sql: str, parameters: Any = None) -> list[dict[str, Any]]:
        """Rows of a query as dicts."""
        names, rows = self.warehouse.select(sql, parameters)
        return [dict(zip(names, row, strict=True)) for row in rows]

    def value(self, sql: str, parameters: Any = None) -> Any:
        """First column of the first row."""
        return self.warehouse.value(sql, parameters)

    def rows(self, sql: str, parameters: Any = None) -> list[tuple[Any, ...]]:
        """Rows of a query."""
        return self.warehouse.rows(sql, parameters)

    def billed(self) -> Decimal:
        """Sum of BilledCost over all charges."""
        total = self.value("SELECT coalesce(sum(BilledCost), 0) FROM charges")
        assert isinstance(total, Decimal)
        return total

    def rejected(self) -> list[tuple[Any, ...]]:
        """Record, line, column, value and reason of the rejected rows."""
        return self.rows(
            "SELECT record, line, column_name, value, reason FROM rejected_rows ORDER BY path, record, line"
        )


#: Tables of the business and how to read them without times, runs and machine paths.
BUSINESS = {
    "charges": "SELECT * EXCLUDE (x_LoadId) FROM charges",
    "resources": "SELECT * FROM resources",
    "tag_sets": "SELECT * FROM tag_sets",
    "tags": "SELECT * FROM tags",
    "daily_costs": "SELECT * FROM daily_costs",
    "resource_costs": "SELECT * FROM resource_costs",
    "source_periods": "SELECT x_Source, x_BillingPeriod, x_Origin, charges, usage_through FROM source_periods",
    "kept_columns": "SELECT * FROM kept_columns",
}


def dump(warehouse: Warehouse) -> dict[str, list[tuple[Any, ...]]]:
    """All business tables, sorted."""
    return {name: sorted(warehouse.rows(sql), key=repr) for name, sql in BUSINESS.items()}


@contextmanager
def house(folder: Path, like: Path | None = None) -> Iterator[House]:
    """Open a house in ``folder`` on a copy of an empty warehouse, or of one ``like`` this; exports go to ``exports``."""
    exports = folder / "exports"
    exports.mkdir(parents=True, exist_ok=True)
    with Warehouse.open(empty.put(folder / "costs.duckdb", like)) as warehouse:
        yield House(warehouse, exports)
        # Who opens the file again finds all of it in the log beside it; most tests never do.
        warehouse.execute("PRAGMA disable_checkpoint_on_shutdown")


def lines(count: int, cost: str = "1", **changes: Any) -> list[dict[str, Any]]:
    """So many CUR lines with keys of their own."""
    return [cur(identity_line_item_id=f"line-{n}", line_item_unblended_cost=cost) | changes for n in range(count)]


def charges(count: int, cost: str = "1", label: str = "2026-01", start: int = 0) -> list[dict[str, Any]]:
    """So many FOCUS rows of a billing period with keys of their own."""
    return [focus(BilledCost=cost, ResourceId=f"r-{n}", **month(label)) for n in range(start, start + count)]


def statuses(house: House) -> dict[str, int]:
    """How many ledger rows have each status."""
    return dict(house.rows("SELECT status, count(*) FROM loads GROUP BY ALL ORDER BY 1"))
