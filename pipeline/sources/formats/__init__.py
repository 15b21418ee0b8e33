"""Known formats: a signature (columns a header must have), the staged fields, and the SQL file that maps them to FOCUS.

A format is told from its header alone. Each format is a module of this package, made of the parts in ``base``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache

from pipeline.errors import ExportError, UnknownFormatError, UnreadableFileError
from pipeline.focus import kept_name
from pipeline.sources.formats import base
from pipeline.sources.formats.aws_cur import AWS_CUR
from pipeline.sources.formats.azure_cost import AZURE_COST
from pipeline.sources.formats.base import OWN_COLUMNS, Control, Field, Format, Header, Origin, TwoViews, squeeze
from pipeline.sources.formats.focus import FOCUS
from pipeline.sources.formats.focus_preview import FOCUS_PREVIEW
from pipeline.sources.formats.gcp_billing import GCP_BILLING
from pipeline.sources.formats.oci_cost import OCI_COST
from pipeline.sources.formats.usage_log import USAGE_LOG
from pipeline.sources.packed import EXPORT_ANEW

__all__ = [
    "AWS_CUR",
    "AZURE_COST",
    "FOCUS",
    "FOCUS_PREVIEW",
    "FORMATS",
    "GCP_BILLING",
    "OCI_COST",
    "OWN_COLUMNS",
    "USAGE_LOG",
    "Control",
    "Field",
    "Format",
    "Header",
    "Origin",
    "TwoViews",
    "detect",
    "holds_objects",
    "is_signed",
    "kept_name",
    "mapping_versions",
    "resolve",
    "squeeze",
]

#: The first whose signature fits is taken: names of a preview go before those that later versions kept.
FORMATS: tuple[Format, ...] = (FOCUS_PREVIEW, FOCUS, AWS_CUR, AZURE_COST, GCP_BILLING, OCI_COST, USAGE_LOG)

#: Columns that hold one object each (squeezed): a nested export's are not spread over columns of their own.
_OBJECTS = frozenset(squeeze(name) for each in FORMATS for name in (*each.tag_fields, *each.objects))

#: Datasets that a provider delivers beside its bill, told by these columns and refused by their own names.
_OTHER_DATASETS = (
    (("ContractCommitmentId", "ContractId"), "a FOCUS Contract Commitment dataset; give the Cost and Usage dataset"),
    (("InvoiceDetailId", "InvoiceIssueDate"), "a FOCUS Invoice Detail dataset; give the Cost and Usage dataset"),
    (
        ("BillingPeriodStatus", "BillingPeriodCreated"),
        "a FOCUS Billing Period dataset; give the Cost and Usage dataset",
    ),
    (
        ("lineItem/intervalUsageStart", "usage/consumedQuantity"),
        "an OCI usage report, which has no costs; give the cost report",
    ),
    (
        ("Operation", "UsageType", "StartTime", "EndTime", "UsageValue"),
        "an AWS usage report, which has no costs; give the Cost and Usage Report",
    ),
    (
        ("ReservationOrderId", "ReservedHours", "UsedHours"),
        "an Azure report of reservation use, which has no costs; give the cost details",
    ),
)
_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}
#: A second format is named as near from this share of its signature on.
_NEAR = 0.5


def detect(columns: Sequence[str], where: str) -> Format:
    """Return the format whose signature the header has.

    Raises:
        UnknownFormatError: naming what was seen and what is known.
    """
    seen = {squeeze(name) for name in columns}
    for candidate in FORMATS:
        plain = {squeeze(candidate.plain(name)) for name in columns} if candidate.translated else set()
        if not candidate.lacking(seen | plain):
            return candidate
    for names, title in _OTHER_DATASETS:
        if all(squeeze(name) in seen for name in names):
            raise UnknownFormatError(f"{where}: {title}; nothing was loaded")
    if separator := _other_separator(columns):
        raise UnknownFormatError(
            f"{where}: its columns are separated by {separator}, not commas; nothing was loaded. {EXPORT_ANEW}"
        )
    raise UnknownFormatError(
        f"{where}: unknown format; nothing was loaded. {_closest(seen)}. Seen: {_shorten(columns)}"
    )


def is_signed(columns: Sequence[str]) -> bool:
    """Whether a known format's signature is among the columns."""
    seen = {squeeze(name) for name in columns}
    return any(not candidate.lacking(seen) for candidate in FORMATS)


def holds_objects(name: str) -> bool:
    """Whether a column of this name is one of objects, as a known format takes it."""
    return squeeze(name) in _OBJECTS


