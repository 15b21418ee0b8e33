"""Manifests: which files are one delivery, of which month, and when it was made.

Three kinds are known by their keys: AWS CUR legacy (``assemblyId``, ``reportKeys``), AWS Data Exports
(``dataFiles``), and Azure Cost Management exports (``blobs``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

from pipeline.errors import UnreadableFileError
from pipeline.sources.places import Place

MANIFEST_LIMIT = 64 << 20

#: Says whether a path is a file of the source.
Has = Callable[[Path], bool]

_PERIOD_FOLDER = re.compile(r"\bbilling_period=", re.IGNORECASE)
_STAMP = re.compile(r"(\d{4})-?(\d{2})-?(\d{2})T(\d{2}):?(\d{2}):?(\d{2})")


@dataclass(frozen=True)
class Manifest:
    """One delivery as its provider states it.

    Attributes:
        path: where it stands; in a bucket a path in name only.
        name: what people call it: its path, or its address.
        identity: assembly, execution or run id; two copies of a manifest share it.
        keys: the data files as the manifest names them (object keys or URIs).
        sizes: key -> bytes where stated.
        delivered_at: when it was made (UTC), None where the manifest does not say.
        period: label of the billing period it states, None where it does not.
        view: ``actual`` or ``amortized`` where an Azure export says which of the two it is.
    """

    path: Path
    identity: str
    keys: tuple[str, ...]
    sizes: Mapping[str, int]
    delivered_at: datetime | None
    period: str | None
    view: str | None = None
    name: str = ""


#: What ``exportConfig.type`` of an Azure export says about its view.
_VIEWS = {"actualcost": "actual", "amortizedcost": "amortized"}


def read(path: Path, place: Place | None = None) -> Manifest | None:
    """Return the manifest in a JSON file (of a ``place``), or None when it is some other JSON.

    Raises:
        UnreadableFileError: when it is torn, or a manifest without its keys.
    """
    local, name = (place.local(path), place.name(path)) if place else (path, str(path))
    if local.stat().st_size > MANIFEST_LIMIT:
        raise UnreadableFileError(f"{name}: a JSON file of {local.stat().st_size} bytes is no manifest")
    try:
        loaded = json.loads(local.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise UnreadableFileError(f"{name}: not valid JSON ({error}); it may still be on its way") from error
    if not isinstance(loaded, dict):
        return None
    try:
        found = _interpret(path, loaded)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise UnreadableFileError(
            f"{name}: a manifest that cannot be understood ({error!r}); deliver it again"
        ) from error
    return found and replace(found, name=name)


def _interpret(path: Path, loaded: dict[str, Any]) -> Manifest | None:
    if "reportKeys" in loaded:
        keys = tuple(str(key) for key in loaded["reportKeys"])
        return Manifest(path, str(loaded["assemblyId"]), keys, {}, None, _period(loaded["billingPeriod"]["start"]))
    if "dataFiles" in loaded:
        keys = tuple(_data_file(entry) for entry in loaded["dataFiles"])
        identity = str(loaded.get("executionId") or loaded.get("assemblyId") or path)
        stated = re.search(r"billing_period=([12]\d{3}-(?:0[1-9]|1[0-2]))\b", "/".join(keys), re.IGNORECASE)
        return Manifest(
            path, identity, keys, {}, _stamp(identity) or _stamp("/".join(keys)), stated[1] if stated else None
        )
    if "blobs" in loaded:
        blobs = {str(blob["blobName"]): int(blob.get("byteCount", -1)) for blob in loaded["blobs"]}
        run = loaded.get("runInfo", {})
        sizes = {key: size for key, size in blobs.items() if size >= 0}
        made, period = _stamp(str(run.get("submittedTime", ""))), _period(str(run.get("startDate", "")))
        view = _VIEWS.get(str(loaded.get("exportConfig", {}).get("type", "")).lower())
        return Manifest(path, str(run.get("runId", path)), tuple(blobs), sizes, made, period, view)
    return None


def _data_file(entry: Any) -> str:
    return str(entry["path"] if isinstance(entry, dict) else entry)


def _stamp(text: str) -> datetime | None:
    found = _STAMP.findall(text)
    return datetime.strptime("".join(found[-1]), "%Y%m%d%H%M%S") if found else None


def _period(text: str) -> str | None:
    found = re.match(r"([12]\d{3})-?(0[1-9]|1[0-2])", text)
    return f"{found[1]}-{found[2]}" if found else None


def locate(manifest: Manifest, root: Path, has: Has | None = None) -> tuple[list[Path], list[str]]:
    """Find the manifest's files below ``root``: the longest tail of each key that exists beside one of its folders.

    Returns the files found and the keys that are not there. A key never leads outside ``root``; ``has`` says what is a
    file below it (None: on this machine).
    """
    has = has or _on_this_machine(root)
    found, missing = [], []
    for key in dict.fromkeys(manifest.keys):
        path = None if climbs(key) else _find(key, manifest.path.parent, root, has)
        if path is None:
            missing.append(key)
        else:
            found.append(path)
    return found, missing


def climbs(key: str) -> bool:
    """Whether a key leads upwards: no provider's does."""
    return ".." in PurePosixPath(key.split("://", 1)[-1]).parts


def is_outside(key: str, bucket: str | None) -> bool:
    """Whether a key that names nothing below the source's root leads out of the source, and will not arrive there.

    ``bucket`` is the source's, None on this machine: there a delivery was copied, and keys name the provider's bucket.
    """
    if "://" not in key:
        return climbs(key) or key.startswith("/")
    return climbs(key) or (bucket is not None and not key.startswith(f"{bucket}/"))


def may_list(torn: Path, path: Path) -> bool:
    """Whether a manifest that cannot be read may list a file: one below its folder, or below ``data`` for ``metadata``."""
    parts = list(torn.parent.parts)
    folders = [torn.parent]
    if "metadata" in parts:
        parts[len(parts) - 1 - parts[::-1].index("metadata")] = "data"
        folders.append(Path(*parts))
    return any(path.is_relative_to(folder) for folder in folders)


def looks_like_one(path: Path, local: Path) -> bool:
    """Whether JSON that cannot be read was to be a manifest; ``local`` has its bytes."""
    with local.open("rb") as file:
        start = file.read(1 << 16)
    return "manifest" in path.name.lower() or any(key in start for key in (b'"reportKeys"', b'"dataFiles"', b'"blobs"'))


def _on_this_machine(root: Path) -> Has:
    inside = root.resolve()

    def has(path: Path) -> bool:
        try:
            return path.is_file() and path.resolve().is_relative_to(inside)
        except (OSError, ValueError):  # such as a name that is too long for any file, or holds a NUL
            return False

    return has


def _find(key: str, folder: Path, root: Path, has: Has) -> Path | None:
    folders = [folder, *(parent for parent in folder.parents if parent == root or root in parent.parents)]
    for spelling in _spellings(key):
        parts = [part for part in PurePosixPath(spelling.split("://", 1)[-1]).parts if part not in ("/", ".")]
        for start in range(len(parts)):
            tail = Path(*parts[start:])
            for candidate in folders:
                if has(candidate / tail):
                    return candidate / tail
    return None


def _spellings(key: str) -> list[str]:
    """The key as it is, and with the folder of its period in either case: AWS has written both."""
    cases = [_PERIOD_FOLDER.sub(name, key) for name in ("BILLING_PERIOD=", "billing_period=")]
    return list(dict.fromkeys([key, *cases]))
