"""Read the files of a delivery into the relation ``staged`` of a DuckDB connection.

CSV goes in fast, by DuckDB's own strict reader. When that finds anything wrong, the file is read again by Python's
``csv``, record by record, so that each rejected row has its record, line, column, value and reason. JSON lines are read
by Python alone: DuckDB makes floats of their numbers. Parquet that is not small is not copied: ``staged`` is a view over
the files, but where rows hold lists of credits, which are decoded by Python.
"""

from __future__ import annotations

import hashlib
import itertools
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from pipeline import resources
from pipeline.engines import careful, credits, fast, parquet, spool, staging
from pipeline.engines.failures import first_line
from pipeline.engines.macros import Macros
from pipeline.engines.priced import PRICED_RECORDS
from pipeline.engines.spool import Spool
from pipeline.engines.staged import Staged, StagedFile, require_one_format
from pipeline.errors import UnreadableFileError
from pipeline.sources import find, formats, packed, probe
from pipeline.sources.find import ExportFile
from pipeline.sources.formats import Header
from pipeline.sources.probe import Probe

if TYPE_CHECKING:
    import pyarrow as pa

logger = logging.getLogger(__name__)


class Reader:
    """Stages deliveries on one connection; ``folder`` takes unpacked files."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
        self.connection = connection
        self.folder = folder
        self._absent: tuple[str, ...] = ()
        self._spools: dict[ExportFile, Spool] = {}
        self._numbers = itertools.count()
        self._closely = False
        #: Whether ``staged_rows`` is there; to ask the catalog is to read all of it.
        self._has_rows = False
        self._macros = Macros(connection)

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
        require_one_format(looked)
        self._macros.provide_for(looked[0].header.format)
        self.clear()
        self._closely = closely
        is_plain = looked[0].header.format.credits is None
        if is_plain and all(each.probe.content == "parquet" for each in looked):
            self._stage_parquet(looked)
        else:
            self._stage_rows(looked)
        self._require_month_first(looked)
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
        self._has_rows = False
        credits.clear(self.connection)

    def _require_month_first(self, looked: Sequence[StagedFile]) -> None:
        """Check that no date has the day first: 03/04/2026 may then be either, in any file of the delivery.

        Raises:
            UnreadableFileError: when one has.
        """
        if not any(field.kind == "date" for field in looked[0].header.format.fields):
            return
        rows = self.connection.execute(
            "SELECT x_File, x_Record, x_Line, x_Problem FROM staged WHERE suffix(x_Problem, ?) "
            "ORDER BY x_File, x_Record LIMIT 1",
            [staging.DAY_FIRST],
        ).fetchall()
        for number, record, line, problem in rows:
            column, value, reason = problem.split(staging.UNIT, 2)
            raise UnreadableFileError(
                f"{looked[number].file.path}: {f'line {line}' if line else f'record {record}'}: {column} {value!r} "
                f"{reason}: any other date may have it, too; nothing was loaded. {packed.EXPORT_ANEW}"
            )

    def _stage_rows(self, looked: Sequence[StagedFile]) -> None:
        header = looked[0].header
        self._absent = staging.absent([each.header for each in looked])
        for number, alike in fast.small_alike(looked):
            # A record's id is told of with its place.
            is_careful = self._closely or header.format.record is not None
            if is_careful or len(alike) == 1 or not self._fast(number, alike):
                for place, each in enumerate(alike):
                    self._stage_file(number + place, each, is_careful=is_careful)
        self._show(staging.with_absent(header.format.fields, self._absent, "staged_rows"), header)
        if header.format.overlay or header.format.credits:
            self._place_rejected(looked)

    def _show(self, rows: str, header: Header) -> None:
        """Make ``staged`` of the rows as read: with the format's overlay on them, and their credits taken out."""
        if header.format.overlay or header.format.credits:
            self._macros.provide(rows)
            self.connection.execute(f"CREATE OR REPLACE TEMP VIEW staged_as_read AS {rows}")
            rows = "FROM staged_as_read"
        if header.format.priced:
            self.connection.execute(PRICED_RECORDS)
        if header.format.overlay:
            rows = resources.sql(f"staging/{header.format.overlay}")
        if header.format.credits:
            rows = credits.take_out(self.connection, header, "staged_as_read")
        self._macros.provide(rows)
        self.connection.execute(f"CREATE OR REPLACE TEMP VIEW staged AS {rows}")

    def _place_rejected(self, looked: Sequence[StagedFile]) -> None:
        """Read files carefully that the fast reader took and of which a row is rejected since: its place is not known."""
        files = self.connection.execute(
            "SELECT DISTINCT x_File FROM staged WHERE x_Problem IS NOT NULL AND x_Record IS NULL ORDER BY x_File"
        ).fetchall()
        for (number,) in files:
            self._forget(number)
            self._stage_file(number, looked[number], is_careful=True)

    def _stage_parquet(self, looked: Sequence[StagedFile]) -> None:
        header = looked[0].header
        is_small = sum(each.file.bytes for each in looked) <= parquet.SMALL
        self._absent = staging.absent([each.header for each in looked]) if is_small else ()
        rows = "\nUNION ALL BY NAME\n".join(
            parquet.select(
                start,
                alike[0],
                [self._plain_path(each.file.path) for each in alike],
                self._absent,
                remarks=self._closely,
            )
            for start, alike in parquet.alike(looked)
        )
        with parquet.sound(looked[0]):
            if is_small:
                self._append(rows)
                self._show(staging.with_absent(header.format.fields, self._absent, "staged_rows"), header)
            else:
                self._show(rows, header)
                self.connection.execute("SELECT count(x_Problem) FROM staged").fetchall()

    def _stage_file(self, number: int, each: StagedFile, *, is_careful: bool) -> None:
        if each.probe.content == "json_lines":
            self._stage_json_lines(number, each)
            return
        path = self._plain_path(each.file.path)
        if each.probe.content == "parquet":
            with parquet.sound(each):
                self._append(parquet.select(number, each, [path], self._absent, remarks=self._closely))
            return
        if each.probe.container == "zip":
            path = packed.unzip(each.file.path, self.folder)
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
        source = fast.read_csv(names, alike[0])
        if len(paths) > 1:
            source = f"(SELECT *, filename FROM {source})"  # a virtual column: no part of *
        select = staging.select(
            alike[0].header, columns, source, file=place, record="NULL", line="NULL", without=self._absent
        )
        try:
            if any(
                each.probe.container != "gzip" and packed.has_long_line(path)
                for each, path in zip(alike, paths, strict=True)
            ):
                raise fast.LongLineError(f"a line of more than {fast.LINE_LIMIT} bytes")
            with fast.sound(alike, self.connection):
                self._append(select)
        except (
            duckdb.InvalidInputException,
            duckdb.ConversionException,
            duckdb.IOException,
            fast.LongLineError,
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
        self._append_batches(number, each, careful.batches(path, len(each.header.columns)))

    def _look_through(self, file: ExportFile) -> Probe:
        """Parse JSON lines, and keep what was parsed: only at its end a file's columns are known."""
        self._forget_spool(file)
        spooled = spool.write(file.path, self.folder, f"lines-{next(self._numbers)}")
        self._spools[file] = spooled
        return Probe(packed.container(file.path), spooled.columns, content="json_lines")

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
        self._macros.provide(select)
        if self._has_rows:
            self.connection.execute(f"INSERT INTO staged_rows BY NAME {select}")
        else:
            self.connection.execute(f"CREATE TEMP TABLE staged_rows AS {select}")
            self._has_rows = True

    def _forget(self, number: int, files: int = 1) -> None:
        if self._has_rows:
            self.connection.execute(
                "DELETE FROM staged_rows WHERE x_File BETWEEN ? AND ?", [number, number + files - 1]
            )
