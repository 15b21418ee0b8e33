"""Files without a manifest: no delivery is ever made of parts of two, and what cannot be told is said to be so."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from pathlib import Path

import pytest

from pipeline.sources.delivery import Delivery
from pipeline.sources.find import ExportFile
from pipeline.sources.loose import COPIED_WITHIN, Loose, grouped
from pipeline.sources.profiles import SKETCH_SIZE, Profile

#: Too late for a copy of the same hour (nanoseconds).
LATER = COPIED_WITHIN + 1


def part(name: str, keys: Iterable[int], at: int, *, final: bool = False, period: str = "2026-01") -> Loose:
    """A file with these row keys; final ones are invoiced."""
    sketch = tuple(sorted(f"{key:016x}" for key in keys))
    invoiced = {period: len(sketch) if final else 0}
    profile = Profile("aws_cur", {period: len(sketch)}, {period: sketch}, invoiced=invoiced)
    return Loose(ExportFile(Path(name), 1, at, f"{name} {at}"), profile)


def names(deliveries: Iterable[Delivery]) -> list[str]:
    """The files of each delivery, in order; ``?`` for what is undecided."""
    return [
        "?" if each.undecided else " ".join(sorted(Path(file.name).name for file in each.files)) for each in deliveries
    ]


def two_parts(times: Iterable[int], *, final: bool) -> list[Loose]:
    first, again, second, also = times
    one, two = range(10), range(10, 20)
    return [
        *(part("r-1", one, first), part("r-1-final", one, again, final=final)),
        *(part("r-2", two, second), part("r-2-final", two, also, final=final)),
    ]


def test_final_and_provisional_copies_never_mix_whatever_their_times_and_the_order_given() -> None:
    for times in itertools.product((0, LATER, 2 * LATER), repeat=4):
        for order in list(itertools.permutations(two_parts(times, final=True)))[::9]:
            found = names(grouped(order))
            is_reopened = min(times[0], times[2]) > max(times[1], times[3])
            newest_last = ["r-1 r-2", "r-1-final r-2-final"]
            assert found == (newest_last[::-1] if is_reopened else newest_last), (times, order)


@pytest.mark.parametrize(
    ("folder", "later", "newest"),
    [
        ("", 1, "final"),
        ("", COPIED_WITHIN, "final"),
        ("", LATER, "oct"),
        ("again/", 1, "oct"),
    ],
)
def test_a_provisional_copy_that_was_copied_beside_its_final_one_is_no_newer_delivery(
    folder: str, later: int, newest: str
) -> None:
    files = [part("final", range(9), 5, final=True), part(f"{folder}oct", range(10), 5 + later)]
    for order in (files, files[::-1]):
        told = grouped(order)
        assert names(told)[-1] == newest
        assert [each.modified_at for each in told] == sorted(each.modified_at for each in told)


def test_a_provisional_file_of_other_rows_is_no_copy_however_close() -> None:
    assert names(grouped([part("a", range(9), 1, final=True), part("b", range(20, 29), 2)])) == ["a b"]


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ((1, 3, 2, 4), ["r-1 r-2", "r-1-final r-2-final"]),
        ((1, 2, 3, 4), ["?"]),  # one part after the other
        ((2, 1, 3, 4), ["?"]),
        ((1, 2, 2, 3), ["?"]),
        ((1, 1, 1, 1), ["?"]),
    ],
)
def test_copies_that_are_not_final_go_by_their_times_or_not_at_all(times: tuple[int, ...], expected: list[str]) -> None:
    for order in itertools.permutations(two_parts(times, final=False)):
        assert names(grouped(order)) == expected


def test_deliveries_of_one_time_are_told_by_their_folders() -> None:
    files = [part(f"{day}/{name}", keys, 1) for day in "12" for name, keys in (("a", range(9)), ("b", range(9, 18)))]
    assert names(grouped(files)) == ["a b", "a b"]


def test_a_part_whose_final_copy_is_not_there_yet_waits_with_its_month() -> None:
    [refused] = grouped(two_parts((1, 3, 2, 4), final=True)[:3])
    assert (refused.undecided, refused.period, len(refused.files)) == (True, "2026-01", 3)
    assert str(refused.problem) == (
        "r-2 and r-1-final are of several deliveries of a month, and neither times nor rows say which files go together; "
        "nothing of them was loaded. Load each delivery by itself with `costmill load FILES --source NAME --delivery one`, the oldest first, or leave the "
        "files of one delivery there; 1 more of 2026-01 waits, too"
    )


def test_a_month_that_is_cut_anew_is_delivered_again() -> None:
    old = [part(str(n), range(30 * n, 30 * n + 30), n) for n in range(3)]
    new = [part(f"new-{n}", range(n, 100, 3), 3 + n) for n in range(3)]
    assert names(grouped([*old, *new])) == ["0 1 2", "new-0 new-1 new-2"]


def test_a_small_file_is_no_reason_to_doubt_a_month_of_many_rows() -> None:
    large, small = range(2000), range(10**15, 10**15 + 30)  # large keys: beyond the sample that is kept
    old = [Loose(each.file, _cut(each.profile)) for each in (part("a", large, 1), part("b", small, 2))]
    new = part("c", [*large, *small], 3)
    assert names(grouped([*old, Loose(new.file, _cut(new.profile))])) == ["a b", "c"]


def _cut(profile: Profile) -> Profile:
    """The profile as it is kept: of many keys, the smallest."""
    sketches = {period: keys[:SKETCH_SIZE] for period, keys in profile.sketches.items()}
    return Profile(profile.format, profile.rows, sketches, invoiced=profile.invoiced)


def test_a_final_file_with_some_rows_of_another_is_no_copy_of_it() -> None:
    assert names(grouped([part("a", range(10), 1), part("b", range(7, 17), 2, final=True)])) == ["?"]


def test_copies_of_all_parts_are_the_same_delivery() -> None:
    files = [part("a", range(9), 1), part("b", range(9, 18), 3)]
    copies = [
        Loose(ExportFile(Path(f"{n}"), 1, at, files[n].file.sha256), files[n].profile) for n, at in ((0, 2), (1, 4))
    ]
    assert names(grouped([*files, *copies])) == ["a b"]


def test_what_cannot_be_told_of_a_month_is_no_matter_of_the_others() -> None:
    january = [part("a", range(10), 1), part("b", range(7, 17), 2), part("c", range(30, 40), 3)]
    february = [part("d", range(10), 1, period="2026-02"), part("e", range(10), 2, period="2026-02")]
    told = grouped([*january, *february])
    assert sorted(names(told)) == ["?", "d", "e"]
    [refused] = [each for each in told if each.undecided]
    assert str(refused.problem) == (
        "a and b share about 30% of their rows: neither parts of one delivery nor deliveries one after the other; nothing "
        "of them was loaded. Say which with `costmill load FILES --source NAME --delivery one` or `costmill load FILES --source NAME --delivery each`; 1 more of 2026-01 waits, too"
    )


def test_a_file_of_two_months_is_a_part_of_both() -> None:
    files = [part("a", [3], 1), part("b", [4], 2, period="2026-02")]
    both = Profile("aws_cur", {"2026-01": 1, "2026-02": 1}, {"2026-01": ("1",), "2026-02": ("2",)})
    assert names(grouped([*files, Loose(ExportFile(Path("c"), 1, 3, "c"), both)])) == ["a b c"]
