"""The bytes of a file, plain, gzip or zip: what it is by its first ones, unpacked, and never more than is believable."""

from __future__ import annotations

import csv
import gzip
import io
import lzma
import shutil
import sys
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Literal

from pipeline.errors import UnreadableFileError
from pipeline.sources import find

Container = Literal["csv", "gzip", "zip", "parquet", "json"]

_MARKS = {"gzip": b"\x1f\x8b", "zip": b"PK\x03\x04", "Parquet file": b"PAR1"}

#: The longer mark goes first: it begins with the shorter one.
_WIDE_MARKS = (
    *((b"\xff\xfe\x00\x00", "UTF-32"), (b"\x00\x00\xfe\xff", "UTF-32")),
    *((b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16")),
)
#: What to do about a text that somebody has saved anew.
EXPORT_ANEW = "Export it anew as UTF-8 with commas, and save it in no spreadsheet: that rewrites its numbers and dates"

#: One field or line of a CSV may be this long, and one record (over quoted line ends).
FIELD_LIMIT = 1 << 24
RECORD_LIMIT = 1 << 26
#: What is packed may unpack to this many bytes, and beyond that to this many times its packed size: bills pack 10 to
#: 60 times smaller, bombs a thousand times and more.
UNPACKED_FLOOR = 64 << 20
RATIO_LIMIT = 250
#: A zip's list of members may have this many bytes: it is read into memory, and one CSV needs some hundred.
DIRECTORY_LIMIT = 1 << 22
#: What is left free on the disk that a zip is unpacked to.
DISK_RESERVE = 256 << 20

#: What unpacking and cutting a damaged file raises (NotImplementedError: a zip's method that Python does not have).
CODECS = (
    *(UnicodeError, csv.Error, EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile, lzma.LZMAError),
    NotImplementedError,
)


def container(path: Path) -> Container:
    """Tell the container by the file's first bytes.

    Raises:
        UnreadableFileError: when the file is empty or cannot be read.
    """
    try:
        with path.open("rb") as file:
            start = file.read(64)
    except OSError as error:
        raise find.unreadable(path, error) from error
    if not start:
        raise UnreadableFileError(f"{path}: empty file (0 bytes); it may still be on its way")
    if start.startswith(b"PAR1"):
        return "parquet"
    if start.startswith(b"\x1f\x8b"):
        return "gzip"
    if start.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "zip"
    return "json" if start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"{", b"[")) else "csv"


@contextmanager
def text(path: Path, errors: str = "strict") -> Iterator[IO[str]]:
    """Open a CSV, plain, gzip or zip, as UTF-8 text without its byte order mark; line ends as they are.

    ``errors`` is what to do with bytes that are no UTF-8, as ``open`` takes it.

    Raises:
        UnreadableFileError: when a zip is not one CSV.
    """
    csv.field_size_limit(min(FIELD_LIMIT, sys.maxsize))
    with binary(path) as file, io.TextIOWrapper(file, "utf-8-sig", errors, newline="") as lines:
        yield lines


@contextmanager
def binary(path: Path) -> Iterator[IO[bytes]]:
    """Open a file's bytes, unpacked when it is gzip or zip."""
    kind = container(path)
    if kind == "zip":
        _require_short_directory(path)
        with zipfile.ZipFile(path) as archive, archive.open(_single_member(archive, path)) as member:
            yield member
    elif kind == "gzip":
        with gzip.open(path, "rb") as unpacked:
            yield unpacked  # type: ignore[misc]  # a GzipFile is a binary stream
    else:
        with path.open("rb") as plain:
            yield plain


@contextmanager
def json_file(path: Path) -> Iterator[IO[bytes]]:
    """Open the bytes of JSON lines, unpacked.

    Raises:
        UnreadableFileError: when what unpacks them finds them torn or damaged, before or while they are read.
    """
    try:
        with binary(path) as file:
            yield file
    except CODECS as error:
        raise UnreadableFileError(f"{path}: torn or damaged: {error}; deliver it again") from error


