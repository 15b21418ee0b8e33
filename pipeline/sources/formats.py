"""Known formats: a signature (columns a header must have), the staged fields, and the SQL file that maps them to FOCUS.

A format is told from its header alone. Column names are compared *squeezed* (letters and digits, lower case), so that
``lineItem/UnblendedCost``, ``line_item_unblended_cost`` and a spelling with other capitals are one column.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pipeline import focus, resources
from pipeline.errors import ExportError, UnknownFormatError, UnreadableFileError

FieldKind = Literal["text", "decimal", "datetime"]
TagStyle = Literal["json", "aws"]

#: Columns of focus_data_table that are this project's own: no kept column takes their place.
OWN_COLUMNS = (
    *("x_BillingPeriod", "x_CostCategory", "x_LineItemType", "x_LoadId", "x_Origin", "x_Provider", "x_RecordId"),
    *("x_ResourceKey", "x_ResourceType", "x_Source", "x_SourceChanges", "x_TagSetId", "x_"),
)

#: Raise when the reader itself changes what it makes of the same bytes: known deliveries are then loaded anew.
READER_VERSION = 1


@dataclass(frozen=True)
class Field:
    """A column of the staging relation.

    Attributes:
        name: its name there.
        kind: VARCHAR, DECIMAL(38,18) or TIMESTAMP (UTC).
        needed: the header must have it, and a row without a readable value is rejected.
        aliases: other spellings, compared squeezed.
    """

    name: str
    kind: FieldKind = "text"
    needed: bool = False
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Control:
    """A money law: the file's sum of the first given of ``fields`` is the FOCUS ``column``'s sum plus what was rejected."""

    column: str
    fields: tuple[str, ...]
    expression: str


@dataclass(frozen=True)
class Format:
    """One export format.

    Attributes:
        name: stable id, such as ``aws_cur``; also the SQL file under sql/sources/.
        signature: columns whose presence tells the format.
        period_start: staged field that gives the billing period.
        currency: staged field that gives the billing currency.
        controls: money laws; a cost column without one is derived.
        row_key: staged fields that identify a row across deliveries of one month.
        null_words: texts that mean NULL beside the empty one.
        folded: SQL condition over the staging relation: rows that are folded into others.
        generated: SQL file under sql/sources/ that makes charges beside the mapped rows, or None.
        tag_columns: prefixes of columns that each hold one tag, with the prefix of the tag's key.
        tag_fields: columns that hold a whole set, as JSON text or MAP, with the prefix of the tags' keys.
    """

    name: str
    title: str
    signature: tuple[str, ...]
    fields: tuple[Field, ...]
    period_start: str
    currency: str
    controls: tuple[Control, ...]
    row_key: tuple[str, ...]
    null_words: tuple[str, ...] = ()
    folded: str = "false"
    generated: str | None = None
    tag_style: TagStyle = "json"
    tag_columns: Mapping[str, str] = field(default_factory=dict)
    tag_fields: Mapping[str, str] = field(default_factory=dict)

    def mapping_version(self) -> str:
        """Hash of everything that decides what a file becomes: a fixed mapping reaches old months by itself."""
        files = [f"sources/{self.name}", "sources/resources", "staging/macros"]
        files += [f"sources/{self.generated}"] if self.generated else []
        lookups = sorted((resources.folder("sql") / "lookups").glob("*.csv"))
        parts = [
            *(str(READER_VERSION), repr(self)),
            *(resources.sql(name) for name in files),
            *(path.read_text(encoding="utf-8") for path in lookups),
        ]
        return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Header:
    """A file's columns resolved against a format.

    Attributes:
        columns: all names as written, in order.
        fields: staged field -> index of its column.
        tags: index of a tag column -> (tag key, whether the column holds a whole set).
        kept: index -> name ``x_…`` of a column that the source asked to keep.
        dropped: names that have no home.
        version: the format's version as the header tells it.
    """

    format: Format
    columns: tuple[str, ...]
    fields: Mapping[str, int]
    tags: Mapping[int, tuple[str, bool]]
    kept: Mapping[int, str]
    dropped: tuple[str, ...]
    version: str


def squeeze(name: str) -> str:
    """Return a column name without case, blanks and punctuation."""
    return re.sub(r"[^0-9a-z]", "", name.lower())


def _focus_fields() -> tuple[Field, ...]:
    needed = {
        "BilledCost",
        "EffectiveCost",
        "BillingCurrency",
        "BillingPeriodStart",
        "ChargePeriodStart",
        "ChargeCategory",
    }
    kinds: dict[str, FieldKind] = {"decimal": "decimal", "datetime": "datetime"}
    standard = tuple(
        Field(column.name, kinds.get(column.kind, "text"), column.name in needed)
        for column in focus.COLUMNS
        if column.name != "Tags"
    )
    return (*standard, Field("x_ResourceType"))


FOCUS = Format(
    name="focus",
    title="FOCUS cost and usage, 1.0 to 1.4",
    signature=(
        "BilledCost",
        "EffectiveCost",
        "BillingPeriodStart",
        "ChargePeriodStart",
        "ChargeCategory",
        "BillingCurrency",
    ),
    fields=_focus_fields(),
    period_start="BillingPeriodStart",
    currency="BillingCurrency",
    controls=tuple(Control(name, (name,), f"sum({name})") for name in focus.COSTS),
    row_key=(
        "BillingAccountId",
        "SubAccountId",
        "ResourceId",
        "ChargePeriodStart",
        "ChargePeriodEnd",
        "SkuPriceId",
        "ChargeCategory",
        "ChargeDescription",
    ),
    null_words=("NULL",),
    tag_fields={"Tags": ""},
)

_AWS_TEXT = (
    "identity_line_item_id",
    "identity_time_interval",
    "bill_bill_type",
    "bill_billing_entity",
    "bill_invoicing_entity",
    "bill_invoice_id",
    "bill_payer_account_name",
    "line_item_availability_zone",
    "line_item_legal_entity",
    "line_item_line_item_description",
    "line_item_operation",
    "line_item_product_code",
    "line_item_resource_id",
    "line_item_usage_account_id",
    "line_item_usage_account_name",
    "line_item_usage_type",
    "pricing_currency",
    "pricing_rate_code",
    "pricing_rate_id",
    "pricing_term",
    "pricing_unit",
    "product_product_name",
    "product_product_family",
    "product_region",
    "product_region_code",
    "product_location",
    "product_sku",
    "product_servicecode",
    "product_instance_type",
    "reservation_reservation_a_r_n",
    "savings_plan_savings_plan_a_r_n",
)
_AWS_DECIMAL = (
    "line_item_net_unblended_cost",
    "line_item_unblended_rate",
    "line_item_usage_amount",
    "pricing_public_on_demand_cost",
    "pricing_public_on_demand_rate",
    "reservation_effective_cost",
    "reservation_net_effective_cost",
    "reservation_unused_amortized_upfront_fee_for_billing_period",
    "reservation_unused_recurring_fee",
    "reservation_net_unused_amortized_upfront_fee_for_billing_period",
    "reservation_net_unused_recurring_fee",
    "savings_plan_savings_plan_effective_cost",
    "savings_plan_net_savings_plan_effective_cost",
    "savings_plan_total_commitment_to_date",
    "savings_plan_used_commitment",
    "reservation_total_reserved_units",
)

AWS_CUR = Format(
    name="aws_cur",
    title="AWS Cost and Usage Report, legacy and 2.0",
    signature=(
        "bill_billing_period_start_date",
        "bill_payer_account_id",
        "line_item_line_item_type",
        "line_item_unblended_cost",
        "line_item_usage_start_date",
        "line_item_currency_code",
    ),
    fields=(
        Field("bill_billing_period_start_date", "datetime", needed=True),
        Field("bill_billing_period_end_date", "datetime", needed=True),
        Field("bill_payer_account_id", needed=True),
        Field("line_item_line_item_type", needed=True),
        Field("line_item_usage_start_date", "datetime", needed=True),
        Field("line_item_usage_end_date", "datetime", needed=True),
        Field("line_item_currency_code", needed=True),
        Field("line_item_unblended_cost", "decimal", needed=True),
        *(Field(name) for name in _AWS_TEXT),
        *(Field(name, "decimal") for name in _AWS_DECIMAL),
        Field("product"),
    ),
    period_start="bill_billing_period_start_date",
    currency="line_item_currency_code",
    controls=(
        Control(
            "BilledCost",
            ("line_item_net_unblended_cost", "line_item_unblended_cost"),
            "sum(net unblended cost, else unblended cost)",
        ),
    ),
    row_key=("identity_line_item_id", "identity_time_interval"),
    folded="line_item_line_item_type = 'SavingsPlanNegation'",
    generated="aws_cur_residues",
    tag_style="aws",
    tag_columns={
        "resourceTags/": "",
        "resource_tags_": "",
        "costCategory/": "aws:costcategory/",
        "cost_category_": "aws:costcategory/",
    },
    tag_fields={"resource_tags": "", "cost_category": "aws:costcategory/"},
)

FORMATS: tuple[Format, ...] = (FOCUS, AWS_CUR)

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
        if all(squeeze(name) in seen for name in candidate.signature):
            return candidate
    for names, title in _OTHER_DATASETS:
        if all(squeeze(name) in seen for name in names):
            raise UnknownFormatError(f"{where}: {title}; nothing was loaded")
    raise UnknownFormatError(
        f"{where}: unknown format; nothing was loaded. {_closest(seen)}. Seen: {_shorten(columns)}"
    )


def resolve(columns: Sequence[str], where: str, keep: Sequence[str] = ()) -> Header:
    """Tell the format and find each staged field in the header; ``keep`` names columns to keep as ``x_…``.

    Raises:
        UnknownFormatError: as ``detect``.
        UnreadableFileError: when a needed column is missing or a used one stands twice.
    """
    found = detect(columns, where)
    places: dict[str, list[int]] = {}
    for index, name in enumerate(columns):
        places.setdefault(squeeze(name), []).append(index)
    fields: dict[str, int] = {}
    missing = []
    for wanted in found.fields:
        hits = [index for name in (wanted.name, *wanted.aliases) for index in places.get(squeeze(name), [])]
        if len(hits) > 1:
            names = " and ".join(repr(columns[index]) for index in hits)
            raise UnreadableFileError(f"{where}: columns {names} are one and the same; remove one")
        if hits:
            fields[wanted.name] = hits[0]
        elif wanted.needed:
            missing.append(wanted.name)
    if missing:
        raise UnreadableFileError(f"{where}: {found.title} without the column(s) {', '.join(missing)}; export them too")
    tags = _tag_columns(found, columns)
    kept = _kept_columns(columns, keep, where)
    used = {*fields.values(), *tags, *kept}
    dropped = tuple(name for index, name in enumerate(columns) if index not in used)
    return Header(found, tuple(columns), fields, tags, kept, dropped, _version(found, columns))


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
    for index, name in enumerate(columns):
        if name.lower() in whole:
            tags[index] = (whole[name.lower()], True)
            continue
        for prefix, key_prefix in found.tag_columns.items():
            if name.lower().startswith(prefix.lower()) and len(name) > len(prefix):
                tags[index] = (key_prefix + name[len(prefix) :], False)
    return tags


def _version(found: Format, columns: Sequence[str]) -> str:
    if found is FOCUS:
        return focus.header_version(frozenset(columns))
    if any("/" in name for name in columns):
        return "legacy"
    return "2.0" if "resource_tags" in columns or "product" in columns else "snake case"


def _closest(seen: set[str]) -> str:
    scored = sorted(
        ((sum(squeeze(name) in seen for name in each.signature), each) for each in FORMATS), key=lambda pair: -pair[0]
    )
    count, best = scored[0]
    if count == 0:
        return f"Known: {', '.join(each.title for each in FORMATS)}"
    lacking = [name for name in best.signature if squeeze(name) not in seen]
    return f"Nearest is {best.title}, which also needs {', '.join(lacking)}"


def _shorten(columns: Iterable[str], most: int = 8) -> str:
    names = [name if len(name) <= 40 else name[:39] + "…" for name in columns]
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")


def by_name(name: str) -> Format:
    """Return a format by its id.

    Raises:
        ExportError: when there is none.
    """
    for candidate in FORMATS:
        if candidate.name == name:
            return candidate
    raise ExportError(f"unknown format {name!r}; known: {', '.join(each.name for each in FORMATS)}")


def all_mappings() -> str:
    """Hash of every format's mapping: a file that none could read is tried again when any of them changes."""
    return hashlib.sha256("".join(each.mapping_version() for each in FORMATS).encode()).hexdigest()[:16]
