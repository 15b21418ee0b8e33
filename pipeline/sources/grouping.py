"""Group a source's files into deliveries, oldest first.

The manifest decides; without one, somebody's word, or else the rows.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from pipeline.errors import CostmillError, ExportError, FileChangedError, UnreadableFileError
from pipeline.sources import find, loose, manifests
from pipeline.sources.delivery import Delivery, Mode, Plan
from pipeline.sources.find import ExportFile, HashCache
from pipeline.sources.loose import Loose
from pipeline.sources.manifests import Manifest
from pipeline.sources.places import Folder, Opener, Place
from pipeline.sources.profiles import Profile

logger = logging.getLogger(__name__)

_DIGITS = re.compile(r"[0-9]+")

Profiler = Callable[[ExportFile], Profile]


def plan(
    patterns: Sequence[str], cache: HashCache, profiler: Profiler, mode: Mode = "auto", opener: Opener = Folder
) -> Plan:
    """Find and group the files of a source; ``opener`` opens each path of it.

    Raises:
        ExportError: when a pattern matches nothing, or nothing but JSON that is no manifest.
    """
    deliveries: list[Delivery] = []
    free: dict[ExportFile, None] = {}
    refused: list[tuple[ExportFile, CostmillError]] = []
    for pattern in patterns:
        place = opener(pattern)
        found, claimed, broken = _by_manifest(place, cache)
        deliveries += found
        left, waiting = _apart(
            [path for path in place.paths if path not in claimed], [path for path, _ in broken], place
        )
        files, unread = _hashed(left, place, cache)
        files, held = _hold(files, unread)
        free |= dict.fromkeys(files)
        refused += [*((_unhashed(path, place, error), error) for path, error in broken), *waiting, *unread, *held]
    if mode != "auto" or len(free) == 1:
        deliveries += _by_word(list(free), mode) if free else []
    else:
        told, unknown = _by_rows(list(free), profiler)
        deliveries += told
        refused += unknown
    if not deliveries and not refused:
        raise ExportError(
            f"{', '.join(patterns)}: no export there, only JSON that is no manifest; give the data files, too"
        )
    return Plan(tuple(sorted(deliveries, key=lambda delivery: delivery.order)), tuple(refused))


def _by_manifest(place: Place, cache: HashCache) -> tuple[list[Delivery], set[Path], list[tuple[Path, CostmillError]]]:
    read: dict[tuple[str, tuple[str, ...]], list[Manifest]] = {}
    claimed: set[Path] = set()
    broken: list[tuple[Path, CostmillError]] = []
    for path in place.paths:
        if not _is_json(path, place):
            continue
        claimed.add(path)
        try:
            manifest = manifests.read(path, place)
        except UnreadableFileError as error:
            broken.append((path, error))
            continue
        if manifest is None:
            logger.debug("%s: JSON, but no manifest; left alone", place.name(path))
        else:  # one execution may deliver two billing periods
            read.setdefault((manifest.identity, manifest.keys), []).append(manifest)
    deliveries = []
    parts: set[Path] = set()
    for copies in read.values():
        delivery, found = _stated_delivery(copies, place, cache)
        parts.update(found)
        deliveries.append(delivery)
    left = _left_over(place, parts)
    for path in left:
        logger.info(
            "%s: no manifest names it beside the parts that one names: left over of an earlier delivery",
            place.name(path),
        )
    return deliveries, claimed | parts | left, broken


def _is_json(path: Path, place: Place) -> bool:
    try:
        return place.is_json(path)
    except UnreadableFileError:  # told when it is read as an export
        return False


def _left_over(place: Place, parts: set[Path]) -> set[Path]:
    """Files that no manifest names, numbered like the parts beside them: an earlier, larger delivery left them.

    A provider that overwrites its export empties the parts that it has no more use for, or leaves them as they were.
    """
    series = {(path.parent, _DIGITS.sub("#", path.name)) for path in parts}
    return {path for path in place.paths if path not in parts and (path.parent, _DIGITS.sub("#", path.name)) in series}


def _apart(
    paths: list[Path], torn: list[Path], place: Place
) -> tuple[list[Path], list[tuple[ExportFile, CostmillError]]]:
    """Set apart files that a manifest that cannot be read may list: they may be some parts of many."""
    free: list[Path] = []
    waiting: list[tuple[ExportFile, CostmillError]] = []
    torn = [path for path in torn if manifests.looks_like_one(path, place.local(path))]
    for path in paths:
        by = next((manifest for manifest in torn if manifests.may_list(manifest, path)), None)
        if by is None:
            free.append(path)
        else:
            error = UnreadableFileError(
                f"{place.name(path)}: waits until the manifest {place.name(by)} can be read; nothing of it was loaded"
            )
            waiting.append((_unhashed(path, place, error), error))
    return free, waiting


def _hashed(
    paths: Sequence[Path], place: Place, cache: HashCache
) -> tuple[list[ExportFile], list[tuple[ExportFile, CostmillError]]]:
    files: list[ExportFile] = []
    unread: list[tuple[ExportFile, CostmillError]] = []
    for path in paths:
        try:
            files.append(place.fingerprint(path, cache))
        except UnreadableFileError as error:
            unread.append((_unhashed(path, place, error), error))
    return files, unread


def _hold(
    files: list[ExportFile], unread: Sequence[tuple[ExportFile, CostmillError]]
) -> tuple[list[ExportFile], list[tuple[ExportFile, CostmillError]]]:
    """Hold back files without a manifest while another is on its way: they may be parts of one delivery."""
    late = next((file for file, error in unread if error.retry), None)
    if late is None:
        return files, []
    held: list[tuple[ExportFile, CostmillError]] = []
    for file in files:
        error = FileChangedError(
            f"{file.name}: waits until {late.name} can be read, since no manifest says that they are not parts of one "
            "delivery; nothing of it was loaded, run again"
        )
        held.append((find.unhashed(file.path, error, file.url), error))
    return [], held


def _unhashed(path: Path, place: Place, error: CostmillError) -> ExportFile:
    return find.unhashed(path, error, place.name(path) if place.bucket else None)


def _stated_delivery(copies: list[Manifest], place: Place, cache: HashCache) -> tuple[Delivery, list[Path]]:
    """Return the delivery that a manifest states, and where its files stand."""
    manifest = min(copies, key=lambda copy: (len(copy.path.parts), copy.path))
    found, missing = manifests.locate(manifest, place.root, place.has)
    hashed, unread = _hashed(found, place, cache)
    files = (*hashed, *(file for file, _ in unread))
    here = dict(zip((key for key in dict.fromkeys(manifest.keys) if key not in missing), found, strict=True))
    problem = None
    if not manifest.keys:
        problem = f"{manifest.name}: names no files; it waits until the provider has delivered"
    elif outside := next((key for key in missing if manifests.is_outside(key, place.bucket)), None):
        problem = f"{manifest.name}: names {outside!r}, which is outside the source; nothing of it was loaded"
    elif missing:
        problem = f"{manifest.name}: names {missing[0]!r}, which is not there; it waits until the file has arrived"
    elif unread:
        problem = str(unread[0][1])
    else:
        problem = _torn(manifest, here, dict(zip(found, hashed, strict=True)))
        problem = problem or _ahead([copy.path for copy in copies], found, place)
    modified = max((file.modified_at for file in files), default=datetime.min)
    # AWS keeps a copy of the newest assembly's manifest in the period's folder, above the assemblies' own.
    current = len({copy.path.parent for copy in copies}) > 1
    made = manifest.delivered_at
    delivery = Delivery(
        files, made, modified, current, manifest.period, problem, view=manifest.view, manifest=manifest.path
    )
    return delivery, found


def _torn(manifest: Manifest, here: Mapping[str, Path], files: Mapping[Path, ExportFile]) -> str | None:
    """Say which file has another size than the manifest states."""
    for key, size in manifest.sizes.items():
        file = files[here[key]]
        if file.bytes != size:
            return f"{file.name}: {file.bytes} bytes, but {manifest.name} says {size}; it waits until the file is whole"
    return None


def _ahead(copies: Sequence[Path], found: Sequence[Path], place: Place) -> str | None:
    """Say which file is newer than every copy of its manifest: parts are being overwritten."""
    for path in found:
        if all(place.is_ahead(path, manifest) for manifest in copies):
            return (
                f"{place.name(path)}: written after {place.name(copies[0])}, which still names it; the delivery waits "
                "for its new manifest, for at most an hour"
            )
    return None


def _by_rows(
    files: Sequence[ExportFile], profiler: Profiler
) -> tuple[list[Delivery], list[tuple[ExportFile, CostmillError]]]:
    """Deliveries as the rows say, and files that cannot be read."""
    good: list[Loose] = []
    refused: list[tuple[ExportFile, CostmillError]] = []
    for file in files:
        try:
            good.append(Loose(file, profiler(file)))
        except CostmillError as error:
            refused.append((file, error))
    return loose.grouped(good), refused


def _by_word(files: Sequence[ExportFile], mode: Mode) -> list[Delivery]:
    """Deliveries as somebody has said they are."""
    if mode == "each":
        return [_delivery([file]) for file in files]
    return [_delivery(list({file.sha256: file for file in files}.values()))]  # a copy of a part is no other part


def _delivery(files: list[ExportFile]) -> Delivery:
    return Delivery(tuple(files), None, max(file.modified_at for file in files))
