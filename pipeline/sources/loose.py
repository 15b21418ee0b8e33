"""Files without a manifest: which are parts of one delivery, and which are deliveries one after the other.

Files that share row keys in a billing period are deliveries of it, those that share none are parts. Where times and keys
alone would mix two deliveries, final copies (their rows are invoiced) are told from provisional ones. What is still in
doubt is refused, and with it no more than the files of the billing periods in doubt.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from pipeline.errors import UndecidedError
from pipeline.sources import find
from pipeline.sources.delivery import Delivery
from pipeline.sources.find import ExportFile
from pipeline.sources.profiles import SKETCH_SIZE, Profile, are_alike, are_shards, overlap

#: From this share of common row keys on, two files of a period are deliveries of it one after the other.
REDELIVERED_FROM = 0.5
#: Up to this share they are parts: some rows may have equal keys by chance.
PARTS_UP_TO = 0.02
#: So many row keys of a small file must be comparable with the sample that is kept of a large one.
ENOUGH = 16
#: A provisional copy this much later (nanoseconds) than the final one beside it was only copied there after it: one hour.
COPIED_WITHIN = 3_600 * 10**9
#: How somebody says what files are; it is no option of a run.
BY_HAND = "costmill load FILES --source NAME --delivery"


@dataclass(frozen=True)
class Loose:
    """A file that no manifest names, and what it holds."""

    file: ExportFile
    profile: Profile


def grouped(files: Sequence[Loose]) -> list[Delivery]:
    """Group files into deliveries; those that cannot be told apart are one delivery that says so as its ``problem``."""
    deliveries: list[Delivery] = []
    for together in _related(sorted(files, key=lambda each: each.file.modified_ns)):
        try:
            deliveries += [_delivery(group.members, group.made_ns) for group in _groups(together)]
        except UndecidedError as error:
            deliveries.append(_undecided(together, error))
    return deliveries


class _Group:
    """Files that would be one delivery; ``made_ns`` orders it: its latest change, or that of what it finalises."""

    def __init__(self, members: Iterable[Loose] = ()) -> None:
        self.members: list[Loose] = []
        self.finality: set[bool] = set()
        self.hashes: set[str] = set()
        self.first_ns = self.last_ns = self.made_ns = 0
        self._owners: dict[tuple[str, str], list[int]] = {}
        self._limits: dict[str, str] = {}
        for each in members:
            self.add(each)

    def add(self, loose: Loose) -> None:
        """Take a file in."""
        for period, keys in loose.profile.sketches.items():
            if len(keys) >= SKETCH_SIZE:
                self._limits[period] = min(keys[-1], self._limits.get(period, "g"))
            for key in keys:
                self._owners.setdefault((period, key), []).append(len(self.members))
        changed = loose.file.modified_ns
        self.first_ns = min(self.first_ns, changed) if self.members else changed
        self.last_ns = self.made_ns = max(self.last_ns, changed) if self.members else changed
        self.members.append(loose)
        self.finality.add(loose.profile.is_final)
        self.hashes.add(loose.file.sha256)

    @property
    def folders(self) -> set[str]:
        """The folders, or the prefixes of the bucket, that the files are in."""
        return {posixpath.dirname(each.file.name) for each in self.members}

    def holds(self, profile: Profile, period: str) -> bool:
        """Whether a member has rows of the period and may be of the profile's view."""
        return any(period in each.profile.rows and are_alike(profile, each.profile, period) for each in self.members)

    def share(self, loose: Loose, period: str) -> tuple[float, Loose | None]:
        """The share of row keys that a file has in common with one member or with all, and the member that has most."""
        keys = loose.profile.sketches.get(period, ())
        met = sorted({number for key in keys for number in self._owners.get((period, key), ())})
        theirs = [self.members[number].profile.sketches[period] for number in met]
        if not met:
            return 0.0, None
        best, most = max(zip([overlap(keys, each) for each in theirs], met, strict=True))
        # A month that was cut anew has the keys of one file in several.
        return max(best, overlap(keys, *theirs)), self.members[most]

    def lacks(self, loose: Loose, period: str) -> bool:
        """Whether a file's rows are not there again; not where too few of its keys can be compared to tell."""
        if loose.file.sha256 in self.hashes or self.share(loose, period)[0] >= REDELIVERED_FROM:
            return False
        keys, limit = loose.profile.sketches.get(period, ()), self._limits.get(period, "g")
        return sum(key <= limit for key in keys) >= min(len(keys), ENOUGH)

    def delivers_again(self, loose: Loose) -> bool:
        """Whether a file has rows that the group has, too.

        Raises:
            UndecidedError: when it has some of them.
        """
        if loose.file.sha256 in self.hashes:
            return True
        if loose.profile.batches or any(each.profile.batches for each in self.members):
            return not all(are_shards(loose.profile, each.profile) for each in self.members)
        share, other = max((self.share(loose, period) for period in loose.profile.rows), key=lambda found: found[0])
        if other is not None and PARTS_UP_TO < share < REDELIVERED_FROM:
            raise UndecidedError(
                f"{other.file.name} and {loose.file.name} share about {share:.0%} of their rows: neither parts of one "
                "delivery nor deliveries one after the other; nothing of them was loaded. Say which with "
                f"`{BY_HAND} one` or `{BY_HAND} each`"
            )
        return share >= REDELIVERED_FROM