def resolve(columns: Sequence[str], where: str, keep: Sequence[str] = ()) -> Header:
    """Tell the format and find each staged field in the header; ``keep`` names columns to keep as ``x_…``.

    Raises:
        UnknownFormatError: as ``detect``.
        UnreadableFileError: when a needed column is missing or a used one stands twice.
    """
    found = detect(columns, where)
    places: dict[str, list[int]] = {}
    for index, name in enumerate(columns):
        places.setdefault(squeeze(found.plain(name)), []).append(index)
    fields: dict[str, int] = {}
    missing = []
    for wanted in found.fields:
        named = [places.get(squeeze(name), []) for name in (wanted.name, *wanted.aliases)]
        if wanted.ranked:
            named = [next((hits for hits in named if hits), [])]
        hits = [index for hits in named for index in hits]
        if len(hits) > 1:
            names = " and ".join(repr(columns[index]) for index in hits)
            raise UnreadableFileError(f"{where}: columns {names} are one and the same; remove one")
        if hits:
            fields[wanted.name] = hits[0]
        elif wanted.needed:
            missing.append(" or ".join((wanted.name, *wanted.aliases)[:3]) if wanted.ranked else wanted.name)
    if missing:
        raise UnreadableFileError(f"{where}: {found.title} without the column(s) {', '.join(missing)}; export them too")
    tags = _tag_columns(found, columns)
    always = _always_kept(found, columns)
    kept = {**_kept_columns(columns, keep, where, always), **always}
    used = {*fields.values(), *tags, *kept}
    dropped = tuple(name for index, name in enumerate(columns) if index not in used)
    return Header(found, tuple(columns), fields, tags, kept, dropped, found.version(columns))


def _always_kept(found: Format, columns: Sequence[str]) -> dict[int, str]:
    names = {squeeze(name): stands_as for name, stands_as in found.keeps.items()}
    return {index: names[squeeze(name)] for index, name in enumerate(columns) if squeeze(name) in names}


def _kept_columns(columns: Sequence[str], keep: Sequence[str], where: str, always: Mapping[int, str]) -> dict[int, str]:
    kept: dict[int, str] = {}
    taken = {name.lower(): f"the warehouse's own {name}" for name in OWN_COLUMNS}
    taken |= {stands_as.lower(): f"the column {columns[index]!r}" for index, stands_as in always.items()}
    for index, name in enumerate(columns):
        if name not in keep or index in always:
            continue
        stands_as = kept_name(name)
        other = taken.get(stands_as.lower())
        if other is not None:
            raise ExportError(
                f"{where}: the column {name!r} of keep_columns would be kept as {stands_as}, as is {other}; "
                "keep one of them or rename it in the export; nothing was loaded"
            )
        taken[stands_as.lower()] = f"the column {name!r}"
        kept[index] = stands_as
    return kept


def _tag_columns(found: Format, columns: Sequence[str]) -> dict[int, tuple[str, bool]]:
    tags: dict[int, tuple[str, bool]] = {}
    whole = {name.lower(): prefix for name, prefix in found.tag_fields.items()}
    order = list(whole)
    for index, name in enumerate(columns):
        if found.plain(name).lower() in whole:
            tags[index] = (whole[found.plain(name).lower()], True)
            continue
        for prefix, key_prefix in found.tag_columns.items():
            if name.lower().startswith(prefix.lower()) and len(name) > len(prefix):
                tags[index] = (key_prefix + name[len(prefix) :], False)
    # In the format's order, whatever the file's: of a key that several sets have, the last one's value counts.
    ranks = {
        index: order.index(found.plain(columns[index]).lower()) if is_set else len(order)
        for index, (_, is_set) in tags.items()
    }
    return dict(sorted(tags.items(), key=lambda item: ranks[item[0]]))


def _other_separator(columns: Sequence[str]) -> str | None:
    """What a header that was cut at commas has more of than those; such a file has decimal commas, too, as often as not."""
    text = ",".join(columns)
    return next((name for char, name in _SEPARATORS.items() if text.count(char) >= max(2, len(columns))), None)


def _closest(seen: set[str]) -> str:
    """Name the nearest format and what it lacks, and the second where it is near, too; else all that are known."""
    near = sorted(FORMATS, key=lambda each: -_share(each, seen))
    near = [each for n, each in enumerate(near[:2]) if _share(each, seen) >= (_NEAR if n else 1e-9)]
    if not near:
        return f"Known: {', '.join(each.title for each in FORMATS)}"
    return "Nearest is " + "; then ".join(
        f"{each.title}, which also needs {', '.join(each.lacking(seen))}" for each in near
    )


def _share(each: Format, seen: set[str]) -> float:
    return each.signed_by(seen) / len(each.signature)


def _shorten(columns: Iterable[str], most: int = 12) -> str:
    names = [name if len(name) <= 40 else name[:39] + "…" for name in columns]
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")


def mapping_versions() -> dict[str | None, str]:
    """Each format's mapping by its name, and under None the hash of all: a file that none could read is tried again when
    any of them changes.
    """
    return dict(_versions(base.READER_VERSION))


@cache
def _versions(_reader: int) -> dict[str | None, str]:
    """Hashed once per process: the mappings do not change while it runs."""
    versions: dict[str | None, str] = {each.name: each.mapping_version() for each in FORMATS}
    return versions | {None: hashlib.sha256("".join(versions.values()).encode()).hexdigest()[:16]}
