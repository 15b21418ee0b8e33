"""Read the files of a delivery into the relation ``staged`` of a DuckDB connection.

CSV goes in fast, by DuckDB's own strict reader. When that finds anything wrong, the file is read again by Python's
``csv``, record by record, so that each rejected row has its record, line, column, value and reason. JSON lines are read
by Python alone: DuckDB makes floats of their numbers. Parquet is not copied: ``staged`` is a view over the files, but
where rows hold lists of credits, which are decoded by Python.
"""

from __future__ import annotations

import csv
import hashlib
import itertools
import logging
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from pipeline import resources
from pipeline.engines import credits, spool, staging
from pipeline.engines.failures import first_line
from pipeline.engines.spool import Spool
from pipeline.errors import ExportError, UnreadableFileError
from pipeline.sources import find, formats, probe
from pipeline.sources.find import ExportFile
from pipeline.sources.formats import Header
from pipeline.sources.probe import Probe

if TYPE_CHECKING:
    import pyarrow as pa

logger = logging.getLogger(__name__)

#: Records that the careful reader hands over at a time.
BATCH = 50_000
#: A CSV record may be this long in the fast reader; longer ones go to the careful one.
LINE_LIMIT = 1 << 24
#: CSVs of at most so many bytes are read many at a time, at most so many.
SMALL = 256 << 10
RUN_LIMIT = 500


@dataclass(frozen=True)
class StagedFile:
    """A file of the staged delivery with what was seen in it."""

    file: ExportFile
    probe: Probe
    header: Header


@dataclass(frozen=True)
class Staged:
    """What stands in the relation ``staged``: the files, one header per file, one format."""

    files: tuple[StagedFile, ...]

    @property
    def header(self) -> Header:
        """The first file's header: format, controls and tag prefixes are the same in all."""
        return self.files[0].header

    @property
    def columns(self) -> tuple[str, ...]:
        """All column names of the delivery, in order of first sight."""
        return tuple(dict.fromkeys(name for file in self.files for name in file.header.columns))

    @property
    def column_types(self) -> dict[str, str]:
        """The types of its Parquet columns, as Arrow's text; text has none. Files that differ are told in one text."""
        kinds: dict[str, list[str]] = {}
        for file in self.files:
            for name, kind in zip(file.header.columns, file.probe.types, strict=False):
                kinds.setdefault(name, []).append(kind)
        return {name: " or ".join(sorted(set(found))) for name, found in kinds.items()}

    @property
    def tag_prefixes(self) -> tuple[str, ...]:
        """The key prefix of each part of a row's tags, of the file that has most: a file may have none."""
        return max((staging.tag_prefixes(file.header) for file in self.files), key=len)

    @property
    def dropped(self) -> tuple[str, ...]:
        """Columns without a home."""
        return tuple(dict.fromkeys(name for file in self.files for name in file.header.dropped))


