"""Look into a file: what it is by its bytes, and its column names. Names and endings decide nothing."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Literal

from pipeline.errors import UnreadableFileError
from pipeline.sources import formats, json_lines, packed
from pipeline.sources.packed import Container

if TYPE_CHECKING:
    import pyarrow as pa

Content = Literal["csv", "json_lines", "parquet"]

#: What a delivery's files may be, packed or not.
READABLE: tuple[Container | Content, ...] = ("csv", "json_lines", "parquet", "gzip", "zip")
#: A header longer than this is none.
HEADER_LIMIT = 1 << 20


@dataclass(frozen=True)
class Probe:
    """What a file is: its container and its column names.

    Attributes:
        types: of the columns when it is Parquet (Arrow's text).
        places: of the columns when it is Parquet: the place in the file, then in each struct on the way.
        content: what stands in the container.
    """

    container: Container
    columns: tuple[str, ...]
    types: tuple[str, ...] = ()
    places: tuple[tuple[int, ...], ...] = ()
    content: Content = "csv"


def probe(path: Path, *, most: int | None = None) -> Probe:
    """Return the container and the column names; ``most`` JSON lines are read for them, else all.

    Raises:
        UnreadableFileError: torn, binary, or without a header.
    """
    kind = packed.container(path)
    if kind == "parquet":
        return _probe_parquet(path)
    if is_json_lines(path):
        with packed.json_file(path) as file:
            return Probe(kind, json_lines.columns(file, str(path), most), content="json_lines")
    if kind == "json":
        raise UnreadableFileError(f"{path}: a JSON document; give JSON lines, one object a line")
    try:
        packed.require_packed_once(path, kind)
        packed.require_utf8(path)
        with packed.text(path, errors="surrogateescape") as lines:
            header = next(csv.reader(_limited(lines, path)), None)
        "".join(header or []).encode()  # only the header: a row that is no UTF-8 is rejected by itself
    except UnicodeEncodeError as error:
        raise UnreadableFileError(
            f"{path}: its header is not UTF-8 text; nothing was loaded. {packed.EXPORT_ANEW}"
        ) from error
    except csv.Error as error:
        raise UnreadableFileError(f"{path}: cannot read its header: {error}; deliver it again") from error
    except packed.CODECS as error:
        raise UnreadableFileError(f"{path}: torn or damaged {kind}: {error}; deliver it again") from error
    if not header or not any(name.strip() for name in header):
        raise UnreadableFileError(f"{path}: no header; the first line must name the columns")
    return Probe(kind, tuple(header))


def is_document(path: Path) -> bool:
    """Whether a file is one JSON document, such as a manifest, not JSON lines.

    Raises:
        UnreadableFileError: when the file is empty or cannot be read.
    """
    return packed.container(path) == "json" and not is_json_lines(path)


def is_json_lines(path: Path) -> bool:
    """Whether a file, plain or packed, holds JSON lines.

    Raises:
        UnreadableFileError: when it is empty, or JSON that cannot be unpacked.
    """
    if packed.container(path) in ("csv", "parquet"):
        return False
    try:
        with packed.json_file(path) as file:
            start = file.read(64).lstrip(b"\xef\xbb\xbf \t\r\n")
    except UnreadableFileError:  # told when its header is read
        return False
    if not start.startswith(b"{"):
        return False
    with packed.json_file(path) as file:
        return json_lines.is_json_lines(file)


def _probe_parquet(path: Path) -> Probe:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(path)
    except (pa.ArrowException, OSError) as error:
        raise UnreadableFileError(f"{path}: torn or damaged Parquet: {error}; deliver it again") from error
    leaves = [leaf for place, field in enumerate(schema) for leaf in _leaves(field.name, field.type, (place,))]
    names, types, places = zip(*leaves, strict=True) if leaves else ((), (), ())
    return Probe("parquet", names, types, places, "parquet")


def _leaves(name: str, kind: pa.DataType, place: tuple[int, ...]) -> Iterator[tuple[str, str, tuple[int, ...]]]:
    """The columns that a column of structs is spread over, with dotted names; any other is one itself."""
    if not str(kind).startswith("struct<") or not kind.num_fields or formats.holds_objects(name):
        yield name, str(kind), place
        return
    for position in range(kind.num_fields):
        child = kind.field(position)
        yield from _leaves(f"{name}.{child.name}", child.type, (*place, position))


def _limited(lines: IO[str], path: Path) -> Iterator[str]:
    length = 0
    while line := lines.readline(HEADER_LIMIT):
        length += len(line)
        if length >= HEADER_LIMIT:
            raise UnreadableFileError(f"{path}: no header in the first {HEADER_LIMIT} characters; that is no CSV")
        yield line
