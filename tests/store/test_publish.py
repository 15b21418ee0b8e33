"""The published copy: a link to a file that cannot be written, swapped in one step, the last few kept."""

from __future__ import annotations

import stat
from pathlib import Path

import duckdb
import pytest

from pipeline.errors import ConfigurationError
from pipeline.store import publish, rollups
from pipeline.store.warehouse import Warehouse
from tests import empty
from tests.jobs.nights import ask


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return Warehouse.open(empty.put(tmp_path / "warehouse" / "costs.duckdb"))


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "published" / "costs.duckdb"


def change(warehouse: Warehouse, value: int) -> None:
    """Write something and raise the version, as a load does."""
    with warehouse.transaction():
        warehouse.execute("INSERT OR REPLACE INTO settings VALUES ('told', ?)", [str(value)])
        rollups.touch(warehouse)


def told(path: Path) -> str:
    [(value,)] = ask(path, "SELECT value FROM settings WHERE name = 'told'")
    return str(value)


def copies(target: Path) -> list[str]:
    return sorted(path.name for path in target.parent.iterdir() if path.name != target.name)


def test_the_stable_name_is_a_relative_link_to_a_read_only_copy(warehouse: Warehouse, target: Path) -> None:
    copy = publish.publish(warehouse, target)
    assert target.is_symlink()
    assert str(target.readlink()) == copy.name
    assert stat.S_IMODE(copy.stat().st_mode) == 0o444


def test_the_mode_is_the_callers(warehouse: Warehouse, target: Path) -> None:
    assert stat.S_IMODE(publish.publish(warehouse, target, mode=0o440).stat().st_mode) == 0o440


def test_a_copy_shows_the_state_until_something_changes(warehouse: Warehouse, target: Path) -> None:
    assert not publish.is_published(warehouse, target)
    publish.publish(warehouse, target)
    assert publish.is_published(warehouse, target)
    change(warehouse, 1)
    assert not publish.is_published(warehouse, target)


def test_publishing_the_same_state_again_makes_no_new_copy(warehouse: Warehouse, target: Path) -> None:
    first = publish.publish(warehouse, target)
    before = first.stat().st_mtime_ns
    assert publish.publish(warehouse, target) == first
    assert first.stat().st_mtime_ns == before


def test_a_deleted_link_is_made_again(warehouse: Warehouse, target: Path) -> None:
    publish.publish(warehouse, target)
    target.unlink()
    assert not publish.is_published(warehouse, target)
    publish.publish(warehouse, target)
    assert target.exists()


def test_a_reader_goes_on_reading_its_copy_while_new_ones_come(warehouse: Warehouse, target: Path) -> None:
    change(warehouse, 0)
    publish.publish(warehouse, target)
    with duckdb.connect(str(target.resolve()), read_only=True) as reader:
        for value in range(1, 4):
            change(warehouse, value)
            publish.publish(warehouse, target)
            assert reader.execute("SELECT value FROM settings WHERE name = 'told'").fetchall() == [("0",)]
    assert told(target) == "3"


@pytest.mark.parametrize("keep", [1, 2, 3])
def test_the_last_copies_are_kept_and_older_ones_pruned(warehouse: Warehouse, target: Path, keep: int) -> None:
    names = []
    for value in range(4):
        change(warehouse, value)
        names.append(publish.publish(warehouse, target, keep=keep).name)
    assert copies(target) == names[-keep:]


def test_somebody_elses_file_at_the_path_is_refused_and_left_alone(warehouse: Warehouse, target: Path) -> None:
    target.parent.mkdir()
    target.write_text("mine")
    with pytest.raises(ConfigurationError, match="did not publish, and it was left alone"):
        publish.publish(warehouse, target)
    assert target.read_text() == "mine"


def test_somebody_elses_link_at_the_path_is_refused_and_left_alone(warehouse: Warehouse, target: Path) -> None:
    target.parent.mkdir()
    target.symlink_to("elsewhere.duckdb")
    with pytest.raises(ConfigurationError, match="did not publish"):
        publish.publish(warehouse, target)
    assert str(target.readlink()) == "elsewhere.duckdb"


def test_other_files_in_the_folder_are_never_pruned(warehouse: Warehouse, target: Path) -> None:
    target.parent.mkdir()
    names = ["costs.notes.duckdb", "costs.duckdb.bak", "other.0123abcd.00000001.duckdb"]
    for name in names:
        (target.parent / name).write_text("mine")
    for value in range(4):
        change(warehouse, value)
        publish.publish(warehouse, target, keep=1)
    assert set(names) < set(copies(target))