class Reader:
    """Stages deliveries on one connection; ``folder`` takes unpacked files."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
        self.connection = connection
        self.folder = folder
        self._absent: tuple[str, ...] = ()
        self._spools: dict[ExportFile, Spool] = {}
        self._numbers = itertools.count()
        self._closely = False
        connection.execute(resources.sql("staging/macros"))

    def look(self, file: ExportFile, keep: Sequence[str] = ()) -> StagedFile:
        """Tell a file's format.

        Raises:
            ExportError: when it is unreadable or unknown.
        """
        seen = self._look_through(file) if probe.is_json_lines(file.path) else probe.probe(file.path)
        return StagedFile(file, seen, formats.resolve(seen.columns, str(file.path), keep))

    def stage(self, files: Sequence[ExportFile], keep: Sequence[str] = (), *, closely: bool = False) -> Staged:
        """Read the files into ``staged``; ``closely`` gives each row its record, line and remarks, which takes longer.

        Raises:
            ExportError: when a file is unreadable, unknown, of another format, or changes meanwhile.
        """
        for left in list(self._spools):
            self._forget_spool(left)
        looked = [self.look(file, keep) for file in files]
        _require_one_format(looked)
        self.clear()
        self._closely = closely
        is_plain = looked[0].header.format.credits is None
        if is_plain and all(each.probe.content == "parquet" for each in looked):
            self._stage_view(looked)
        else:
            self._stage_rows(looked)
        for each in looked:
            find.check_unchanged(each.file)
        return Staged(tuple(looked))

    def compute(self, columns: str, replaced: str) -> None:
        """Add computed columns to ``staged`` (SQL over it), and then change columns of it (SQL of ``REPLACE``)."""
        self.connection.execute("DROP VIEW IF EXISTS staged_plain")
        self.connection.execute("ALTER VIEW staged RENAME TO staged_plain")
        self.connection.execute(
            f"CREATE TEMP VIEW staged AS SELECT * REPLACE ({replaced}) FROM (SELECT *, {columns} FROM staged_plain)"
        )

    def clear(self) -> None:
        """Drop ``staged``."""
        self.connection.execute("DROP VIEW IF EXISTS staged")
        self.connection.execute("DROP VIEW IF EXISTS staged_plain")
        self.connection.execute("DROP VIEW IF EXISTS staged_as_read")
        self.connection.execute("DROP TABLE IF EXISTS staged_rows")
        credits.clear(self.connection)

    def _stage_rows(self, looked: Sequence[StagedFile]) -> None:
        header = looked[0].header
        self._absent = staging.absent([each.header for each in looked])
        for number, alike in _small_alike(looked):
            if self._closely or len(alike) == 1 or not self._fast(number, alike):
                for place, each in enumerate(alike):
                    self._stage_file(number + place, each, is_careful=self._closely)
        self._show(staging.with_absent(header.format.fields, self._absent, "staged_rows"), header)
        if header.format.overlay or header.format.credits:
            self._place_rejected(looked)

    def _show(self, rows: str, header: Header) -> None:
        """Make ``staged`` of the rows as read: with the format's overlay on them, and their credits taken out."""
        if header.format.overlay or header.format.credits:
            self.connection.execute(f"CREATE OR REPLACE TEMP VIEW staged_as_read AS {rows}")
            rows = "FROM staged_as_read"
        if header.format.overlay:
            rows = resources.sql(f"staging/{header.format.overlay}")
        if header.format.credits:
            rows = credits.take_out(self.connection, header, "staged_as_read")
        self.connection.execute(f"CREATE OR REPLACE TEMP VIEW staged AS {rows}")

    def _place_rejected(self, looked: Sequence[StagedFile]) -> None:
        """Read files carefully that the fast reader took and of which a row is rejected since: its place is not known."""
        files = self.connection.execute(
            "SELECT DISTINCT x_File FROM staged WHERE x_Problem IS NOT NULL AND x_Record IS NULL ORDER BY x_File"
        ).fetchall()
        for (number,) in files:
            self._forget(number)
            self._stage_file(number, looked[number], is_careful=True)

    def _stage_view(self, looked: Sequence[StagedFile]) -> None:
        selects = [
            _parquet_select(
                start, alike[0], [self._plain_path(each.file.path) for each in alike], remarks=self._closely
            )
            for start, alike in _alike(looked)
        ]
        with _sound_parquet(looked[0]):
            self._show("\nUNION ALL BY NAME\n".join(selects), looked[0].header)
            self.connection.execute("SELECT count(x_Problem) FROM staged").fetchall()

    def _stage_file(self, number: int, each: StagedFile, *, is_careful: bool) -> None:
        if each.probe.content == "json_lines":
            self._stage_json_lines(number, each)
            return
        path = self._plain_path(each.file.path)
        if each.probe.content == "parquet":
            with _sound_parquet(each):
                self._append(_parquet_select(number, each, [path], self._absent, remarks=self._closely))
            return
        if each.probe.container == "zip":
            path = probe.unzip(each.file.path, self.folder)
        try:
            if is_careful or not self._fast(number, [each], path):
                self._careful(number, each, path)
        finally:
            if each.probe.container == "zip":
                path.unlink()

    def _plain_path(self, path: Path) -> Path:
        """A path that DuckDB takes for one file: names with ``*``, ``?`` or ``[`` would be patterns to it."""
        if not any(char in str(path) for char in "*?["):
            return path
        link = self.folder / f"link-{hashlib.sha256(str(path).encode()).hexdigest()[:16]}"
        link.unlink(missing_ok=True)
        link.symlink_to(path.absolute())
        return link

    def _fast(self, number: int, alike: Sequence[StagedFile], unpacked: Path | None = None) -> bool:
        """Read files with one header by DuckDB; False when anything is wrong with one or a row of it.

        ``number`` is the first one's; ``unpacked`` stands for a single file's own path.
        """
        paths = [unpacked or self._plain_path(each.file.path) for each in alike]
        columns = [staging.Column(f"c{index}") for index in range(len(alike[0].header.columns))]
        names = ", ".join(staging.literal(str(path)) for path in paths)
        place = number if len(paths) == 1 else f"CAST({number - 1} + list_position([{names}], filename) AS INTEGER)"
        source = _read_csv(names, alike[0])
        select = staging.select(
            alike[0].header, columns, source, file=place, record="NULL", line="NULL", without=self._absent
        )
        try:
            if any(
                each.probe.container != "gzip" and probe.has_long_line(path)
                for each, path in zip(alike, paths, strict=True)
            ):
                raise _LongLineError(f"a line of more than {LINE_LIMIT} bytes")
            with _sound(alike, self.connection):
                self._append(select)
        except (
            duckdb.InvalidInputException,
            duckdb.ConversionException,
            duckdb.IOException,
            _LongLineError,
        ) as error:
            logger.debug("%s: the fast reader gave up: %s", paths[0], first_line(error))
            self.connection.abort()
            self._forget(number, len(paths))
            return False
        [(bad,)] = self.connection.execute(
            "SELECT count(x_Problem) FROM staged_rows WHERE x_File BETWEEN ? AND ?", [number, number + len(paths) - 1]
        ).fetchall()
        if bad:
            self._forget(number, len(paths))
            return False
        return True

    def _careful(self, number: int, each: StagedFile, path: Path) -> None:
        self._append_batches(number, each, _careful_batches(path, len(each.header.columns)))

    def _look_through(self, file: ExportFile) -> Probe:
        """Parse JSON lines, and keep what was parsed: only at its end a file's columns are known."""
        self._forget_spool(file)
        spooled = spool.write(file.path, self.folder, f"lines-{next(self._numbers)}")
        self._spools[file] = spooled
        return Probe(probe.container(file.path), spooled.columns, content="json_lines")

    def _stage_json_lines(self, number: int, each: StagedFile) -> None:
        used = {*each.header.fields.values(), *each.header.tags, *each.header.kept}
        self._append_batches(number, each, self._spools[each.file].tables(used))
        self._forget_spool(each.file)

    def _forget_spool(self, file: ExportFile) -> None:
        if file in self._spools:
            self._spools.pop(file).remove()

    def _append_batches(self, number: int, each: StagedFile, batches: Iterator[pa.Table]) -> None:
        columns = [staging.Column(f"c{index}", "string") for index in range(len(each.header.columns))]
        select = staging.select(
            each.header,
            columns,
            "careful",
            file=number,
            record="x_Record",
            line="x_Line",
            ragged="x_Ragged",
            without=self._absent,
            remarks=self._closely,
        )
        for batch in batches:
            self.connection.register("careful", batch)
            try:
                self._append(select)
            finally:
                self.connection.unregister("careful")

    def _append(self, select: str) -> None:
        if self._exists():
            self.connection.execute(f"INSERT INTO staged_rows BY NAME {select}")
        else:
            self.connection.execute(f"CREATE TEMP TABLE staged_rows AS {select}")

    def _forget(self, number: int, files: int = 1) -> None:
        if self._exists():
            self.connection.execute(
                "DELETE FROM staged_rows WHERE x_File BETWEEN ? AND ?", [number, number + files - 1]
            )

    def _exists(self) -> bool:
        [(tables,)] = self.connection.execute(
            "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'staged_rows'"
        ).fetchall()
        return bool(tables)


