"""What comes back, comes late, or comes from another zone."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.jobs.nights import environment
from tests.load.bills import House, focus, write


def rows(count: int, cost: str = "1", **more: str) -> list[dict[str, object]]:
    return [focus(ResourceId=f"r{n}", BilledCost=cost, **more) for n in range(count)]


def test_a_file_that_is_put_back_as_it_was_counts_again(house: House) -> None:
    for at, cost in ((1e9, "1"), (2e9, "2"), (3e9, "1")):
        write(house.folder / "bill.csv", rows(5, cost), at=at)
        house.load()
    assert house.billed() == 5
    assert not house.one().is_new


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_a_shrunken_delivery_waits_in_whatever_order_it_is_found(house: House, order: tuple[int, ...]) -> None:
    sizes = {1: 20, 2: 10}
    for number in order:
        write(house.folder / f"{number}.csv", rows(sizes[number]), at=number * 1e9)
        house.load(house.folder / f"{number}.csv")
    assert house.billed() == 20
    assert sorted(house.rows("SELECT status FROM loads")) == [("loaded",), ("quarantined",)]


def test_the_fringe_found_first_does_not_stand_for_the_month(house: House) -> None:
    january = {"BillingPeriodStart": "2026-01-01T00:00:00Z", "ChargePeriodStart": "2026-01-31T00:00:00Z"}
    february = {"BillingPeriodStart": "2026-02-01T00:00:00Z", "ChargePeriodStart": "2026-02-01T00:00:00Z"}
    write(house.folder / "2.csv", [*rows(40, **february), *rows(1, **january)], at=2e9)
    house.load(house.folder / "2.csv")
    write(house.folder / "1.csv", rows(40, **january), at=1e9)
    house.load(house.folder / "1.csv")
    assert house.value("SELECT count(*) FROM charges WHERE x_BillingPeriod = '2026-01'") == 40


def test_a_lone_surrogate_in_a_tag_stops_nothing(house: House) -> None:
    assert house.charge(focus(Tags='{"a": "\\ud800"}'))["Tags"] == '{"a":"?"}'


def test_tags_are_found_under_any_capitals(house: House) -> None:
    lower = {name.lower(): value for name, value in focus(Tags='{"team": "ml"}').items()}
    assert house.charges([lower])[0]["Tags"] == '{"team":"ml"}'


def test_a_file_touched_while_it_was_read_is_read_by_the_next_run(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipeline.sources import find

    path = write(house.folder / "bill.csv", rows(1), at=1e9)
    read = find.fingerprint_file

    def touched(file: Path, cache: find.HashCache) -> find.ExportFile:
        found = read(file, cache)
        os.utime(path, (2e9, 2e9))
        return found

    with monkeypatch.context() as patched:
        patched.setattr(find, "fingerprint_file", touched)
        assert house.one().status == "refused"
    assert house.one().status == "loaded"


def test_times_of_a_zone_are_utc_on_any_machine(tmp_path: Path) -> None:
    write(tmp_path / "naive.parquet", [focus(ChargePeriodStart=datetime(2026, 1, 5))])
    table = pq.read_table(tmp_path / "naive.parquet")
    place = table.schema.get_field_index("ChargePeriodStart")
    zoned = table["ChargePeriodStart"].cast(pa.timestamp("us", "UTC"))
    pq.write_table(table.set_column(place, "ChargePeriodStart", zoned), tmp_path / "bill.parquet")
    code = (
        "import sys; from pathlib import Path; from pipeline.config import SourceSettings; from pipeline.load import Loader; "
        "from pipeline.store.warehouse import Warehouse\n"
        "with Warehouse.open(Path(sys.argv[1]) / 'w.duckdb') as w, Loader(w, run_id='r') as loader:\n"
        "    list(loader.load(SourceSettings('s', ''), [sys.argv[1] + '/bill.parquet']))\n"
        "    print(w.value('SELECT CAST(ChargePeriodStart AS VARCHAR) FROM charges'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        env=environment(TZ="America/New_York"),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "2026-01-05 00:00:00"
