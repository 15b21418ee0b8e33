"""Parquet for staging: files of one schema are one query part, read by DuckDB where they are, or copied when small."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb

from pipeline.engines import staging
from pipeline.engines.failures import first_line
from pipeline.engines.staged import StagedFile
from pipeline.errors import UnreadableFileError

#: Files of at most so many bytes together are copied: to plan a view over them again and again takes longer.
SMALL = 1 << 20


def alike(looked: Sequence[StagedFile]) -> Iterator[tuple[int, list[StagedFile]]]:
    """Cut the files into runs of one schema, each with its first file's number: one query part instead of one a file."""
    numbered = enumerate(looked)
    for _, run in itertools.groupby(
        numbered, lambda pair: (pair[1].probe.columns, pair[1].probe.types, pair[1].probe.places)
    ):
        files = list(run)
        yield files[0][0], [each for _, each in files]


def select(
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
def sound(each: StagedFile) -> Iterator[None]:
    """Tell what DuckDB finds wrong with a file, or those like it, as damaged Parquet.

    Raises:
        UnreadableFileError: instead of DuckDB's own error.
    """
    try:
        yield
    except duckdb.Error as error:
        raise UnreadableFileError(f"{each.file.path}: damaged Parquet: {first_line(error)}") from error
