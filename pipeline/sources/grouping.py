"""Group a source's files into deliveries, oldest first.

The manifest decides. Without one, files that share row keys in a billing period are deliveries of it one after the
other, and files that share none are parts of one delivery; what is in between cannot be decided.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from pipeline.errors import CostmillError, ExportError, FileChangedError, UndecidedError, UnreadableFileError
from pipeline.sources import find, manifests
from pipeline.sources.delivery import Delivery, Mode, Plan
from pipeline.sources.find import ExportFile, HashCache
from pipeline.sources.manifests import Manifest
from pipeline.sources.places import Folder, Opener, Place
from pipeline.sources.profiles import Profile, are_alike, are_shards, overlap

logger = logging.getLogger(__name__)

#: From this share of common row keys on, two files of a period are deliveries of it one after the other.
REDELIVERED_FROM = 0.5
#: Up to this share they are parts: some rows may have equal keys by chance.
PARTS_UP_TO = 0.02
_DIGITS = re.compile(r"[0-9]+")

Profiler = Callable[[ExportFile], Profile]


def plan(
    patterns: Sequence[str], cache: HashCache, profiler: Profiler, mode: Mode = "auto", opener: Opener = Folder
) -> Plan:
    """Find and group the files of a source; ``opener`` opens each path of it.

    Raises:
        ExportError: when a pattern matches nothing, or nothing but JSON that is no manifest.
        UndecidedError: when files overlap in part.
    """
    stated: list[Delivery] = []
    loose: list[ExportFile] = []
    refused: list[tuple[ExportFile, CostmillError]] = []
    for pattern in patterns:
        place = opener(pattern)
        found, claimed, broken = _by_manifest(place, cache)
        stated += found
        free, waiting = _apart(
            [path for path in place.paths if path not in claimed], [path for path, _ in broken], place
        )
        files, unread = _hashed(free, place, cache)
        files, held = _hold(files, unread)
        loose += files
        refused += [*((_unhashed(path, place, error), error) for path, error in broken), *waiting, *unread, *held]
    unclaimed, unknown = _profiled(list(dict.fromkeys(loose)), profiler, mode)
    refused += unknown
    deliveries = stated + (_grouped(unclaimed, mode) if unclaimed else [])
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


def _profiled(
    files: list[ExportFile], profiler: Profiler, mode: Mode
) -> tuple[list[tuple[ExportFile, Profile | None]], list[tuple[ExportFile, CostmillError]]]:
    if len(files) == 1 or mode != "auto":
        return [(file, None) for file in files], []
    good: list[tuple[ExportFile, Profile | None]] = []
    refused: list[tuple[ExportFile, CostmillError]] = []
    for file in files:
        try:
            good.append((file, profiler(file)))
        except CostmillError as error:
            refused.append((file, error))
    return good, refused


def _grouped(files: list[tuple[ExportFile, Profile | None]], mode: Mode) -> list[Delivery]:
    if mode == "one":  # a copy of a part is no other part
        return [_delivery(list({file.sha256: file for file, _ in files}.values()))]
    if mode == "each":
        return [_delivery([file]) for file, _ in files]
    groups: list[list[tuple[ExportFile, Profile | None]]] = []
    for file, profile in sorted(files, key=lambda pair: pair[0].modified_ns):
        open_group = _group_of(profile, groups)
        if open_group is not None and not any(_redelivers(file, profile, *member) for member in open_group):
            open_group.append((file, profile))
        else:
            groups.append([(file, profile)])
    return [_delivery([file for file, _ in group]) for group in groups]


def _group_of(
    profile: Profile | None, groups: list[list[tuple[ExportFile, Profile | None]]]
) -> list[tuple[ExportFile, Profile | None]] | None:
    """The newest group that holds a billing period of this profile, in its format."""
    if profile is None:
        return None
    for group in reversed(groups):
        members = [member for _, member in group if member is not None and member.format == profile.format]
        if any(are_alike(profile, member, period) for member in members for period in {*member.rows} & {*profile.rows}):
            return group
    return None


def _redelivers(file: ExportFile, profile: Profile | None, other: ExportFile, known: Profile | None) -> bool:
    if profile is None or known is None:
        return False
    if file.sha256 == other.sha256:
        return True
    if profile.batches or known.batches:
        return not are_shards(profile, known)
    shares = [
        overlap(profile.sketches[period], known.sketches[period]) for period in set(profile.rows) & set(known.rows)
    ]
    share = max(shares, default=0.0)
    if PARTS_UP_TO < share < REDELIVERED_FROM:
        raise UndecidedError(
            f"{other.name} and {file.name} share about {share:.0%} of their rows: neither parts of one delivery nor "
            "deliveries one after the other; nothing of them was loaded. Say which with --delivery one or --delivery each"
        )
    return share >= REDELIVERED_FROM


def _delivery(files: list[ExportFile]) -> Delivery:
    return Delivery(tuple(files), None, max(file.modified_at for file in files))