def _related(files: Iterable[Loose]) -> list[list[Loose]]:
    """Files that have a billing period of one format in common, be it by way of others; in the order given."""
    found: dict[tuple[str, str, str], list[Loose]] = {}
    alone: list[list[Loose]] = []
    for each in files:
        names = list(_months(each.profile))
        joined = {id(found[name]): found[name] for name in names if name in found}
        together = max(joined.values(), key=len, default=[])
        for others in joined.values():
            if others is not together:
                together += others
                found.update((name, together) for other in others for name in _months(other.profile))
        together.append(each)
        found.update((name, together) for name in names)
        alone += [] if names else [together]
    return [*alone, *({id(together): together for together in found.values()}.values())]


def _months(profile: Profile) -> Iterator[tuple[str, str, str]]:
    """The billing periods of a file by format and view; what serves as both views is of each."""
    for period in profile.rows:
        told = profile.view(period)
        for view in ("actual", "amortized"):
            if told not in ("actual", "amortized") or told == view:
                yield profile.format, period, view


def _groups(files: Sequence[Loose]) -> list[_Group]:
    """Group related files: as time went by, else without copies, else the provisional and the final ones apart.

    Raises:
        UndecidedError: when none of it keeps deliveries from mixing; what is wrong with the first way is told.
    """
    if any(each.profile.batches for each in files):
        return _by_time(files)
    problems = []
    for way, chosen in _ways(files):
        try:
            return way(chosen)
        except UndecidedError as problem:
            problems.append(problem)
    raise problems[0]


def _ways(files: Sequence[Loose]) -> Iterator[tuple[Callable[[Sequence[Loose]], list[_Group]], Sequence[Loose]]]:
    yield _checked, files
    distinct: dict[str, Loose] = {}
    for each in files:
        distinct.setdefault(each.file.sha256, each)
    yield _checked, list(distinct.values())
    if _is_finalised(files):
        yield _by_finality, files
        yield _by_finality, list(distinct.values())


def _by_time(files: Iterable[Loose]) -> list[_Group]:
    """Let each file join the newest group of each of its billing periods, unless it delivers rows of one again."""
    groups: list[_Group] = []
    for each in files:
        newest = _newest(groups, each.profile)
        near = [group for group in groups if group in newest]
        if not near or any(group.delivers_again(each) for group in near):
            groups.append(_Group([each]))
            continue
        *others, last = near
        for member in [*(member for group in others for member in group.members), each]:
            last.add(member)
        groups = [group for group in groups if group not in others]
    return groups


def _newest(groups: Sequence[_Group], profile: Profile) -> list[_Group]:
    found = (
        next((group for group in reversed(groups) if group.holds(profile, period)), None) for period in profile.rows
    )
    return [group for group in found if group is not None]


