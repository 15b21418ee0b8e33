"""What was judged is kept beside the warehouse until somebody has decided, whatever becomes of the source's files."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import UsageError
from pipeline.load import Loader, Outcome, decisions, quarantine
from tests.load.bills import House, azure_delivery, focus, month, write
from tests.load.sharing import beginning


def charges(count: int, cost: str = "1", label: str = "2026-01") -> list[dict[str, Any]]:
    return [focus(BilledCost=cost, ResourceId=f"r-{n}", **month(label)) for n in range(count)]


def deliver(house: House, count: int, at: float, cost: str = "1") -> Outcome:
    """Overwrite the source's one file, as many providers do, and run."""
    write(house.folder / "bill.csv", charges(count, cost), at=at)
    return house.load(whole=True)[-1]


@beginning
def full(house: House) -> None:
    """A month of 20 charges is loaded."""
    deliver(house, 20, 1e9)


@beginning
def held(house: House) -> None:
    """A month of 20 charges is loaded, and one of 5 waits."""
    deliver(house, 20, 1e9)
    assert deliver(house, 5, 2e9, "7").status == "quarantined"


@pytest.fixture
def waiting(held: House) -> str:
    """The id of the delivery that waits."""
    return str(held.value("SELECT load_id FROM loads WHERE status = 'quarantined'"))


def kept(house: House) -> list[str]:
    """The folders of copies."""
    place = quarantine.folder(house.warehouse)
    return sorted(each.name for each in place.iterdir()) if place.exists() else []


def accept(house: House, load_id: str, note: str | None = None) -> Outcome:
    decisions.require_acceptable(house.warehouse, decisions.find(house.warehouse, load_id))
    with Loader(house.warehouse, run_id="accept", accept=True, note=note) as loader:
        return loader.load_kept(load_id)


def reject(house: House, load_id: str | None) -> None:
    decisions.reject(house.warehouse, decisions.find(house.warehouse, str(load_id)), "torn", "run")


def status(house: House, load_id: str | None) -> Any:
    return house.value("SELECT status FROM loads WHERE load_id = ?", [load_id])


def test_what_was_judged_is_copied_beside_the_warehouse(held: House, waiting: str) -> None:
    [folder] = (held.warehouse.path.parent / "costs.duckdb.staged").iterdir()
    assert folder.name == waiting
    assert (folder / "0-bill.csv").read_bytes() == (held.folder / "bill.csv").read_bytes()


@pytest.mark.parametrize("what", ["gone", "overwritten"])
def test_accept_loads_what_was_judged_whatever_became_of_the_file(held: House, waiting: str, what: str) -> None:
    path = held.folder / "bill.csv"
    path.unlink() if what == "gone" else path.write_text("another,file\n1,2\n")
    assert accept(held, waiting, "confirmed").status == "loaded"
    assert held.billed() == 35
    assert held.rows("SELECT path FROM load_files WHERE load_id = ?", [waiting]) == [(str(path),)]
    assert held.rows("SELECT decision, note FROM decisions") == [("accepted", "confirmed")]
    assert kept(held) == []


def test_several_files_with_a_manifest_are_kept_and_accepted_as_one(house: House) -> None:
    azure_delivery(house.folder, [charges(20)], "r1", submitted="2026-01-10T10:00:00Z")
    house.load()
    azure_delivery(house.folder, [charges(3), charges(2, "9")], "r2", submitted="2026-01-11T10:00:00Z")
    outcome = house.load()[-1]
    shutil.rmtree(house.folder)
    assert accept(house, str(outcome.load_id)).charges == 5
    assert str(house.value("SELECT delivered_at FROM source_periods")) == "2026-01-11 10:00:00"


def test_a_delivery_that_waits_goes_on_waiting_when_its_file_is_gone(held: House, waiting: str) -> None:
    write(held.folder / "bill.csv", charges(1, label="2026-02"), at=3e9)
    outcomes = held.load(whole=True)
    assert [(each.x_BillingPeriod, each.waits) for each in outcomes] == [("2026-02", False), ("2026-01", True)]
    assert kept(held) == [waiting]


def test_only_the_last_of_those_that_overwrote_each_other_waits(held: House, waiting: str) -> None:
    last = deliver(held, 6, 3e9)
    assert (status(held, waiting), status(held, last.load_id)) == ("superseded", "quarantined")
    assert kept(held) == [last.load_id]


def test_a_newer_delivery_that_passes_ends_the_waiting(held: House, waiting: str) -> None:
    assert deliver(held, 21, 3e9).status == "loaded"
    assert status(held, waiting) == "superseded"
    assert kept(held) == []


def test_what_is_loaded_being_put_back_ends_the_waiting(held: House, waiting: str) -> None:
    assert not deliver(held, 20, 3e9).waits
    assert status(held, waiting) == "superseded"


def test_what_was_accepted_stays_in_the_next_runs_and_is_not_accepted_twice(held: House, waiting: str) -> None:
    accept(held, waiting)
    with pytest.raises(UsageError, match=r"is loaded, accepted by .+; only a quarantined delivery can be accepted"):
        accept(held, waiting)
    assert not held.one(whole=True).is_new
    assert held.billed() == 35