def require_packed_once(path: Path, kind: Container) -> None:
    """Check that what a file unpacks to is not packed itself.

    Raises:
        UnreadableFileError: when it is.
    """
    if kind not in ("gzip", "zip"):
        return
    with binary(path) as file:
        start = file.read(4)
    inner = next((name for name, mark in _MARKS.items() if start.startswith(mark)), None)
    if inner:
        raise UnreadableFileError(f"{path}: a {inner} inside a {kind}; an export is packed once, deliver it so")


def require_utf8(path: Path) -> None:
    """Check that a text, unpacked, does not begin as UTF-16 or UTF-32 do, with a byte order mark or without one.

    Raises:
        UnreadableFileError: when it does.
    """
    with binary(path) as file:
        start = file.read(64)
    encoding = next((name for mark, name in _WIDE_MARKS if start.startswith(mark)), None)
    if encoding is None and len(start) > 3 and any(start[::2]) != any(start[1::2]):
        encoding = "UTF-16"
    if encoding:
        raise UnreadableFileError(
            f"{path}: {encoding} text, such as a spreadsheet's Unicode Text; nothing was loaded. {EXPORT_ANEW}"
        )


class Lines:
    """The lines of a CSV, none too long to hold: an endless one must not fill the memory.

    Iterating raises UnreadableFileError. Call ``start_record`` whenever a record ends.
    """

    def __init__(self, lines: IO[str], path: Path) -> None:
        self._lines = lines
        self._path = path
        self._number = 0
        self._length = 0

    def start_record(self) -> None:
        """Count the length of the record from here."""
        self._length = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._lines.readline(FIELD_LIMIT + 1)
        if not line:
            raise StopIteration
        self._number += 1
        self._length += len(line)
        if len(line) > FIELD_LIMIT:
            raise UnreadableFileError(
                f"{self._path}: line {self._number} is longer than {FIELD_LIMIT:,} characters; no bill has such a line, "
                "deliver the file again"
            )
        if self._length > RECORD_LIMIT:
            raise UnreadableFileError(
                f"{self._path}: a record of more than {RECORD_LIMIT:,} characters ends at line {self._number} or later; "
                "is a quotation mark open? Deliver the file again"
            )
        return line


def has_long_line(path: Path) -> bool:
    """Whether a plain file may have a line longer than ``FIELD_LIMIT``; surely so when it has one.

    Such a line holds at least one whole step; all but those steps' first line ends are skipped.
    """
    step = FIELD_LIMIT // 2
    size = path.stat().st_size
    with path.open("rb") as file:
        for start in range(step, size - step, step):
            file.seek(start)
            seen = 0
            while seen < step and not _ends_line(data := file.read(1 << 16)):
                seen += len(data)
            if seen >= step:
                return True
    return False


def _ends_line(data: bytes) -> bool:
    return b"\n" in data or b"\r" in data


def check_gzip(path: Path) -> bool:
    """Check the checksums of a gzip, and that it unpacks to a believable size.

    Returns whether it may have a line longer than ``FIELD_LIMIT``; surely so when it has one.

    Raises:
        UnreadableFileError: when it is torn, damaged or a bomb.
    """
    limit = max(UNPACKED_FLOOR, RATIO_LIMIT * path.stat().st_size)
    try:
        with path.open("rb") as file:
            unpacked, line = 0, 0
            is_long = False
            for data in _inflate_all(file):
                unpacked += len(data)
                line = 0 if _ends_line(data) else line + len(data)
                is_long |= line >= FIELD_LIMIT // 2
                if unpacked > limit:
                    raise _bomb(path, f"more than {limit:,}")
    except (zlib.error, EOFError) as error:
        raise UnreadableFileError(f"{path}: torn or damaged gzip: {error}; deliver it again") from error
    return is_long