def _require_one_format(looked: Sequence[StagedFile]) -> None:
    first = looked[0]
    prefixes = Staged(tuple(looked)).tag_prefixes  # a file without any tags, or with fewer parts, has them in common
    for each in looked:
        if each.header.format is not first.header.format:
            raise ExportError(
                f"{each.file.path} is {each.header.format.title}, but {first.file.path} is {first.header.format.title}: "
                "one delivery has one format; give them to sources of their own"
            )
        if not staging.same_tags(staging.tag_prefixes(each.header), prefixes):
            raise ExportError(
                f"{each.file.path} writes its tags in another way than {first.file.path}: not one delivery"
            )


def _alike(looked: Sequence[StagedFile]) -> Iterator[tuple[int, list[StagedFile]]]:
    """Cut the files into runs of one schema, each with its first file's number: one query part instead of one a file."""
    numbered = enumerate(looked)
    for _, run in itertools.groupby(
        numbered, lambda pair: (pair[1].probe.columns, pair[1].probe.types, pair[1].probe.places)
    ):
        files = list(run)
        yield files[0][0], [each for _, each in files]


def _parquet_select(
    number: int, each: StagedFile, paths: Sequence[Path], without: Sequence[str] = (), *, remarks: bool = False
) -> str:
    """Stage files that all have the schema of ``each``; ``number`` is the first one's."""
    columns = [_column(place, kind) for place, kind in zip(each.probe.places, each.probe.types, strict=True)]
    # Columns go by place: DuckDB takes names that differ in capitals alone for one. A folder a=1 is no column.
    names = ", ".join(f"c{index}" for index in range(max((place[0] + 1 for place in each.probe.places), default=0)))
    files = ", ".join(staging.literal(str(path)) for path in paths)
    read = f"read_parquet([{files}], file_row_number = true, hive_partitioning = false) AS file({names})"
    source = f"(SELECT *, file_index FROM {read})"
    place = {"file": f"CAST({number} + file_index AS INTEGER)", "record": "file_row_number + 1", "line": "NULL"}
    return staging.select(each.header, columns, source, **place, without=without, remarks=remarks)


