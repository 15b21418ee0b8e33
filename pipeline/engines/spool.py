"""JSON lines on their way into the store: parsed once, into Arrow files of a temporary folder, then staged from there.

Which columns a file has is known at its end, and a second parse would cost as much as the first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.engines import staging
from pipeline.sources import json_lines, packed
from pipeline.sources.json_lines import Record

if TYPE_CHECKING:
    import pyarrow as pa

#: Records of one Arrow file: what is held in memory at a time.
BATCH = 50_000
#: Beside the columns ``c0``, ``c1``, … each record has these.
_PLACE = ("x_Record", "x_Line", "x_Ragged")


@dataclass(frozen=True)
class Spool:
    """A parsed file: its column names in order of first sight, and its parts; a part lacks what came after it."""

    columns: tuple[str, ...]
    parts: tuple[Path, ...]

    def tables(self, used: Iterable[int]) -> Iterator[pa.Table]:
        """Return the parts with the columns of these numbers, as text, and the place of each record."""
        import pyarrow as pa

        wanted = sorted(used)
        for part in self.parts:
            with pa.memory_map(str(part)) as mapped:
                table = pa.ipc.open_file(mapped).read_all()
            names = set(table.column_names)
            columns = {
                f"c{index}": table[f"c{index}"] if f"c{index}" in names else pa.nulls(len(table), pa.string())
                for index in wanted
            }
            yield pa.table({**columns, **{name: table[name] for name in _PLACE}})

    def remove(self) -> None:
        """Delete the parts."""
        for part in self.parts:
            part.unlink(missing_ok=True)


def write(path: Path, folder: Path, name: str) -> Spool:
    """Parse JSON lines into ``folder``; ``name`` begins the names of the parts.

    Raises:
        UnreadableFileError: when the file is torn, or has too many columns.
    """
    found: dict[str, None] = {}
    parts: list[Path] = []
    records: list[Record] = []
    with packed.json_file(path) as file:
        for record in json_lines.records(file):
            json_lines.note_columns(found, record, str(path))
            records.append(record)
            if len(records) >= BATCH:
                parts.append(_write_part(folder / f"{name}-{len(parts)}.arrow", tuple(found), records))
                records = []
        parts.append(_write_part(folder / f"{name}-{len(parts)}.arrow", tuple(found), records))
    return Spool(tuple(found), tuple(parts))


def _write_part(target: Path, names: Sequence[str], records: Sequence[Record]) -> Path:
    import pyarrow as pa

    values = [record.values for record in records]
    columns: dict[str, pa.Array] = {}
    for index, name in enumerate(names):
        columns[f"c{index}"] = pa.array([each.get(name) for each in values], pa.string())
    columns["x_Record"] = pa.array([record.number for record in records], pa.int64())
    columns["x_Line"] = pa.array([record.line for record in records], pa.int64())
    columns["x_Ragged"] = pa.array([_problem(record.problem) for record in records], pa.string())
    table = pa.table(columns)
    with pa.OSFile(str(target), "wb") as file, pa.ipc.new_file(file, table.schema, options=_packed()) as writer:
        writer.write_table(table)
    return target


def _packed() -> Any:
    import pyarrow as pa

    return pa.ipc.IpcWriteOptions(compression="lz4")


def _problem(parts: tuple[str, str, str] | None) -> str | None:
    return staging.UNIT.join(part.replace(staging.UNIT, " ") for part in parts) if parts else None
