"""Bills of all formats in one warehouse: whatever the order, repetition, parts and forms, each month is its plain sum."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline import money
from pipeline.config import SourceSettings
from pipeline.load import Loader, Outcome
from tests.load import azure, bills, test_gcp
from tests.load.bills import House, Row
from tests.load.test_usage_log import record
from tests.soak import more

PERIODS = ("2026-01", "2026-02")
#: Amounts are drawn and may fall by anything; the gate's own tests draw what it holds back.
ANY_MONEY: dict[str, Any] = {"gate_cost": Decimal(1), "gate_cost_floor": Decimal(10**9)}
#: Parquet holds costs as DOUBLE: 15 digits.
amounts = st.decimals(-999, 999, places=10, allow_nan=False).map(str)


def _focus(period: str, number: int, cost: str) -> Row:
    return bills.focus(BilledCost=cost, ResourceId=f"r-{number}") | bills.month(period)


def _cur(period: str, number: int, cost: str) -> Row:
    start, after = f"{period}-05T00:00:00Z", f"{period}-05T01:00:00Z"
    return bills.cur(
        identity_line_item_id=f"line-{number}",
        identity_time_interval=f"{start}/{after}",
        bill_billing_period_start_date=f"{period}-01T00:00:00Z",
        bill_billing_period_end_date=bills.month(period)["BillingPeriodEnd"],
        line_item_usage_start_date=start,
        line_item_usage_end_date=after,
        line_item_unblended_cost=cost,
    )


def _legacy(period: str, number: int, cost: str) -> Row:
    return bills.legacy(_cur(period, number, cost))


def _azure(period: str, number: int, cost: str) -> Row:
    days = {"Date": 5, "BillingPeriodStartDate": 1, "BillingPeriodEndDate": 28}
    dates = {name: f"{period[5:]}/{day:02d}/{period[:4]}" for name, day in days.items()}
    return azure.ea(**dates, MeterId=f"m-{number}", CostInBillingCurrency=cost)


def _oci(period: str, number: int, cost: str) -> Row:
    hours = {"lineItem/intervalUsageStart": f"{period}-05T00:00Z", "lineItem/intervalUsageEnd": f"{period}-05T01:00Z"}
    return bills.oci({**hours, "lineItem/referenceNo": f"line-{number}", "cost/myCost": cost})


def _gcp(period: str, number: int, cost: str) -> Row:
    exported, used = f"{period}-{number + 5:02d}T14:00:00Z", f"{period}-05T10:00:00Z"
    month = period.replace("-", "")
    return test_gcp.line(export_time=exported, usage_start_time=used, invoice__month=month, cost=cost)


def _logged(period: str, number: int, cost: str) -> Row:
    return record(f"{period}-{number}", cost, f"{period}-{number}", time=f"{period}-05T10:00:00Z")


def _cost_of(source: str, cost: str) -> str:
    """What a record costs is never negative."""
    return cost.removeprefix("-") if source == "log" else cost


def _json_lines(path: Path, rows: Sequence[Row]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


Form = tuple[str, Callable[[str, int, str], Row], Callable[[Path, Sequence[Row]], Path]]


def _plain(row: Callable[[str, int, str], Row], *endings: str) -> list[Form]:
    return [(ending, row, bills.write) for ending in endings]


#: How a source's files may be written. Of the last two each row is a batch that counts once; the others are snapshots.
FORMS: dict[str, list[Form]] = {
    "focus": _plain(_focus, "csv", "csv.gz", "zip", "parquet"),
    "aws": [*_plain(_cur, "csv", "parquet"), *_plain(_legacy, "csv.gz", "zip")],
    "azure": _plain(_azure, "csv", "csv.gz"),
    "oci": _plain(_oci, "csv", "csv.gz"),
    "gcp": [
        *_plain(_gcp, "csv.gz"),
        ("jsonl.gz", _gcp, test_gcp.write_json),
        ("parquet", _gcp, test_gcp.write_parquet),
    ],
    "log": [("jsonl", _logged, _json_lines)],
}
BATCHED = ("gcp", "log")


@dataclass(frozen=True)
class Drawn:
    """A delivery of a source's month: its place in time, the cost of each row by its number, and how it is written."""

    source: str
    period: str
    at: int
    costs: dict[int, str]
    form: Form
    parts: int

    def write(self, folder: Path) -> list[Path]:
        """Write it among the source's files."""
        ending, row, write = self.form
        rows = [row(self.period, number, cost) for number, cost in self.costs.items()]
        paths = [folder / self.source / f"{self.period}-{self.at}-{n}.{ending}" for n in range(self.parts)]
        paths[0].parent.mkdir(exist_ok=True)
        return [
            bills.touch(write(path, rows[number :: self.parts]), 1e9 + 60 * self.at + number)
            for number, path in enumerate(paths)
        ]