def _column(place: tuple[int, ...], kind: str) -> staging.Column:
    """The column at a place of the file, or a field of its structs."""
    if kind == "null":  # DuckDB fails on fields without a type
        return staging.Column("CAST(NULL AS VARCHAR)", "string")
    expression = f"c{place[0]}"
    for position in place[1:]:
        expression = f"struct_extract_at({expression}, {position + 1})"
    return staging.Column(expression, kind)


@contextmanager
def _sound_parquet(each: StagedFile) -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        raise UnreadableFileError(f"{each.file.path}: damaged Parquet: {first_line(error)}") from error


def _small_alike(looked: Sequence[StagedFile]) -> Iterator[tuple[int, list[StagedFile]]]:
    """Cut the files into runs of small CSVs with one header, each with its first file's number; others are alone.

    Planning the query takes longer than reading a small file: a delivery may have a thousand.
    """
    start = 0
    while start < len(looked):
        end = start + 1
        if _is_small(looked[start]):
            kind = (looked[start].probe.container, looked[start].header.columns)
            while (
                end < min(len(looked), start + RUN_LIMIT)
                and _is_small(looked[end])
                and (looked[end].probe.container, looked[end].header.columns) == kind
            ):
                end += 1
        yield start, list(looked[start:end])
        start = end