def test_what_a_killed_run_left_half_copied_is_cleared(warehouse: Warehouse, target: Path) -> None:
    target.parent.mkdir()
    state = publish.version(warehouse)
    for name in (f".costs.{state}.duckdb.partial", f".costs.{state}.duckdb.partial.wal", ".costs.duckdb.link"):
        (target.parent / name).write_text("torn")
    copy = publish.publish(warehouse, target)
    assert copies(target) == [copy.name]
    assert ask(target, "SELECT count(*) FROM charges") == [(0,)]


def fill_and_empty(warehouse: Warehouse) -> None:
    """Leave most of the file free, as months of re-deliveries do."""
    warehouse.execute("CREATE TABLE bulk AS SELECT random() AS a, random() AS b FROM range(1500000)")
    warehouse.execute("CHECKPOINT")
    warehouse.execute("DROP TABLE bulk")
    warehouse.execute("CHECKPOINT")


def test_a_mostly_free_file_is_written_anew_and_small(warehouse: Warehouse, target: Path) -> None:
    fill_and_empty(warehouse)
    change(warehouse, 7)
    copy = publish.publish(warehouse, target)
    assert copy.stat().st_size < warehouse.path.stat().st_size / 2
    assert told(target) == "7"


def test_a_small_file_is_copied_as_it_is(warehouse: Warehouse, target: Path) -> None:
    warehouse.execute("CREATE TABLE bulk AS SELECT random() AS a FROM range(500000)")
    warehouse.execute("CHECKPOINT")
    warehouse.execute("DROP TABLE bulk")
    change(warehouse, 7)
    copy = publish.publish(warehouse, target)
    assert copy.stat().st_size == warehouse.path.stat().st_size
    assert told(target) == "7"


def test_a_compacted_copy_keeps_schema_view_and_comments(warehouse: Warehouse, target: Path) -> None:
    query = """
        SELECT table_name, comment FROM duckdb_tables() UNION ALL
        SELECT view_name, comment FROM duckdb_views() WHERE NOT internal UNION ALL
        SELECT table_name || '.' || column_name, comment FROM duckdb_columns() WHERE NOT internal ORDER BY ALL"""
    expected = warehouse.rows(query)
    fill_and_empty(warehouse)
    publish.publish(warehouse, target)
    assert ask(target, query) == expected


def test_compaction_after_a_kill_in_the_middle_of_it_starts_afresh(warehouse: Warehouse, target: Path) -> None:
    fill_and_empty(warehouse)
    target.parent.mkdir()
    partial = target.parent / f".costs.{publish.version(warehouse)}.duckdb.partial"
    with duckdb.connect(str(partial)) as torn:
        torn.execute("CREATE TABLE charges (torn INTEGER)")
    publish.publish(warehouse, target)
    assert ask(target, "SELECT count(*) FROM charges") == [(0,)]


def test_a_folder_with_quotes_and_blanks_in_its_name_is_fine(tmp_path: Path) -> None:
    target = tmp_path / "it's [a] folder" / "costs.duckdb"
    with Warehouse.open(empty.put(tmp_path / "costs.duckdb")) as warehouse:
        fill_and_empty(warehouse)
        publish.publish(warehouse, target)
    assert ask(target, "SELECT count(*) FROM charges") == [(0,)]


def test_a_restored_backup_never_takes_the_name_of_a_copy_of_another_state(tmp_path: Path, target: Path) -> None:
    path = tmp_path / "restored" / "costs.duckdb"
    with Warehouse.open(empty.put(path)) as first:
        change(first, 1)
        backup = publish.publish(first, target, keep=9).read_bytes()
        change(first, 2)
        given_up = publish.publish(first, target, keep=9)
    path.write_bytes(backup)
    with Warehouse.open(path) as restored:
        assert not publish.is_published(restored, target)
        change(restored, 3)
        assert not publish.is_published(restored, target)
        copy = publish.publish(restored, target, keep=9)
    assert copy.name.rsplit(".", 2)[0] == given_up.name.rsplit(".", 2)[0]
    assert copy != given_up
    assert told(target) == "3"


def test_copies_of_older_versions_are_ours_and_pruned(warehouse: Warehouse, target: Path) -> None:
    target.parent.mkdir()
    old = target.parent / "costs.0123abcd.00000007.duckdb"
    old.write_text("old")
    target.symlink_to(old.name)
    copy = publish.publish(warehouse, target, keep=1)
    assert copies(target) == [copy.name]
