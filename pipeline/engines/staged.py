"""What is staged: the files of a delivery with what was seen in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.engines import staging
from pipeline.errors import ExportError
from pipeline.sources.find import ExportFile
from pipeline.sources.formats import Header
from pipeline.sources.probe import Probe


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


def require_one_format(looked: Sequence[StagedFile]) -> None:
    """Check that files can be one delivery.

    Raises:
        ExportError: when they have several formats, or write tags in several ways.
    """
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