def _is_small(each: StagedFile) -> bool:
    return each.probe.content == "csv" and each.probe.container != "zip" and each.file.bytes <= SMALL


class _LongLineError(Exception):
    """A line may be longer than DuckDB's buffer: it leaves such a line out, and says nothing."""


@contextmanager
def _sound(files: Sequence[StagedFile], connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Check gzips beside what goes on inside: DuckDB ignores checksums, and unpacks without end.

    Raises:
        UnreadableFileError: when one is damaged or a bomb; what goes on inside is then interrupted.
        _LongLineError: when one may have a line that DuckDB has left out.
    """
    packed = [each.file.path for each in files if each.probe.container == "gzip"]
    if not packed:
        yield
        return
    done = threading.Event()

    def check() -> bool:
        try:
            are_long = [probe.check_gzip(path) for path in packed]
        except UnreadableFileError:
            if not done.is_set():
                connection.interrupt()
            raise
        return any(are_long)

    with ThreadPoolExecutor(1) as beside:
        checked = beside.submit(check)
        try:
            yield
        except duckdb.Error:
            checked.result()  # a damaged file is told as one, whatever DuckDB made of it
            raise
        finally:
            done.set()
        if checked.result():
            raise _LongLineError(f"a line of more than {LINE_LIMIT} bytes")


def _read_csv(paths: str, each: StagedFile) -> str:
    names = ", ".join(f"'c{index}': 'VARCHAR'" for index in range(len(each.header.columns)))
    nulls = ", ".join(staging.literal(word) for word in ("", *each.header.format.null_words))
    compression = "gzip" if each.probe.container == "gzip" else "none"
    # The dialect is given, never sniffed: a file of only a header makes the sniffer drop the quote character.
    return (
        f"read_csv([{paths}], auto_detect = false, header = true, delim = ',', quote = '\"', "
        f"escape = '\"', columns = {{{names}}}, nullstr = [{nulls}], compression = '{compression}', "
        f"max_line_size = {LINE_LIMIT}, hive_partitioning = false)"
    )


def _careful_batches(path: Path, width: int) -> Iterator[pa.Table]:
    rows: list[list[str | None]] = []
    record, start = 0, 1
    with probe.text(path, errors="surrogateescape") as lines:
        limited = probe.Lines(lines, path)
        reader = csv.reader(limited, strict=True)
        try:
            for position, row in enumerate(reader):
                limited.start_record()
                line, start = start, reader.line_num + 1
                if position == 0 or not row:
                    continue
                record += 1
                rows.append(_careful_row(row, width, record, line))
                if len(rows) >= BATCH:
                    yield _arrow(rows, width)
                    rows = []
        except probe.CODECS as error:
            raise UnreadableFileError(f"{path}: line {reader.line_num}: {error}; deliver the file again") from error
    yield _arrow(rows, width)


def _careful_row(row: list[str], width: int, record: int, line: int) -> list[Any]:
    problem = None
    if len(row) == width + 1 and row[-1] == "":
        row = row[:-1]  # a comma after the last field: the fast reader takes it, too
    if len(row) != width:
        problem = f"{staging.UNIT}{staging.UNIT}has {len(row)} fields, the header has {width}"
    elif not _is_utf8(row):
        problem = f"{staging.UNIT}{staging.UNIT}is not UTF-8 text"
    cells: list[Any] = [None] * width if problem else list(row)
    return [*cells, record, line, problem]


def _is_utf8(row: list[str]) -> bool:
    try:
        "".join(row).encode()
    except UnicodeEncodeError:
        return False
    return True


def _arrow(rows: list[list[Any]], width: int) -> pa.Table:
    import pyarrow as pa

    names = [*(f"c{index}" for index in range(width)), "x_Record", "x_Line", "x_Ragged"]
    types = [*([pa.string()] * width), pa.int64(), pa.int64(), pa.string()]
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    return pa.table([pa.array(list(values), kind) for values, kind in zip(columns, types, strict=True)], names=names)
