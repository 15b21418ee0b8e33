"""Keep what was judged: copies of the files of a delivery that waits, in a folder beside the warehouse.

``costs.duckdb.staged/<load_id>/`` holds the files and ``delivery.json``, which says what they are. It is written under
another name first and is whole when it has its own; one without a delivery that waits in the ledger is swept away.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from pipeline.config import SourceSettings
from pipeline.errors import FileChangedError
from pipeline.sources.delivery import Delivery
from pipeline.sources.find import ExportFile
from pipeline.store import publish
from pipeline.store.warehouse import Warehouse

MANIFEST = "delivery.json"


@dataclass(frozen=True)
class Kept:
    """A delivery as it was judged: its files are the copies, ``names`` says where each came from.

    ``source`` has the settings of the source that change what the files become.
    """

    source: SourceSettings
    delivery: Delivery
    names: dict[str, str]

    def under(self, source: SourceSettings) -> SourceSettings:
        """Return a source's settings of today with those that it was judged with where they change what it becomes."""
        return replace(source, format=self.source.format, keep_columns=self.source.keep_columns)


class CannotKeepError(FileChangedError):
    """What was judged could not be copied: no verdict, the next run judges again."""


def folder(warehouse: Warehouse) -> Path:
    """Return the folder of all copies, beside the warehouse."""
    return warehouse.path.with_name(warehouse.path.name + ".staged")


def is_kept(warehouse: Warehouse, load_id: str) -> bool:
    """Whether the copies of a delivery are there."""
    return (folder(warehouse) / load_id / MANIFEST).exists()


def keep(warehouse: Warehouse, load_id: str, source: SourceSettings, delivery: Delivery) -> None:
    """Copy a delivery's files; nothing is done when that has been done.

    Raises:
        CannotKeepError: when a file is no longer what was judged, or the folder cannot be written.
    """
    if is_kept(warehouse, load_id):
        return
    target = folder(warehouse) / load_id
    partial = target.with_name(f".{load_id}.partial")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        copies = [_copy(file, partial, number) for number, file in enumerate(delivery.files)]
        told = {
            "settings": _settings(source),
            "delivery": _encode({field.name: getattr(delivery, field.name) for field in fields(delivery)}),
            "copies": copies,
        }
        (partial / MANIFEST).write_text(json.dumps(told, indent=1), encoding="utf-8")
        shutil.rmtree(target, ignore_errors=True)
        partial.rename(target)
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise CannotKeepError(
            f"{delivery.name}: it does not pass the gate, and its files cannot be kept in {target}: "
            f"{error.strerror or error}; what is loaded stays, make room there and run again"
        ) from error
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def kept(warehouse: Warehouse, load_id: str) -> Kept | None:
    """Return a delivery as it was judged, its files the copies; None when there are none."""
    place = folder(warehouse) / load_id
    if not is_kept(warehouse, load_id):
        return None
    told = json.loads((place / MANIFEST).read_text(encoding="utf-8"))
    known = {field.name for field in fields(Delivery)}
    found = Delivery(**{name: value for name, value in _decode(told["delivery"]).items() if name in known})
    paths = {str(file.path): place / name for file, name in zip(found.files, told["copies"], strict=True)}
    names = {str(path): original for original, path in paths.items()}
    settings = told["settings"]
    source = SourceSettings(
        settings["name"],
        str(place),
        settings["format"],
        keep_columns=tuple(settings["keep_columns"]),
        max_rejected=Decimal(settings["max_rejected"]),
        bill=bool(settings.get("bill")),
    )
    return Kept(source, _moved(found, paths), names)


def sweep(warehouse: Warehouse) -> None:
    """Remove the copies of deliveries that wait no longer, and what a killed run left half-copied."""
    place = folder(warehouse)
    if not place.is_dir():
        return
    waiting = {row[0] for row in warehouse.rows("SELECT load_id FROM loads WHERE status = 'quarantined'")}
    for each in place.iterdir():
        if each.is_dir() and each.name not in waiting:
            shutil.rmtree(each, ignore_errors=True)
    if not any(place.iterdir()):
        place.rmdir()


def _copy(file: ExportFile, target: Path, number: int) -> str:
    copy = target / f"{number}-{file.path.name}"
    if not file.path.exists():
        raise CannotKeepError(f"{file.path}: went away after it was judged; what is loaded stays, run again")
    publish.clone(file.path, copy)
    with copy.open("rb") as written:
        digest = hashlib.file_digest(written, "sha256").hexdigest()
        os.fsync(written.fileno())
    if digest != file.sha256:
        raise CannotKeepError(f"{file.path}: changed after it was judged; what is loaded stays, run again")
    os.utime(copy, ns=(file.modified_ns, file.modified_ns))
    return copy.name


def _settings(source: SourceSettings) -> dict[str, Any]:
    return {
        "name": source.name,
        "format": source.format,
        "keep_columns": list(source.keep_columns),
        "max_rejected": str(source.max_rejected),
        "bill": source.bill,
    }


def _moved(value: Any, paths: dict[str, Path]) -> Any:
    """Return a delivery, or a part of one, whose files stand at other paths."""
    if isinstance(value, ExportFile):
        copy = paths[str(value.path)]
        return replace(value, path=copy, modified_ns=copy.stat().st_mtime_ns)
    if isinstance(value, Delivery):
        return replace(value, **{each.name: _moved(getattr(value, each.name), paths) for each in fields(value)})
    if isinstance(value, tuple):
        return tuple(_moved(each, paths) for each in value)
    return value


def _encode(value: Any) -> Any:
    """Return what a delivery is made of as JSON holds it: a file, a time and a tuple each under a name of its kind."""
    if isinstance(value, ExportFile):
        parts = {each.name: getattr(value, each.name) for each in fields(value)}
        return {"file": _encode(parts | {"path": str(value.path)})}
    if isinstance(value, datetime):
        return {"time": value.isoformat()}
    if isinstance(value, Path):
        return {"path": str(value)}
    if isinstance(value, frozenset):
        return {"set": sorted(value)}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return {"items": [_encode(each) for each in value]}
    if isinstance(value, dict):
        return {"parts": {name: _encode(each) for name, each in value.items()}}
    return value


def _decode(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    [(kind, held)] = value.items()
    if kind == "file":
        parts = _decode(held)
        return ExportFile(**parts | {"path": Path(parts["path"])})
    if kind == "time":
        return datetime.fromisoformat(held)
    if kind == "path":
        return Path(held)
    if kind == "set":
        return frozenset(held)
    if kind == "items":
        return tuple(_decode(each) for each in held)
    return {name: _decode(each) for name, each in held.items()}