def test_accept_is_refused_when_a_newer_delivery_is_loaded(held: House, waiting: str) -> None:
    other = write(held.folder.parent / "newer.csv", charges(21), at=3e9)
    newer = held.one(other)
    with pytest.raises(UsageError, match=f"{newer.load_id} is newer and is loaded; an older delivery never replaces"):
        accept(held, waiting)
    assert held.billed() == 21


def test_a_rejected_delivery_never_loads_by_itself_again(held: House, waiting: str) -> None:
    reject(held, waiting)
    assert kept(held) == []
    for keep in ((), ("ChargeDescription",)):
        assert [each.status for each in held.load(whole=True, keep_columns=keep)] == ["rejected"]
    assert held.billed() == 20
    assert held.load(accept=True)[0].status == "loaded"


def test_a_rejected_delivery_stays_so_under_another_mapping(
    held: House, waiting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipeline.sources.formats import base

    reject(held, waiting)
    monkeypatch.setattr(base, "READER_VERSION", base.READER_VERSION + 1)
    assert held.one(whole=True).status == "rejected"


def test_a_refused_file_can_be_rejected_and_a_source_without_files_cannot(house: House) -> None:
    refused = house.one(write(house.folder / "odd.csv", [{"odd": 1}]))
    reject(house, house.value("SELECT load_id FROM loads"))
    assert (refused.waits, house.one(whole=True).waits) == (True, False)
    (house.folder / "odd.csv").unlink()
    house.load(whole=True)
    with pytest.raises(UsageError, match="no delivery, but a source whose files cannot be had"):
        reject(house, house.value("SELECT load_id FROM loads WHERE status = 'refused'"))


def test_a_folder_that_cannot_be_written_leaves_no_verdict_and_no_half_copy(full: House) -> None:
    place = quarantine.folder(full.warehouse)
    place.write_text("in the way")
    outcome = deliver(full, 5, 2e9)
    assert (outcome.status, outcome.waits) == ("refused", True)
    assert f"its files cannot be kept in {place}" in str(outcome.reason)
    assert full.rows("SELECT status FROM loads") == [("loaded",)]
    place.unlink()
    assert deliver(full, 5, 2e9).status == "quarantined"


def test_a_crash_between_copy_and_verdict_is_mended_by_the_next_run(full: House) -> None:
    full.warehouse.execute("ALTER TABLE load_measures RENAME TO away")
    full.warehouse.execute("CREATE VIEW load_measures AS FROM away")  # reads, but takes no verdict
    with pytest.raises(Exception, match="load_measures is not"):
        deliver(full, 5, 2e9)
    assert len(kept(full)) == 1
    assert full.rows("SELECT status FROM loads") == [("loaded",)]
    full.warehouse.execute("DROP VIEW load_measures")
    full.warehouse.execute("ALTER TABLE away RENAME TO load_measures")
    assert deliver(full, 5, 2e9).status == "quarantined"
    assert len(kept(full)) == 1


def test_copies_that_belong_to_nothing_are_swept(house: House) -> None:
    for name in ("0123456789abcdef", ".fedcba9876543210.partial"):
        (quarantine.folder(house.warehouse) / name).mkdir(parents=True)
    deliver(house, 1, 1e9)
    assert not quarantine.folder(house.warehouse).exists()


def test_copies_that_somebody_deleted_are_made_again_while_the_file_is_there(held: House, waiting: str) -> None:
    shutil.rmtree(quarantine.folder(held.warehouse))
    held.load(whole=True)
    assert kept(held) == [waiting]


def test_what_an_older_delivery_sent_back_is_kept_by_the_next_run(house: House) -> None:
    for number, count in ((2, 5), (1, 20)):
        write(house.folder / f"{number}.csv", charges(count), at=number * 1e9)
        house.load(house.folder / f"{number}.csv")
    [(sent_back,)] = house.rows("SELECT load_id FROM loads WHERE status = 'quarantined'")
    assert house.value("SELECT finding FROM load_measures WHERE load_id = ? AND measure = 'rows'", [sent_back]) == (
        "shrunken"
    )
    house.load(whole=True)
    assert accept(house, sent_back).charges == 5


def test_copies_are_beside_the_warehouse_and_not_where_it_is_published(house: House) -> None:
    assert quarantine.folder(house.warehouse) == Path(f"{house.warehouse.path}.staged")


@pytest.mark.parametrize(("start", "message"), [("", "no delivery has an id"), ("zz", "no delivery has an id")])
def test_an_id_that_none_begins_with_is_told(house: House, start: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        decisions.find(house.warehouse, start)


def test_the_start_of_an_id_is_enough_when_only_one_begins_so(house: House) -> None:
    for load_id in ("aa1", "aa2"):
        house.warehouse.execute(
            "INSERT INTO loads (load_id, run_id, x_Source, fingerprint, mapping, modified_at, loaded_at, status, rows_read, "
            "rows_mapped, rows_rejected, rows_folded, rows_repeated, rows_generated, charges, columns, dropped_columns) "
            "VALUES (?, '', '', '', '', now()::TIMESTAMP, now()::TIMESTAMP, 'refused', 0, 0, 0, 0, 0, 0, 0, '', '')",
            [load_id],
        )
    assert decisions.find(house.warehouse, "aa2").load_id == "aa2"
    with pytest.raises(UsageError, match="2 deliveries have an id that begins with 'aa': aa1, aa2; write more of it"):
        decisions.find(house.warehouse, "aa")
