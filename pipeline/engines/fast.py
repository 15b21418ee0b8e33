"""CSV the fast way, by DuckDB's own strict reader: what it is told, which files it gets at once, and what it overlooks."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import duckdb

from pipeline.engines import staging
from pipeline.engines.staged import StagedFile
from pipeline.errors import UnreadableFileError
from pipeline.sources import packed

#: A CSV record may be this long in the fast reader; longer ones go to the careful one.
LINE_LIMIT = 1 << 24
#: CSVs of at most so many bytes are read many at a time, at most so many.
SMALL = 256 << 10
RUN_LIMIT = 500


def small_alike(looked: Sequence[StagedFile]) -> Iterator[tuple[int, list[StagedFile]]]:
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


class LongLineError(Exception):
    """A line may be longer than DuckDB's buffer: it leaves such a line out, and says nothing."""


@contextmanager
def sound(files: Sequence[StagedFile], connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Check gzips beside what goes on inside: DuckDB ignores checksums, and unpacks without end.

    Raises:
        UnreadableFileError: when one is damaged or a bomb; what goes on inside is then interrupted.
        LongLineError: when one may have a line that DuckDB has left out.
    """
    gzips = [each.file.path for each in files if each.probe.container == "gzip"]
    if not gzips:
        yield
        return
    done = threading.Event()

    def check() -> bool:
        try:
            are_long = [packed.check_gzip(path) for path in gzips]
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
            raise LongLineError(f"a line of more than {LINE_LIMIT} bytes")


def read_csv(paths: str, each: StagedFile) -> str:
    """Return the table function that reads files like ``each``; ``paths`` are SQL literals, its columns c0, c1, …."""
    names = ", ".join(f"'c{index}': 'VARCHAR'" for index in range(len(each.header.columns)))
    nulls = ", ".join(staging.literal(word) for word in ("", *each.header.format.null_words))
    compression = "gzip" if each.probe.container == "gzip" else "none"
    # The dialect is given, never sniffed: a file of only a header makes the sniffer drop the quote character.
    return (
        f"read_csv([{paths}], auto_detect = false, header = true, delim = ',', quote = '\"', "
        f"escape = '\"', columns = {{{names}}}, nullstr = [{nulls}], compression = '{compression}', "
        f"max_line_size = {LINE_LIMIT}, hive_partitioning = false)"
    )