def _checked(files: Sequence[Loose]) -> list[_Group]:
    groups = _by_time(files)
    mixed = [group for group in groups if len(group.finality) > 1] if len(groups) > 1 else []
    if mixed and _is_finalised(files):
        first, *others = mixed[0].members
        raise _mixed(first, next(each for each in others if each.profile.is_final != first.profile.is_final))
    return _followed(groups)


def _is_finalised(files: Sequence[Loose]) -> bool:
    """Whether some of the files are final copies of others."""
    provisional = _Group(each for each in files if not each.profile.is_final)
    final = [each for each in files if each.profile.is_final]
    return any(provisional.share(each, period)[0] >= REDELIVERED_FROM for each in final for period in each.profile.rows)


def _by_finality(files: Sequence[Loose]) -> list[_Group]:
    provisional = [each for each in files if not each.profile.is_final]
    final = [each for each in files if each.profile.is_final]
    return _followed([*_checked(provisional), *_checked(final)])


def _followed(groups: list[_Group]) -> list[_Group]:
    """Put groups in order, and prove that each delivers all files again of the one before it in a billing period.

    A final copy follows the provisional one, unless all of that was written later, and not only by the time that it takes
    to copy a folder.
    """
    provisional = [group for group in groups if group.finality == {False}]
    for group in groups:
        if group.finality == {True}:
            known = [each.last_ns for each in provisional if each.first_ns <= group.last_ns or _beside(each, group)]
            group.made_ns = max([group.last_ns, *known])
    ordered = sorted(groups, key=lambda group: (group.made_ns, group.finality == {True}))
    for number, group in enumerate(ordered):
        for period in sorted({period for each in group.members for period in each.profile.rows}):
            before = next((each for each in reversed(ordered[:number]) if _again(each, group, period)), None)
            if before is not None:
                _require_follows(before, group, period)
    return ordered


def _beside(provisional: _Group, final: _Group) -> bool:
    """Whether a provisional delivery lies with its final copy, all of its rows are there again, and both are of an hour."""
    if provisional.first_ns - final.last_ns > COPIED_WITHIN or not provisional.folders & final.folders:
        return False
    again = [(each, period) for each in provisional.members for period in each.profile.rows]
    if any(not final.holds(each.profile, period) or final.lacks(each, period) for each, period in again):
        return False
    return any(final.share(each, period)[0] >= REDELIVERED_FROM for each, period in again)


def _again(before: _Group, group: _Group, period: str) -> list[Loose]:
    """The files of a group that the next one must deliver again: those of the period that may be of its view."""
    return [each for each in before.members if period in each.profile.rows and group.holds(each.profile, period)]


def _require_follows(before: _Group, group: _Group, period: str) -> None:
    for each in _again(before, group, period):
        if group.lacks(each, period):
            raise _mixed(each, group.members[0])
    if len(before.members) == len(group.members) == 1 or before.finality ^ group.finality == {True, False}:
        return
    folders = [{each.file.path.parent for each in one.members} for one in (before, group)]
    if before.last_ns >= group.first_ns and folders[0] & folders[1]:  # by the order given alone, parts could be mixed
        raise _mixed(before.members[-1], group.members[0])


def _mixed(one: Loose, other: Loose) -> UndecidedError:
    return UndecidedError(
        f"{one.file.name} and {other.file.name} are of several deliveries of a month, and neither times nor rows say which "
        f"files go together; nothing of them was loaded. Load each delivery by itself with `{BY_HAND} one`, the oldest "
        "first, or leave the files of one delivery there"
    )


def _undecided(files: Sequence[Loose], error: UndecidedError) -> Delivery:
    periods = sorted({period for each in files for period in each.profile.rows})
    more = len(files) - 2
    others = f"; {more} more of {', '.join(periods)} {'waits' if more == 1 else 'wait'}, too" if more else ""
    refused = _delivery(files, max(each.file.modified_ns for each in files))
    period = periods[0] if len(periods) == 1 else None
    return replace(refused, period=period, problem=f"{error}{others}", undecided=True)


def _delivery(files: Iterable[Loose], made_ns: int) -> Delivery:
    return Delivery(tuple(each.file for each in files), None, find.moment(made_ns))