@st.composite
def deliveries(draw: st.DrawFn) -> list[Drawn]:
    """A few deliveries of a few sources; a batch costs the same whatever brings it."""
    made = []
    batches = {
        (source, period): draw(st.lists(amounts, min_size=4, max_size=4)) for source in BATCHED for period in PERIODS
    }
    for at in draw(st.permutations(range(draw(st.integers(2, more(4, 8)))))):
        source, period = draw(st.sampled_from(list(FORMS))), draw(st.sampled_from(PERIODS))
        if source in BATCHED:
            numbers = draw(st.lists(st.integers(0, 3), min_size=1, unique=True))
            costs = {number: _cost_of(source, batches[source, period][number]) for number in numbers}
        else:
            costs = dict(enumerate(draw(st.lists(amounts, min_size=4, max_size=4))))
        form, parts = draw(st.sampled_from(FORMS[source])), draw(st.integers(1, min(3, len(costs))))
        made.append(Drawn(source, period, at, costs, form, parts))
    return made


def expected(delivered: Sequence[Drawn]) -> dict[tuple[str, str], Decimal]:
    """BilledCost by source and billing period: of the newest delivery, or of all batches that any delivery has."""
    rows: dict[tuple[str, str], dict[int, str]] = {}
    for each in sorted(delivered, key=lambda each: each.at):
        known = rows.get((each.source, each.period), {}) if each.source in BATCHED else {}
        rows[each.source, each.period] = known | each.costs
    return {month: money.total(map(Decimal, costs.values())) for month, costs in rows.items()}


_LAWS = """
SELECT l.x_Source, l.x_BillingPeriod, sum(c.charges_total - c.replaced_total)
FROM load_controls AS c JOIN loads AS l USING (load_id)
WHERE l.status = 'loaded' AND c.column_name = 'BilledCost' GROUP BY ALL"""
_BROKEN = "SELECT count(*) FROM load_controls WHERE file_total <> charges_total + rejected_total + repeated_total"


def billed(house: House) -> dict[tuple[str, str], Decimal]:
    """BilledCost by source and billing period, which charges, rollup and control totals must agree on."""
    queries = [
        f"SELECT x_Source, x_BillingPeriod, sum(BilledCost) FROM {table} GROUP BY ALL"
        for table in ("charges", "daily_costs")
    ]
    charged, rolled_up, proven = [
        {(source, period): total for source, period, total in house.rows(sql)} for sql in (*queries, _LAWS)
    ]
    assert charged == rolled_up == proven
    assert house.value(_BROKEN) == 0
    return charged


def night(house: House, came: Sequence[tuple[Drawn, list[Path]]], data: st.DataObject) -> list[Outcome]:
    """Load what came in one run, each delivery by its files or with all of its source, some of them twice."""
    told: list[Outcome] = []
    with Loader(house.warehouse, run_id="run") as loader:
        for each, paths in [*came, *data.draw(st.lists(st.sampled_from(came), max_size=1))]:
            whole = data.draw(st.booleans())
            chosen = [house.folder / each.source] if whole else data.draw(st.permutations(paths))
            source = SourceSettings(each.source, str(house.folder / each.source), **ANY_MONEY)
            told += loader.load(source, [str(path) for path in chosen], whole=whole)
    return told


@pytest.mark.heavy
@given(deliveries(), st.data())
@settings(
    max_examples=more(2, 150),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
def test_every_month_of_every_source_is_the_sum_of_its_newest_delivery(drawn: list[Drawn], data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder, bills.house(Path(folder)) as house:
        first = data.draw(st.integers(1, len(drawn)))
        for part in filter(None, (drawn[:first], drawn[first:])):
            told = night(house, [(each, each.write(house.folder)) for each in part], data)
            assert not [outcome.reason for outcome in told if outcome.waits]
        assert billed(house) == expected(drawn)
        for source in sorted({each.source for each in drawn}):
            again = house.load(house.folder / source, source=source, whole=True, **ANY_MONEY)
            assert not any(outcome.is_new for outcome in again), again
        assert billed(house) == expected(drawn)
