"""What DuckDB says of an export's contents, as errors of ours: the export is refused and the others go on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from pipeline.errors import MappingError, UnreadableFileError

#: Damaged pages, text that is no UTF-8. IOException stays what it is: the disk may be full.
_CONTENTS = (duckdb.InvalidInputException, duckdb.ConversionException, duckdb.SerializationException)


@contextmanager
def as_export_errors(name: str) -> Iterator[None]:
    """Translate what is wrong with the contents of the delivery ``name``.

    Raises:
        MappingError: when its amounts are too large to sum.
        UnreadableFileError: when DuckDB cannot read them.
    """
    try:
        yield
    except duckdb.OutOfRangeException as error:
        raise MappingError(
            f"{name}: its amounts sum to more than 20 digits before the point; nothing was loaded, please check the export"
        ) from error
    except duckdb.Error as error:
        # What the Parquet reader finds damaged comes as the bare base class.
        if not isinstance(error, _CONTENTS) and type(error) is not duckdb.Error:
            raise
        raise UnreadableFileError(f"{name}: cannot be read: {first_line(error)}; deliver it again") from error


def first_line(error: Exception) -> str:
    """Return the first line of an error's text."""
    return str(error).strip().split("\n", 1)[0]