def _inflate_all(file: IO[bytes]) -> Iterator[bytes]:
    """Unpack all members, piece by piece."""
    inflate = zlib.decompressobj(zlib.MAX_WBITS | 16)
    rest = b""
    while data := rest or file.read(1 << 20):
        yield inflate.decompress(data, 1 << 22)
        rest = inflate.unused_data.lstrip(b"\0") if inflate.eof else inflate.unconsumed_tail
        if inflate.eof and (rest or (rest := file.read(1 << 20).lstrip(b"\0"))):
            inflate = zlib.decompressobj(zlib.MAX_WBITS | 16)
    if not inflate.eof:
        raise EOFError("it ends before its end-of-stream mark")


def _bomb(path: Path, size: str) -> UnreadableFileError:
    return UnreadableFileError(
        f"{path}: would unpack from {path.stat().st_size:,} to {size} bytes; no bill packs so well, that is no export"
    )


def unzip(path: Path, folder: Path) -> Path:
    """Unpack a zip's one CSV into ``folder`` under a name of ours, and return it.

    Raises:
        UnreadableFileError: when the archive is not one CSV of a believable size, or is torn.
    """
    target = folder / f"{path.stem}.csv"
    try:
        _require_room(path, folder)
        with binary(path) as source, target.open("wb") as out:
            shutil.copyfileobj(source, out, 1 << 20)
    except CODECS as error:
        raise UnreadableFileError(f"{path}: torn or damaged zip: {error}; deliver it again") from error
    return target


def _require_room(path: Path, folder: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        size = _single_member(archive, path).file_size
    free = shutil.disk_usage(folder).free
    if size + DISK_RESERVE > free:
        raise UnreadableFileError(
            f"{path}: unpacks to {size:,} bytes, but {folder} has {free:,} free; make room, or set TMPDIR to another disk"
        )


def _require_short_directory(path: Path) -> None:
    """Check the size of a zip's list of members before it is read into memory."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        start = max(0, size - (22 + 20 + 56 + 0xFFFF))
        file.seek(start)
        tail = file.read()
    end = tail.rfind(b"PK\x05\x06")
    if end < 0:
        raise UnreadableFileError(f"{path}: torn zip: the list of files at its end is missing; deliver it again")
    directory = int.from_bytes(tail[end + 12 : end + 16], "little")
    large = tail.rfind(b"PK\x06\x06", 0, end)
    if directory == 0xFFFFFFFF and large >= 0:
        directory = int.from_bytes(tail[large + 40 : large + 48], "little")
    if directory > DIRECTORY_LIMIT:
        raise UnreadableFileError(
            f"{path}: a zip whose list of files alone has {directory:,} bytes; an export's zip holds exactly one CSV"
        )


def _single_member(archive: zipfile.ZipFile, path: Path) -> zipfile.ZipInfo:
    members = [info for info in archive.infolist() if not info.is_dir()]
    if any(info.filename == "[Content_Types].xml" for info in members):
        raise UnreadableFileError(f"{path}: an Office document, no export; nothing was loaded. {EXPORT_ANEW}")
    if len(members) != 1:
        raise UnreadableFileError(
            f"{path}: a zip with {len(members):,} files; an export's zip holds exactly one CSV, so unpack it into the "
            "source's folder if they are exports"
        )
    member = members[0]
    if PurePosixPath(member.filename).is_absolute() or ".." in PurePosixPath(member.filename).parts:
        raise UnreadableFileError(
            f"{path}: its member {member.filename!r} leads out of the zip; no provider packs so, nothing was unpacked"
        )
    if member.flag_bits & 1:
        raise UnreadableFileError(f"{path}: an encrypted zip; deliver it without a password")
    limit = max(UNPACKED_FLOOR, RATIO_LIMIT * member.compress_size)
    if member.file_size > limit:
        raise _bomb(path, f"{member.file_size:,}")
    return member
