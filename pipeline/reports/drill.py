"""The services of a bill and its resources by service, as a page opens them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from pipeline import money, resources
from pipeline.reports.model import Amounts, Drill, ResourceLines, ResourceNames, Service
from pipeline.store.warehouse import Warehouse
from pipeline.summaries.measures import MONEY

#: Resources that one page carries, of all currencies together: some megabytes.
PAGE_RESOURCES = 50_000

_AMOUNTS = ("billed", "effective", "list")
_SERVICE = ("ServiceCategory", "ServiceName")
#: What tells resources apart, as in resource_summary.
_RESOURCE = (
    "x_Provider",
    "SubAccountId",
    "SubAccountName",
    "RegionId",
    "ResourceId",
    "ResourceName",
    "ResourceType",
    "x_ResourceType",
)


def read_drills(
    warehouse: Warehouse, period: str, services: pl.DataFrame, *, limit: int = PAGE_RESOURCES
) -> dict[str | None, Drill]:
    """Return what the page of a billing period opens, by currency.

    Args:
        services: the period's rows of category_summary.
        limit: resources of the page; beyond it those that cost or return least are left out, as a count and a sum.
    """
    every = warehouse.frame(resources.sql("night/service_resources"), [period])
    # What is loaded and not summarised yet is in no figure of the page.
    lines = every.join(services, on=["BillingCurrency", *_SERVICE], how="semi", nulls_equal=True)
    bills = {currency: _of(services, currency) for currency in services["BillingCurrency"].unique().to_list()}
    known = {currency: _numbered(_of(lines, currency)) for currency in bills}
    room = _shares({currency: frame["resource"].n_unique() for currency, frame in known.items()}, limit)
    return {
        currency: _drill(bills[currency], _of(lines, currency), frame, room[currency])
        for currency, frame in known.items()
    }


def _of(frame: pl.DataFrame, currency: str | None) -> pl.DataFrame:
    return frame.filter(pl.col("BillingCurrency").eq_missing(pl.lit(currency, dtype=pl.String)))


def _numbered(lines: pl.DataFrame) -> pl.DataFrame:
    """The lines of resources, each with its resource's number: 0 is the most expensive."""
    attached = lines.filter(pl.col("ResourceId").is_not_null())
    order = ["cost", "ResourceId", "SubAccountId", "RegionId", "ResourceName", "x_ResourceType", "ResourceType"]
    numbers = (
        attached.group_by(_RESOURCE)
        .agg(cost=pl.col("billed").sum())
        .sort([*order, "x_Provider", "SubAccountName"], descending=[True, *[False] * 8], nulls_last=True)
        .with_row_index("resource")
    )
    return attached.join(numbers, on=_RESOURCE, how="left", nulls_equal=True)


def _shares(wanted: Mapping[str | None, int], limit: int) -> dict[str | None, int]:
    """How many resources each currency has room for: what one does not need is the others'."""
    shares: dict[str | None, int] = {}
    for number, (currency, count) in enumerate(sorted(wanted.items(), key=lambda own: own[1])):
        shares[currency] = min(count, (limit - sum(shares.values())) // (len(wanted) - number))
    return shares


def _drill(services: pl.DataFrame, lines: pl.DataFrame, numbered: pl.DataFrame, room: int) -> Drill:
    by_resource = numbered.select("resource", size=pl.col("cost").abs()).unique("resource")
    kept = by_resource.sort("size", "resource", descending=[True, False]).head(room).select("resource").sort("resource")
    places = kept.with_row_index("place")
    shown = numbered.join(places, on="resource").join(_service_numbers(services), on=_SERVICE, nulls_equal=True)
    shown = shown.sort("place", "billed", "service", descending=[False, True, False])
    left = numbered.join(places, on="resource", how="anti")
    unattached = lines.filter(pl.col("ResourceId").is_null())
    return Drill(
        total=_amounts(_as_lines(services)),
        services=_services(services, lines),
        resources=_names(shown.unique("place", keep="first", maintain_order=True)),
        lines=ResourceLines(
            resource=tuple(shown["place"].to_list()),
            service=tuple(shown["service"].to_list()),
            **{name: tuple(_texts(shown[name]).to_list()) for name in _AMOUNTS},
        ),
        unattached=_amounts(unattached),
        left_count=left["resource"].n_unique(),
        left=_amounts(left),
    )


def _texts(amounts: pl.Series) -> pl.Series:
    """Amounts as ``money.text`` writes them, all at once: of 50,000 lines, one by one, it takes longer than all else."""
    return amounts.cast(MONEY).cast(pl.String).str.strip_chars_end("0").str.strip_chars_end(".")


def _as_lines(services: pl.DataFrame) -> pl.DataFrame:
    return services.rename({"BilledCost": "billed", "EffectiveCost": "effective", "ListCost": "list"})


def _in_order(services: pl.DataFrame) -> pl.DataFrame:
    """Categories by what they cost, and the services of each so."""
    costs = services.with_columns(whole=pl.col("BilledCost").sum().over("ServiceCategory"))
    return costs.sort(
        pl.col("whole"), pl.col("ServiceCategory").fill_null(""), pl.col("BilledCost"), pl.col("ServiceName").fill_null(""),
        descending=[True, False, True, False],
    )  # fmt: skip


def _service_numbers(services: pl.DataFrame) -> pl.DataFrame:
    return _in_order(services).select(_SERVICE).with_row_index("service")


def _services(services: pl.DataFrame, lines: pl.DataFrame) -> tuple[Service, ...]:
    is_resource = pl.col("ResourceId").is_not_null()
    parts = lines.group_by(_SERVICE).agg(
        is_resource.sum().alias("resources"), *(pl.col(name).filter(~is_resource).sum() for name in _AMOUNTS)
    )
    costs = _in_order(services).select(*_SERVICE, _billed="BilledCost", _effective="EffectiveCost", _list="ListCost")
    joined = costs.join(parts, on=_SERVICE, how="left", nulls_equal=True, maintain_order="left")
    return tuple(
        Service(
            category=row["ServiceCategory"],
            name=row["ServiceName"],
            costs=Amounts(*(row[f"_{name}"] for name in _AMOUNTS)),
            resources=row["resources"] or 0,
            unattached=Amounts(*(row[name] if row[name] is not None else money.ZERO for name in _AMOUNTS)),
        )
        for row in joined.to_dicts()
    )


def _names(resources: pl.DataFrame) -> ResourceNames:
    named = resources.select(
        id="ResourceId",
        name=pl.when(pl.col("ResourceName") != pl.col("ResourceId")).then("ResourceName"),
        type=pl.coalesce("x_ResourceType", "ResourceType"),
        account=pl.coalesce("SubAccountName", "SubAccountId"),
        region="RegionId",
    )
    return ResourceNames(**{name: tuple(named[name].to_list()) for name in named.columns})


def _amounts(lines: pl.DataFrame) -> Amounts:
    sums: Sequence[object] = lines.select(pl.col(name).sum() for name in _AMOUNTS).row(0)
    return Amounts(*(money.total([value]) if value is not None else money.ZERO for value in sums))  # type: ignore[list-item]
