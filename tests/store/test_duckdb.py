"""The store on the warehouse, beyond what every store does (test_base.py): real files, threads and processes."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipeline import resources
from pipeline.entries import CostCategory, CostEntry
from pipeline.errors import EntryError, UsageError, WarehouseBusyError, WarehouseError
from pipeline.store import loads, rollups
from pipeline.store.base import CostStore, Selection
from pipeline.store.duckdb import DuckDBCostStore
from pipeline.store.resource_keys import resource_key, resource_key_sql
from pipeline.store.warehouse import Warehouse
from tests import empty

MARCH, APRIL = datetime(2026, 3, 1), datetime(2026, 4, 1)
CHECKS = ("rollups_match_charges", "charges_have_dimensions", "dimensions_are_unique")
RECORDING = """
import sys
from datetime import datetime
from pipeline import CostTracker, DuckDBCostStore
tracker = CostTracker(DuckDBCostStore(sys.argv[1]))
for number in range(int(sys.argv[2])):
    print(tracker.record("0.1", "compute", timestamp=datetime(2026, 3, 5)).id, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return empty.put(tmp_path / "w.duckdb")


@pytest.fixture
def warehouse(path: Path) -> Iterator[Warehouse]:
    with Warehouse.open(path) as opened:
        yield opened


def entry(amount: object = "1", **facts: Any) -> CostEntry:
    return CostEntry(**{"amount": amount, "category": CostCategory.COMPUTE, "timestamp": datetime(2026, 3, 5), **facts})


def bill(warehouse: Warehouse, amount: str | None = "5", **facts: Any) -> None:
    """Put a charge of an export into the warehouse."""
    given: dict[str, str | None] = {"ResourceId": facts.pop("ResourceId", None), "x_Provider": "aws"}
    key = str(resource_key(given))
    if not warehouse.rows("SELECT 1 FROM resources WHERE x_ResourceKey = ?", [key]):
        loads.insert(warehouse, "resources", {"x_ResourceKey": key, **given})
    row: dict[str, Any] = {
        "x_Source": "aws-prod",
        "x_Origin": "billed",
        "x_BillingPeriod": "2026-03",
        "x_CostCategory": "compute",
    }
    row |= {"BilledCost": amount, "BillingCurrency": "USD", "ServiceName": "EC2", "ChargeCategory": "Usage"}
    row |= {"ChargePeriodStart": "2026-03-05", "ChargePeriodEnd": "2026-03-06", "x_ResourceKey": key, "x_LoadId": "a"}
    loads.insert(warehouse, "charges", {**row, **facts})


def recorder(path: Path, entries: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", RECORDING, str(path), str(entries)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_an_entry_is_a_focus_charge(warehouse: Warehouse) -> None:
    DuckDBCostStore(warehouse).save_entry(entry("-2", id="a", description="credit", tags={"team": "x"}))
    [row] = warehouse.frame("SELECT * FROM focus_data_table").to_dicts()
    costs = {row[name] for name in ("BilledCost", "EffectiveCost", "ListCost", "ContractedCost")}
    assert costs == {Decimal(-2)}
    assert (row["x_Origin"], row["x_Source"], row["x_RecordId"]) == ("recorded", "recorded", "a")
    assert (row["x_BillingPeriod"], row["BillingPeriodStart"], row["BillingPeriodEnd"]) == ("2026-03", MARCH, APRIL)
    assert (row["ChargeCategory"], row["ChargeDescription"], row["Tags"]) == ("Credit", "credit", '{"team":"x"}')
    assert row["ChargePeriodEnd"] > row["ChargePeriodStart"] == datetime(2026, 3, 5)


def test_a_charge_keeps_both_categories(warehouse: Warehouse) -> None:
    DuckDBCostStore(warehouse).save_entries(entry(id=category.value, category=category) for category in CostCategory)
    kept = warehouse.rows("SELECT x_RecordId, x_CostCategory, ServiceCategory FROM focus_data_table ORDER BY 1")
    assert kept == sorted((each.value, each.value, each.service_category) for each in CostCategory)


def test_a_resource_is_typed_by_its_id(warehouse: Warehouse) -> None:
    DuckDBCostStore(warehouse).save_entry(entry(resource_id="arn:aws:ec2:eu-west-1:1:instance/i-1"))
    assert warehouse.value("SELECT x_ResourceType FROM focus_data_table") == "aws:ec2/instance"


def test_the_checks_of_a_load_hold_after_saving(warehouse: Warehouse) -> None:
    bill(warehouse, ResourceId="i-1")
    store = DuckDBCostStore(warehouse)
    for amount in ("1", "2"):
        store.save_entries([entry(amount, resource_id="i-1", tags={"t": amount}), entry("3", timestamp=APRIL)])
    for name in CHECKS:
        text = resources.sql(f"checks/{name}")
        where = {"source": "recorded", "period": "2026-03"} if "$source" in text else None
        assert warehouse.rows(text, where) == []


def test_saving_brings_the_rollups_up_to_date_with_the_reported_tags(warehouse: Warehouse) -> None:
    rollups.refresh_for_keys(warehouse, ["team"])
    DuckDBCostStore(warehouse).save_entry(entry("2", tags={"team": "a", "env": "prod"}))
    assert warehouse.rows("SELECT x_ReportedTags, BilledCost FROM daily_costs") == [('{"team":"a"}', Decimal(2))]


def test_saving_leaves_what_is_billed_alone(warehouse: Warehouse) -> None:
    bill(warehouse)
    rollups.refresh(warehouse, "aws-prod", "2026-03", [])
    DuckDBCostStore(warehouse).save_entry(entry("100"))
    assert warehouse.value("SELECT sum(BilledCost) FROM daily_costs WHERE x_Origin = 'billed'") == 5
    assert warehouse.rows("SELECT * FROM dirty") == [("2026-03", "budgets")]  # of those that count what is recorded


def test_recorded_entries_say_nothing_of_complete_days(warehouse: Warehouse) -> None:
    DuckDBCostStore(warehouse).save_entries([entry(), entry()])
    rows = warehouse.rows("SELECT x_Source, x_BillingPeriod, x_Origin, charges, usage_through FROM source_periods")
    assert rows == [("recorded", "2026-03", "recorded", 2, None)]


def test_saving_makes_the_published_copy_old_and_saving_again_does_not(warehouse: Warehouse) -> None:
    store, same = DuckDBCostStore(warehouse), entry(id="a")
    versions = [warehouse.value("SELECT value FROM settings WHERE name = 'version'")]
    for _ in range(2):
        store.save_entry(same)
        versions.append(warehouse.value("SELECT value FROM settings WHERE name = 'version'"))
    assert versions[0] != versions[1] == versions[2]


def test_one_bad_entry_of_several_saves_none(warehouse: Warehouse) -> None:
    store = DuckDBCostStore(warehouse)
    store.save_entry(entry(id="a"))
    with pytest.raises(EntryError, match="another amount"):
        store.save_entries([entry(id="b"), entry("2", id="a")])
    assert [each.id for each in store.get_entries(None, None)] == ["a"]


def test_a_sum_that_the_warehouse_cannot_hold_saves_nothing(warehouse: Warehouse) -> None:
    store = DuckDBCostStore(warehouse)
    store.save_entry(entry("9e19"))
    with pytest.raises(EntryError, match="more than 20 digits"):
        store.save_entry(entry("9e19"))
    assert store.summarise(Selection()).total == Decimal("9e19")


def test_a_billed_charge_is_an_entry(warehouse: Warehouse) -> None:
    bill(warehouse, "5", ResourceId="i-1", ChargeDescription="hours")
    [found] = DuckDBCostStore(warehouse).get_entries(MARCH, APRIL, "compute")
    assert replace(found, id="") == entry(
        Decimal(5),
        id="",
        resource_id="i-1",
        description="hours",
        metadata={"x_Source": "aws-prod", "ServiceName": "EC2", "ChargeCategory": "Usage"},
    )


def test_a_charge_without_category_cost_and_currency_is_an_entry_too(warehouse: Warehouse) -> None:
    bill(warehouse, None, x_CostCategory=None, BillingCurrency=None)
    [found] = DuckDBCostStore(warehouse).get_entries(None, None, "other")
    assert (found.amount, found.category, found.currency) == (Decimal(0), CostCategory.OTHER, "XXX")


def test_ids_of_billed_charges_survive_a_load_in_another_order(warehouse: Warehouse) -> None:
    store, amounts = DuckDBCostStore(warehouse), ("1", "2", "2", "3")
    for amount in amounts:
        bill(warehouse, amount)
    before = store.get_entries(None, None)
    warehouse.execute("DELETE FROM charges")
    for amount in reversed(amounts):
        bill(warehouse, amount, x_LoadId="b")
    assert store.get_entries(None, None) == before
    assert len({each.id for each in before}) == 4


def test_a_billed_charge_cannot_be_recorded_again(warehouse: Warehouse) -> None:
    bill(warehouse)
    store = DuckDBCostStore(warehouse)
    with pytest.raises(EntryError, match="in the warehouse already"):
        store.save_entries(store.get_entries(None, None))


def test_a_month_goes_by_billing_period_and_other_windows_by_charge_period(warehouse: Warehouse) -> None:
    bill(warehouse, "5", ChargePeriodStart="2026-02-28", ChargePeriodEnd="2026-03-01")
    store = DuckDBCostStore(warehouse)
    assert store.summarise(Selection(MARCH, APRIL, by_billing_period=True)).total == 5
    assert store.summarise(Selection(MARCH, APRIL)).total == 0


def test_a_store_may_show_one_origin(warehouse: Warehouse) -> None:
    bill(warehouse, "5")
    DuckDBCostStore(warehouse).save_entry(entry("1"))
    stores = [DuckDBCostStore(warehouse, origin=origin) for origin in ("billed", "recorded", None)]
    assert [store.summarise(Selection()).total for store in stores] == [5, 1, 6]
    with pytest.raises(NotImplementedError, match="saves nothing"):
        stores[0].save_entry(entry())


def test_an_unknown_origin_is_refused(path: Path) -> None:
    with pytest.raises(UsageError, match="neither 'billed' nor 'recorded'"):
        DuckDBCostStore(path, origin="sent")  # type: ignore[arg-type]


def test_sums_by_sql_are_those_of_the_entries_on_a_bill(warehouse: Warehouse) -> None:
    for number in range(20):
        bill(warehouse, f"0.{number:018d}", ResourceId=f"i-{number % 3}", x_CostCategory="web" if number % 2 else None)
    store = DuckDBCostStore(warehouse)
    store.save_entries(entry(f"{number}.1", tags={"t": str(number % 2)}) for number in range(5))
    assert store.summarise(Selection()) == CostStore.summarise(store, Selection())


def test_the_key_of_a_resource_is_the_same_from_python_and_from_sql(warehouse: Warehouse) -> None:
    given = {"x_Provider": "aws", "ResourceId": "i-1", "ResourceName": "", "RegionId": None}
    select = ", ".join(f"CAST(${name} AS VARCHAR) AS {name}" for name in given)
    found = warehouse.value(f"SELECT {resource_key_sql('m', list(given))} FROM (SELECT {select}) AS m", given)
    assert found == resource_key(given)


def test_nothing_is_locked_between_calls(path: Path) -> None:
    store = DuckDBCostStore(path)
    store.save_entry(entry())
    with Warehouse.open(path) as other:
        assert other.value("SELECT count(*) FROM charges") == 1
    assert len(store.get_entries(None, None)) == 1


def test_entries_survive_a_restart(path: Path) -> None:
    first = DuckDBCostStore(path)
    first.save_entry(entry(id="a"))
    first.close()
    with pytest.raises(UsageError, match="closed"):
        first.get_entries(None, None)
    with DuckDBCostStore(str(path)) as second:
        second.save_entry(entry(id="a"))
        assert [each.id for each in second.get_entries(None, None)] == ["a"]


def test_a_given_warehouse_stays_open(warehouse: Warehouse) -> None:
    with DuckDBCostStore(warehouse) as store:
        store.save_entry(entry())
    assert warehouse.value("SELECT count(*) FROM charges") == 1


def test_a_writer_that_does_not_finish_is_told_as_busy(path: Path) -> None:
    with Warehouse.open(path), pytest.raises(WarehouseBusyError, match="nothing was changed, try again"):
        DuckDBCostStore(path, wait_seconds=0).save_entry(entry())


def test_a_file_open_for_reading_in_this_process_is_told_as_busy(path: Path) -> None:
    Warehouse.open(path).close()
    with Warehouse.open(path, read_only=True), pytest.raises(WarehouseBusyError, match="in use by this process"):
        DuckDBCostStore(path, wait_seconds=0).save_entry(entry())


def test_a_read_only_store_reads_beside_other_readers_and_saves_nothing(path: Path) -> None:
    DuckDBCostStore(path).save_entry(entry("4"))
    store = DuckDBCostStore(path, read_only=True)
    with Warehouse.open(path, read_only=True):
        assert store.summarise(Selection()).total == 4
    with pytest.raises(NotImplementedError, match="opened for reading"):
        store.save_entry(entry())


def test_a_warehouse_given_for_reading_saves_nothing(path: Path) -> None:
    Warehouse.open(path).close()
    with Warehouse.open(path, read_only=True) as opened, pytest.raises(NotImplementedError):
        DuckDBCostStore(opened).save_entry(entry())


def test_an_error_of_duckdb_is_one_of_ours(path: Path) -> None:
    warehouse = Warehouse.open(path)
    store = DuckDBCostStore(warehouse)
    warehouse.close()
    with pytest.raises(WarehouseError, match="DuckDB failed") as caught:
        store.get_entries(None, None)
    assert isinstance(caught.value.__cause__, duckdb.Error)


def test_threads_lose_nothing(path: Path) -> None:
    store = DuckDBCostStore(path)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: store.save_entry(entry(str(number))), range(8)))
    assert store.summarise(Selection()).total == sum(range(8))


def test_two_processes_save_at_once_and_lose_nothing(path: Path) -> None:
    running = [recorder(path, 4) for _ in range(2)]
    ids = [line for process in running for line in process.communicate()[0].split()]
    assert [process.returncode for process in running] == [0, 0]
    kept = DuckDBCostStore(path).get_entries(None, None)
    assert sorted(ids) == sorted(each.id for each in kept)
    assert sum(each.amount for each in kept) == Decimal("0.8")


def test_a_killed_process_leaves_what_it_saved(path: Path) -> None:
    with recorder(path, 1) as process:
        assert process.stdout is not None
        saved = process.stdout.readline().strip()
        process.send_signal(signal.SIGKILL)
    assert [each.id for each in DuckDBCostStore(path).get_entries(None, None)] == [saved]
