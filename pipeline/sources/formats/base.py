"""What a format is made of: its signature, its staged fields, its money laws, and the SQL file that maps it to FOCUS.

Column names are compared *squeezed* (letters and digits, lower case), so that ``lineItem/UnblendedCost``,
``line_item_unblended_cost`` and a spelling with other capitals are one column.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Literal

from pipeline import resources

FieldKind = Literal["text", "decimal", "datetime", "date"]
TagStyle = Literal["json", "aws", "azure", "pairs"]
Origin = Literal["billed", "recorded"]

#: Columns of focus_data_table that are this project's own: no kept column takes their place.
OWN_COLUMNS = (
    *(
        "x_AccountOwner",
        "x_Batch",
        "x_BillingPeriod",
        "x_CostCategory",
        "x_LineItemType",
        "x_LoadId",
        "x_Origin",
        "x_Provider",
        "x_RecordId",
    ),
    *("x_ResourceKey", "x_ResourceType", "x_Source", "x_SourceChanges", "x_TagSetId", "x_"),
    *("x_SplitCost", "x_SplitListCost", "x_SplitParentResourceId", "x_SplitUnusedCost", "x_SplitUnusedListCost"),
    *("x_SplitUsage", "x_SplitUsageRatio"),
    *("x_EffectiveTags", "x_SplitRule", "x_VirtualTags"),
)

#: Raise when the reader itself changes what it makes of the same bytes: known deliveries are then loaded anew.
READER_VERSION = 2

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9 ]*")


@dataclass(frozen=True)
class Field:
    """A column of the staging relation.

    Attributes:
        name: its name there.
        kind: VARCHAR, DECIMAL(38,18) or TIMESTAMP (UTC); a ``date`` may also be written month/day/year.
        needed: the header must have it, and a row without a readable value is rejected.
        aliases: other spellings, compared squeezed.
        ranked: name and aliases are different columns, and the first that the header has is taken.
        strict: a value may be missing, but a row whose value cannot be read is rejected.
    """

    name: str
    kind: FieldKind = "text"
    needed: bool = False
    aliases: tuple[str, ...] = ()
    ranked: bool = False
    strict: bool = False

    @property
    def must_be_readable(self) -> bool:
        """Whether a value that cannot be read rejects its row."""
        return self.needed or self.strict


@dataclass(frozen=True)
class Control:
    """A money law: the file's sum of the first given of ``fields`` is the FOCUS ``column``'s sum plus what was rejected.

    Attributes:
        expression: what is summed, in words, as the ledger shows it.
        value: SQL over the staging relation that is summed instead of the first given field.
        only: SQL condition on charges: the law speaks of those alone.
        derived: SQL condition over the staging relation: the column is computed where a row has it, which the ledger says.
    """

    column: str
    fields: tuple[str, ...]
    expression: str
    value: str | None = None
    only: str | None = None
    derived: str = "false"

    @property
    def summed(self) -> str:
        """The SQL over the staging relation whose sum the law is about."""
        return self.value or f"coalesce({', '.join(self.fields)}, 0)"


@dataclass(frozen=True)
class TwoViews:
    """A format whose billing periods come in two views of the same money, actual and amortized.

    Attributes:
        kinds: SQL file under sql/sources/ that sums what tells a view (``sources.views.Kind``).
        committed: SQL over the staged fields: the row is of a reservation or savings plan.
        used: the row is usage, or what a commitment left unused.
        charge_type: the row's charge type as the kinds spell it.
    """

    kinds: str
    committed: str
    used: str
    charge_type: str


@dataclass(frozen=True)
class Format:
    """One export format.

    Attributes:
        name: stable id, such as ``aws_cur``; also the SQL file under sql/sources/.
        signature: columns whose presence tells the format; a tuple inside means any one of its columns.
        period_start: staged field that gives the billing period.
        currency: staged field that gives the billing currency.
        controls: money laws; a cost column without one is derived.
        row_key: staged fields that identify a row across deliveries of one month.
        null_words: texts that mean NULL beside the empty one.
        folded: SQL condition over the staging relation: rows that are folded into others.
        generated: SQL file under sql/sources/ that makes charges beside the mapped rows, or None.
        tag_columns: prefixes of columns that each hold one tag, with the prefix of the tag's key.
        tag_style: ``aws`` strips AWS's own prefixes from keys; ``pairs`` are lists of ``key`` and ``value``.
        tag_fields: columns that hold a whole set, as JSON text or MAP, with the prefix of the tags' keys; of a key that
            several have, the last one's value counts.
        objects: other columns that hold one JSON object each; nested exports do not spread them over columns.
        credits: staged text field that holds a list of credits: ``generated`` makes a charge of each.
        lookups: tables under sql/lookups/ that its SQL files join.
        steps: SQL files under sql/sources/ whose relations, by their names, its SQL file reads.
        period: SQL over the staged fields that gives the label ``YYYY-MM``; None: the month of ``period_start``.
        origin: what its charges are: ``billed`` is a bill, ``recorded`` what programs noted themselves.
        record: staged field that holds a record's id, unique over all deliveries and sources: it counts once; its rows have
            ``x_Repeated``, which sql/staging/<name>_records.sql finds. None where rows have none.
        grows: its files are written line by line and may be read meanwhile: a last line that breaks off is left out,
            whatever the source's max_rejected.
        batch: staged field that names a row's batch in an incremental export, each batch counting once; None for a
            snapshot, which replaces its billing period.
        translated: headers may be written ``Kosten (Cost)``: the name in brackets counts.
        views: how its two views are told, for a format whose billing periods come in two; its rows then have ``x_View``
            and ``x_Committed``.
        priced: a row may leave its cost out and is priced by what it used (``engines.priced``): its SQL files read the
            relation ``priced_records``.
        overlay: SQL file under sql/staging/ laid over the rows as read (``staged_as_read``): what a row leaves out and
            the others of its delivery tell; None where each row stands for itself.
        keeps: columns without a FOCUS home that are kept all the same, each with its name ``x_…``.
        versions: what ``version`` may tell, oldest first; ``1`` where there is one layout.
        version: the format's version as a header tells it.
    """

    name: str
    title: str
    signature: tuple[str | tuple[str, ...], ...]
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
    objects: tuple[str, ...] = ()
    credits: str | None = None
    lookups: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    period: str | None = None
    batch: str | None = None
    origin: Origin = "billed"
    record: str | None = None
    grows: bool = False
    translated: bool = False
    views: TwoViews | None = None
    overlay: str | None = None
    priced: bool = False
    keeps: Mapping[str, str] = field(default_factory=dict)
    versions: tuple[str, ...] = ("1",)
    version: Callable[[Sequence[str]], str] = field(default=lambda _: "1", repr=False)

    @property
    def billing_period(self) -> str:
        """SQL over the staged fields: the label of a row's billing period."""
        return self.period or f"strftime({self.period_start} + INTERVAL 1 DAY, '%Y-%m')"

    @cached_property
    def described(self) -> str:
        return repr(self)

    def plain(self, name: str) -> str:
        """Return a column's name without its translation."""
        own, bracket, rest = name.strip().rpartition("(")
        plain = rest.removesuffix(")").strip()
        is_pair = self.translated and bracket and rest.endswith(")") and own.replace("(", "").strip()
        return plain if is_pair and _PLAIN.fullmatch(plain) else name

    def signed_by(self, seen: Collection[str]) -> int:
        """How many parts of the signature are among ``seen``, column names squeezed."""
        return sum(any(squeeze(name) in seen for name in _alternatives(part)) for part in self.signature)

    def lacking(self, seen: Collection[str]) -> tuple[str, ...]:
        """The parts of the signature that are not among ``seen``, each by its first name."""
        parts = [_alternatives(part) for part in self.signature]
        return tuple(names[0] for names in parts if not any(squeeze(name) in seen for name in names))

    def mapping_version(self) -> str:
        """Hash of everything that decides what a file becomes: a fixed mapping reaches old months by itself."""
        parts = [
            *(str(READER_VERSION), self.described),
            *(resources.sql(name) for name in self.files),
            *(resources.lookup(name) for name in (*self.lookups, "spellings")),
        ]
        return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:16]

    @property
    def files(self) -> list[str]:
        """The SQL that makes charges of a file of this format, by name."""
        files = [f"sources/{self.name}", "sources/resources", "staging/macros"]
        files += [f"sources/{name}" for name in (self.generated, self.views and self.views.kinds, *self.steps) if name]
        files += [f"staging/{self.overlay}"] if self.overlay else []
        files += [f"staging/{self.name}_records"] if self.record else []
        files += [f"staging/{self.name}_priced"] if self.priced else []
        return files


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


@lru_cache(8192)
def squeeze(name: str) -> str:
    """Return a column name without case, blanks and punctuation."""
    return re.sub(r"[^0-9a-z]", "", name.lower())


def _alternatives(part: str | tuple[str, ...]) -> tuple[str, ...]:
    return (part,) if isinstance(part, str) else part
