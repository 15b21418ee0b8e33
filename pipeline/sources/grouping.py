"""Group a source's files into deliveries, oldest first.

The manifest decides. Without one, files that share row keys in a billing period are deliveries of it one after the
other, and files that share none are parts of one delivery; what is in between cannot be decided.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

from pipeline.errors import CostmillError, ExportError, FileChangedError, UndecidedError, UnreadableFileError
from pipeline.sources import find, manifests, views
from pipeline.sources.find import ExportFile, HashCache
from pipeline.sources.manifests import Manifest
from pipeline.sources.places import Folder, Opener, Place
from pipeline.sources.views import Kind

logger = logging.getLogger(__name__)

#: From this share of common row keys on, two files of a period are deliveries of it one after the other.
REDELIVERED_FROM = 0.5
#: Up to this share they are parts: some rows may have equal keys by chance.
PARTS_UP_TO = 0.02
#: Row keys kept of each file and period (the smallest hashes): enough to tell 2 % from 50 %.
SKETCH_SIZE = 1024
#: Batches kept of each file of an incremental export.
SKETCH_BATCHES = 20_000

_DIGITS = re.compile(r"[0-9]+")

Mode = Literal["auto", "one", "each"]


@dataclass(frozen=True)
class Profile:
    """What a file holds: its format, and by billing period its rows and the smallest hashes of its row keys.

    ``batches`` says what each batch of an incremental export holds here; empty for snapshots.
    ``kinds`` are what tells its view, for a format whose months come in two views of the same money.
    """

    format: str
    rows: Mapping[str, int]
    sketches: Mapping[str, tuple[str, ...]]
    batches: Mapping[str, str] = field(default_factory=dict)
    kinds: tuple[Kind, ...] = ()

    def view(self, period: str) -> views.View:
        """The view of a billing period's rows."""
        return views.told(kind for kind in self.kinds if kind.period == period)

    def to_json(self) -> str:
        """Return the profile as JSON text."""
        facts = {"rows": dict(self.rows), "sketches": dict(self.sketches), "batches": dict(self.batches)}
        return json.dumps({"format": self.format, **facts, "kinds": [kind.to_list() for kind in self.kinds]})

    @staticmethod
    def from_json(text: str) -> Profile:
        """Read what ``to_json`` wrote."""
        loaded = json.loads(text)
        sketches = {key: tuple(value) for key, value in loaded["sketches"].items()}
        kinds = tuple(Kind.from_list(values) for values in loaded.get("kinds", ()))
        return Profile(loaded["format"], loaded["rows"], sketches, loaded["batches"], kinds)


@dataclass(frozen=True)
class Delivery:
    """One export at one time: files that are loaded together or not at all.

    Attributes:
        delivered_at: when the provider made it, as it states itself (UTC); None where it does not.
        modified_at: the latest change of its files (UTC), which orders deliveries that state no time.
        current: named by the provider as the newest of its period.
        period: the billing period that its manifest states; the rows decide, this names an empty delivery.
        problem: why it cannot be read, such as a file that its manifest names and that is not there.
        view: the view of the money that its manifest states, where a format's months come in two.
        views: of a joint delivery: the view of each file.
        only: the billing periods that are taken from it; None for all.
        alone: why it stands alone though the other view is there.
        overruled: why it does not go in: the other view stands alone.
        manifest: the manifest that names its files; None where the rows decided.
    """

    files: tuple[ExportFile, ...]
    delivered_at: datetime | None
    modified_at: datetime
    current: bool = False
    period: str | None = None
    problem: str | None = None
    view: str | None = None
    views: tuple[str, ...] = ()
    only: frozenset[str] | None = None
    alone: str | None = None
    overruled: str | None = None
    manifest: Path | None = None

    @property
    def name(self) -> str:
        """The path of its first file, and how many there are."""
        first = self.files[0].name if self.files else "nothing"
        return first if len(self.files) <= 1 else f"{first} and {len(self.files) - 1} more"

    @property
    def order(self) -> tuple[bool, datetime]:
        """Deliveries of a period go in by this."""
        return (self.current, self.delivered_at or self.modified_at)

    def fingerprint(self, settings: str) -> str:
        """Hash of the contents and the settings that change a mapping."""
        parts = [*sorted(file.sha256 for file in self.files), settings, self.problem or ""]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


@dataclass(frozen=True)
class Plan:
    """A source's deliveries, oldest first, and the files that are none, each with its error."""

    deliveries: tuple[Delivery, ...]
    refused: tuple[tuple[ExportFile, CostmillError], ...]


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
        if any(_alike(profile, member, period) for member in members for period in {*member.rows} & {*profile.rows}):
            return group
    return None


def _alike(profile: Profile, member: Profile, period: str) -> bool:
    """Whether two files can be of one view: an amortized one is no re-delivery of an actual one, nor a part of it."""
    return {profile.view(period), member.view(period)} != {"actual", "amortized"}


def _redelivers(file: ExportFile, profile: Profile | None, other: ExportFile, known: Profile | None) -> bool:
    if profile is None or known is None:
        return False
    if file.sha256 == other.sha256:
        return True
    if profile.batches or known.batches:
        return not _are_shards(profile, known)
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


def _are_shards(left: Profile, right: Profile) -> bool:
    """Whether two files hold parts of the same batches: one extraction in several files.

    An extraction that was cut differs in its last batch only; one that was made again differs in none.
    """
    common = left.batches.keys() & right.batches.keys()
    differing = sum(left.batches[name] != right.batches[name] for name in common)
    return differing > 1 and 2 * differing > len(common)


def overlap(left: Sequence[str], right: Sequence[str]) -> float:
    """Return the share of common row keys, of the smaller side, from two sketches (sorted smallest hashes)."""
    if not left or not right:
        return 0.0
    limits = [side[-1] for side in (left, right) if len(side) >= SKETCH_SIZE]
    limit = min(limits, default="g")
    low = {key for key in left if key <= limit}
    high = {key for key in right if key <= limit}
    smaller = min(len(low), len(high))
    return len(low & high) / smaller if smaller else 0.0


def _delivery(files: list[ExportFile]) -> Delivery:
    return Delivery(tuple(files), None, max(file.modified_at for file in files))
