"""Known formats: a signature (columns a header must have), the staged fields, and the SQL file that maps them to FOCUS.

A format is told from its header alone. Each format is a module of this package, made of the parts in ``base``.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence

from pipeline.errors import ExportError, UnknownFormatError, UnreadableFileError
from pipeline.sources.formats.aws_cur import AWS_CUR
from pipeline.sources.formats.azure_cost import AZURE_COST
from pipeline.sources.formats.base import OWN_COLUMNS, Control, Field, Format, Header, TwoViews, squeeze
from pipeline.sources.formats.focus import FOCUS
from pipeline.sources.formats.gcp_billing import GCP_BILLING

__all__ = [
    "AWS_CUR",
    "AZURE_COST",
    "FOCUS",
    "FORMATS",
    "GCP_BILLING",
    "OWN_COLUMNS",
    "Control",
    "Field",
    "Format",
    "Header",
    "TwoViews",
    "all_mappings",
    "detect",
    "holds_objects",
    "is_signed",
    "kept_name",
    "resolve",
    "squeeze",
]

FORMATS: tuple[Format, ...] = (FOCUS, AWS_CUR, AZURE_COST, GCP_BILLING)

#: Columns that hold one object each (squeezed): a nested export's are not spread over columns of their own.
_OBJECTS = frozenset(squeeze(name) for each in FORMATS for name in (*each.tag_fields, *each.objects))

#: Datasets that are billing data but not cost and usage, told by these columns and refused by name.
_OTHER_DATASETS = (
    (("ContractCommitmentId", "ContractId"), "a FOCUS Contract Commitment dataset; give the Cost and Usage dataset"),
    (("InvoiceDetailId", "InvoiceIssueDate"), "a FOCUS Invoice Detail dataset; give the Cost and Usage dataset"),
    (
        ("BillingPeriodStatus", "BillingPeriodCreated"),
        "a FOCUS Billing Period dataset; give the Cost and Usage dataset",
    ),
)


def detect(columns: Sequence[str], where: str) -> Format:
    """Return the format whose signature the header has.

    Raises:
        UnknownFormatError: naming what was seen and what is known.
    """
    seen = {squeeze(name) for name in columns}
    for candidate in FORMATS:
        if not candidate.lacking(seen | {squeeze(candidate.plain(name)) for name in columns}):
            return candidate
    for names, title in _OTHER_DATASETS:
        if all(squeeze(name) in seen for name in names):
            raise UnknownFormatError(f"{where}: {title}; nothing was loaded")
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
    kept = _kept_columns(columns, keep, where)
    used = {*fields.values(), *tags, *kept}
    dropped = tuple(name for index, name in enumerate(columns) if index not in used)
    return Header(found, tuple(columns), fields, tags, kept, dropped, found.version(columns))


def _kept_columns(columns: Sequence[str], keep: Sequence[str], where: str) -> dict[int, str]:
    kept: dict[int, str] = {}
    taken = {name.lower(): f"the warehouse's own {name}" for name in OWN_COLUMNS}
    for index, name in enumerate(columns):
        if name not in keep:
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


def kept_name(name: str) -> str:
    """Return the name under which a kept column stands in charges: ``x_`` and letters, digits, underscores only."""
    plain = re.sub(r"[^0-9A-Za-z]+", "_", name).strip("_")
    return plain if plain.startswith("x_") else f"x_{plain}"


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
        index: order.index(columns[index].lower()) if is_set else len(order) for index, (_, is_set) in tags.items()
    }
    return dict(sorted(tags.items(), key=lambda item: ranks[item[0]]))


def _closest(seen: set[str]) -> str:
    best = max(FORMATS, key=lambda each: each.signed_by(seen))
    if not best.signed_by(seen):
        return f"Known: {', '.join(each.title for each in FORMATS)}"
    return f"Nearest is {best.title}, which also needs {', '.join(best.lacking(seen))}"


def _shorten(columns: Iterable[str], most: int = 8) -> str:
    names = [name if len(name) <= 40 else name[:39] + "…" for name in columns]
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")


def all_mappings() -> str:
    """Hash of every format's mapping: a file that none could read is tried again when any of them changes."""
    return hashlib.sha256("".join(each.mapping_version() for each in FORMATS).encode()).hexdigest()[:16]
