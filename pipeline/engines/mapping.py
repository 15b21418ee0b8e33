"""Map what is staged to FOCUS charges: run the format's SQL file, fill the star, prove rows and money.

Everything here works on the relation ``staged`` (``engines.reading``) and, for ``insert``, inside the caller's
transaction.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from pipeline import focus, money, resources, tags
from pipeline.engines import staging
from pipeline.engines.staged import Staged
from pipeline.entries import CATEGORY_OF_SERVICE
from pipeline.sources import json_lines
from pipeline.sources.formats import Control, Format, Header, Origin
from pipeline.sources.profiles import SKETCH_BATCHES, SKETCH_SIZE, Profile
from pipeline.sources.views import Kind
from pipeline.store.resource_keys import COLUMNS as RESOURCE
from pipeline.store.resource_keys import resource_key_sql

if TYPE_CHECKING:
    import duckdb

    from pipeline.store.warehouse import Warehouse

logger = logging.getLogger(__name__)

#: A period's mapped rows are read from a table when they are so few; more are mapped where they are read.
FEW_ROWS = 20_000
#: Staged fields that name the invoice of a row, whatever the format.
INVOICE_FIELDS = ("InvoiceId", "bill_invoice_id")


@dataclass(frozen=True)
class Counts:
    """Rows of one billing period of a delivery: ``read`` = ``mapped`` + ``rejected`` + ``folded`` + ``repeated``.

    ``repeated`` rows are in batches that another delivery has brought, or records that count elsewhere. ``torn`` ones are
    rejected: last lines that break off in files that may still be written.
    """

    read: int
    rejected: int
    folded: int
    repeated: int = 0
    torn: int = 0

    @property
    def mapped(self) -> int:
        """Rows that must become charges."""
        return self.read - self.rejected - self.folded - self.repeated


@dataclass(frozen=True)
class ControlTotal:
    """One money law of one currency: sums over the file, over its rejected and repeated rows, and what rounding moved."""

    currency: str | None
    control: Control
    file_total: Decimal
    rejected_total: Decimal
    rounding: Decimal
    repeated_total: Decimal = money.ZERO


class Mapper:
    """Maps one staged delivery on the warehouse's connection."""

    def __init__(self, warehouse: Warehouse) -> None:
        self.warehouse = warehouse
        self.connection: duckdb.DuckDBPyConnection = warehouse.connection
        #: SQL over ``x_Batch``: the rows that are not in batches that another delivery has brought.
        self.taken = "true"
        self._looked_up: set[str] = set()
        self._rows, self._makes, self._has_tags = "", False, False
        self._long: list[str] = []
        self._counts: dict[tuple[str, bool], dict[int | None, list[int]]] = {}
        self._load_spellings()

    def measure(self, staged: Staged) -> None:
        """Count and sum what is staged, in one pass, into ``staged_sums``; all counts and control totals are read there.

        Grain: billing period, currency, file and batch (formats with batches).
        """
        fmt = staged.header.format
        self._long = [f"long_{number}" for number in range(len(fmt.controls))]
        self._counts.clear()
        sums = []
        for number, control in enumerate(fmt.controls):
            value = control.summed
            again = f"coalesce(sum({value}) FILTER (WHERE {_repeated(fmt)}), 0)" if fmt.record else "0"
            sums += [
                f"sum({value}) AS file_total_{number}",
                f"coalesce(sum({value}) FILTER (WHERE x_Problem IS NOT NULL), 0) AS rejected_total_{number}",
                f"{again} AS repeated_total_{number}",
                f"count(x_Long_{number}) AS long_{number}",
                f"coalesce(bool_or({control.derived}), false) AS derived_{number}",
            ]
        self.warehouse.execute(f"""
            CREATE OR REPLACE TEMP TABLE staged_sums AS
            SELECT x_BillingPeriod, {fmt.currency} AS currency, x_File, {"x_Batch" if fmt.batch else "NULL"} AS x_Batch,
                count(*) AS read, count(x_Problem) AS rejected,
                count(*) FILTER (WHERE x_Problem IS NULL AND ({fmt.folded})) AS folded,
                count(*) FILTER (WHERE {_repeated(fmt)}) AS repeated,
                count(*) FILTER (WHERE {_torn(fmt)}) AS torn, {", ".join(sums)}
            FROM staged GROUP BY ALL""")

    def period_rows(self) -> dict[str, int]:
        """Rows by billing period; rows whose period cannot be read count for the largest one (``''`` when none can)."""
        rows = self.warehouse.rows("""
            SELECT coalesce(x_BillingPeriod, ''), CAST(sum(read) AS BIGINT) FROM staged_sums
            GROUP BY ALL ORDER BY sum(read) DESC, 1""")
        found: dict[str, int] = dict(rows)
        unread = found.pop("", 0)
        if unread:
            largest = next(iter(found), "")
            found[largest] = found.get(largest, 0) + unread
        return found

    def profile(self, staged: Staged) -> Profile:
        """Rows and row-key sketches by billing period."""
        header = staged.header
        invoice = next((name for name in INVOICE_FIELDS if name in header.fields), "NULL")
        rows = self.warehouse.rows(f"""
            SELECT x_BillingPeriod, count(*), list_slice(list_sort(list(DISTINCT row_key)), 1, {SKETCH_SIZE}),
                count(invoice)
            FROM (SELECT x_BillingPeriod, left(md5({_row_key(header)}), 16) AS row_key, {invoice} AS invoice FROM staged)
            WHERE x_BillingPeriod IS NOT NULL
            GROUP BY x_BillingPeriod ORDER BY x_BillingPeriod""")
        counts, sketches, invoiced = {}, {}, {}
        for period, counts[period], keys, invoiced[period] in rows:
            sketches[period] = tuple(keys)
        kinds = tuple(kind for _, kind in self.kinds(staged))
        return Profile(header.format.name, counts, sketches, self._batch_marks(staged), kinds, invoiced)

    def _batch_marks(self, staged: Staged) -> dict[str, str]:
        """What each batch of a file holds, for at most ``SKETCH_BATCHES`` of them: always the same ones of many."""
        if not staged.header.format.batch:
            return {}
        self.find_batches(staged)
        rows = self.warehouse.rows(f"""
            SELECT x_BillingPeriod || ' ' || batch AS name, rows || ':' || content FROM staged_batches
            ORDER BY md5(name) LIMIT {SKETCH_BATCHES}""")
        return dict(rows)

    def find_batches(self, staged: Staged) -> None:
        """Make ``staged_batches``: rows and content of each billing period's batches, without rejected and repeated rows."""
        self.warehouse.execute(f"""
            CREATE OR REPLACE TEMP TABLE staged_batches AS
            SELECT x_BillingPeriod, x_Batch AS batch, count(*) AS rows,
                sum(CAST(md5_number_lower({_row_key(staged.header)}) AS HUGEINT)) AS content
            FROM staged WHERE x_Problem IS NULL AND NOT ({_repeated(staged.header.format)}) GROUP BY ALL""")

    def kinds(self, staged: Staged) -> list[tuple[int, Kind]]:
        """What tells the views of what is staged, each with the index of its file; nothing for formats of one view."""
        fmt = staged.header.format
        if fmt.views is None:
            return []
        rows = self.warehouse.rows(
            f"SELECT * EXCLUDE (last_day), strftime(last_day, '%Y-%m-%d') FROM ({resources.sql(f'sources/{fmt.views.kinds}')})"
        )
        return [(row[0], Kind(*row[1:])) for row in rows]

    def counts(self, period: str, unread: bool) -> Counts:
        """Count the rows of a period; ``unread`` takes in those without a readable period."""
        return Counts(*self._counted(period, unread)[None][:5])

    def file_rows(self, period: str, unread: bool) -> dict[int, int]:
        """Rows of a period by file index."""
        return {file: counted[0] for file, counted in self._counted(period, unread).items() if file is not None}

    def _counted(self, period: str, unread: bool) -> dict[int | None, list[int]]:
        """The rows of a period and of each file of it: all of them under None; as of ``Counts``, then texts that may be long."""
        if (period, unread) not in self._counts:
            names = ["read", "rejected", "folded", "repeated", "torn", *self._long]
            sums = ", ".join(f"CAST(coalesce(sum({name}), 0) AS BIGINT)" for name in names)
            rows = self.warehouse.rows(f"""
                SELECT x_File, {sums} FROM staged_sums WHERE {_of(period, unread)}
                GROUP BY GROUPING SETS ((), (x_File))""")
            self._counts[period, unread] = {file: counted for file, *counted in rows}
        return self._counts[period, unread]

    def rejects(self, period: str, unread: bool, most: int) -> list[tuple[int, int | None, int | None, str]]:
        """The first rejected rows: file index, record, line, problem."""
        if not self.counts(period, unread).rejected:
            return []
        return self.warehouse.rows(
            f"SELECT x_File, x_Record, x_Line, x_Problem FROM staged WHERE x_Problem IS NOT NULL AND {_of(period, unread)} "
            f"ORDER BY x_File, x_Record LIMIT {most}"
        )

    def control_totals(self, staged: Staged, period: str, unread: bool) -> list[ControlTotal]:
        """Sum the control columns over the file, by currency."""
        fmt = staged.header.format
        rounding = self._rounding(fmt, period, unread)
        sums = ", ".join(
            f"""
            [sum(file_total_{number}), sum(rejected_total_{number}),
                coalesce(sum(CASE WHEN {self.taken} THEN repeated_total_{number}
                    ELSE file_total_{number} - rejected_total_{number} END), 0)],
            bool_or(derived_{number})"""
            for number in range(len(fmt.controls))
        )
        rows = self.warehouse.rows(
            f"SELECT currency, {sums} FROM staged_sums WHERE {_of(period, unread)} GROUP BY ALL ORDER BY 1"
        )
        totals = []
        for number, control in enumerate(fmt.controls):
            for currency, *summed in rows:
                (total, rejected, repeated), is_derived = summed[2 * number : 2 * number + 2]
                moved = rounding.get((number, currency), money.ZERO)
                told = replace(control, expression="derived") if is_derived else control
                totals.append(ControlTotal(currency, told, total, rejected, moved, repeated))
        return totals

    def _rounding(self, fmt: Format, period: str, unread: bool) -> dict[tuple[int, str | None], Decimal]:
        moved: dict[tuple[int, str | None], Decimal] = {}
        for number, texts in enumerate(self._counted(period, unread)[None][5:]):
            if not texts:
                continue
            rows = self.warehouse.rows(f"""
                SELECT {fmt.currency}, x_Long_{number}, count(*) FROM staged
                WHERE x_Long_{number} IS NOT NULL AND {_of(period, unread)} GROUP BY ALL""")
            for currency, text, count in rows:
                key = (number, currency)
                for part in text.split():  # several where a list is summed
                    written = money.parse(part)
                    if written is None or written == money.stored(written):
                        continue
                    lost = money.total([written, money.stored(written).copy_negate()])
                    moved[key] = money.total([moved.get(key, money.ZERO), *[lost] * count])
        return moved

    def prepare(self, staged: Staged) -> int:
        """Decode tags and load what the mapping joins; returns how many distinct tag texts could not be read."""
        unreadable = self._decode_tags(staged)
        self._load_lookups(staged.header.format)
        return unreadable

    def show_rows(self, staged: Staged) -> None:
        """Define the view ``mapped_rows``: what is prepared, mapped, of all periods."""
        self.connection.execute(f"CREATE OR REPLACE TEMP VIEW mapped_rows AS {_mapping(staged.header.format)}")

    def insert(
        self, staged: Staged, counts: Counts, *, load_id: str, source: str, period: str, origin: Origin
    ) -> tuple[int, int]:
        """Insert a period's charges with their dimensions; returns mapped and generated rows.

        Must run inside the caller's transaction.
        """
        fmt = staged.header.format
        self._map(fmt, period, counts)
        names = self._mapped_columns(fmt)
        stored = [name for name in names if name not in RESOURCE_ONLY and name not in _COMPUTED]
        category = "coalesce(m.x_CostCategory, c.x_CostCategory)" if "x_CostCategory" in names else "c.x_CostCategory"
        columns = ", ".join(staging.identifier(name) for name in stored)
        self._find_resources(names)
        same = " AND ".join(f"r.{name} IS NOT DISTINCT FROM m.{name}" for name in RESOURCE if name in names)
        charges = self.warehouse.execute(
            f"""
            INSERT INTO charges ({columns}, x_SourceChanges, x_LoadId, x_Source, x_Origin, x_CostCategory, x_TagSetId,
                x_ResourceKey)
            SELECT {", ".join("m." + staging.identifier(name) for name in stored)},
                CASE WHEN t.is_changed THEN concat_ws(' ', m.x_SourceChanges, 'tags') ELSE m.x_SourceChanges END,
                $load_id, $source, $origin, {category}, t.x_TagSetId, r.x_ResourceKey
            FROM {self._rows} AS m
            LEFT JOIN mapped AS r ON {same}
            LEFT JOIN tag_map AS t ON t.x_TagText = m.x_TagText
            LEFT JOIN cost_categories AS c ON c.ServiceCategory = m.ServiceCategory""",
            {"load_id": load_id, "source": source, "origin": origin},
        )
        generated = self._generated()
        self._insert_dimensions(period)
        return charges - generated, generated

    def _map(self, fmt: Format, period: str, counts: Counts) -> None:
        """Say what a period's mapped rows are read from: few of them from a table, since planning takes longer than rows."""
        self._makes = fmt.generated is not None and (fmt.credits is not None or counts.folded > 0)
        mapping = _mapping(fmt, generated=self._makes)
        select = f"FROM ({mapping}\n) WHERE x_BillingPeriod = {staging.literal(period)} AND ({self.taken})"
        self._rows = f"({select})"
        if counts.mapped <= FEW_ROWS:
            self.connection.execute(f"CREATE OR REPLACE TEMP TABLE mapped_here AS {select}").fetchall()
            self._rows = "mapped_here"

    def charges_totals(
        self, load_id: str, controls: Sequence[Control]
    ) -> dict[tuple[str, str | None, str | None], Decimal]:
        """Sum what the money laws are about over the charges that a load brought, by column, condition and currency."""
        sums = ", ".join(
            f"coalesce(sum({control.column}) FILTER (WHERE {control.only or 'true'}), 0)" for control in controls
        )
        rows = self.warehouse.rows(
            f"SELECT BillingCurrency, {sums} FROM charges WHERE x_LoadId = ? GROUP BY ALL", [load_id]
        )
        return {
            (control.column, control.only, currency): total
            for currency, *totals in rows
            for control, total in zip(controls, totals, strict=True)
        }

    def _generated(self) -> int:
        return int(self.warehouse.value(f"SELECT count(x_Generated) FROM {self._rows}")) if self._makes else 0

    def _find_resources(self, names: Sequence[str]) -> None:
        """Make ``mapped``: the distinct resources of a period with their keys, each hashed once instead of per charge."""
        given = ", ".join(f"m.{name}" if name in names else f"CAST(NULL AS VARCHAR) AS {name}" for name in RESOURCE)
        self.connection.execute(f"""
            CREATE OR REPLACE TEMP TABLE mapped AS
            SELECT {resource_key_sql("d", RESOURCE)} AS x_ResourceKey, d.*
            FROM (SELECT DISTINCT {given} FROM {self._rows} AS m) AS d""").fetchall()

    def _insert_dimensions(self, period: str) -> None:
        columns = ", ".join(("x_ResourceKey", *RESOURCE))
        self.warehouse.execute(f"""
            INSERT INTO resources ({columns})
            SELECT {columns} FROM ({resources.sql("sources/resources")}) AS found
            WHERE found.x_ResourceKey NOT IN (SELECT x_ResourceKey FROM resources)""")
        if not self._has_tags:
            return
        self.warehouse.execute(
            """
            INSERT INTO tag_sets (x_TagSetId, Tags)
            SELECT DISTINCT x_TagSetId, Tags FROM tag_map
            WHERE x_TagSetId IN (SELECT x_TagSetId FROM charges WHERE x_BillingPeriod = $period)
                AND x_TagSetId NOT IN (SELECT x_TagSetId FROM tag_sets)""",
            {"period": period},
        )
        self.warehouse.execute("""
            INSERT INTO tags (x_TagSetId, TagKey, TagValue)
            SELECT DISTINCT x_TagSetId, TagKey, TagValue FROM tag_pairs
            WHERE x_TagSetId IN (SELECT x_TagSetId FROM tag_sets) AND x_TagSetId NOT IN (SELECT x_TagSetId FROM tags)""")

    def _decode_tags(self, staged: Staged) -> int:
        prefixes = staged.tag_prefixes
        style = staged.header.format.tag_style
        texts = self.warehouse.rows(
            "SELECT DISTINCT x_TagText FROM staged WHERE x_TagText IS NOT NULL AND x_Problem IS NULL"
        )
        sets: list[tuple[str, str, str, bool]] = []
        pairs: dict[str, list[tuple[str, str]]] = {}
        unreadable = 0
        for (text,) in texts:
            decoded = tags.decode(
                text, prefixes=prefixes, aws=style == "aws", bare=style == "azure", listed=style == "pairs"
            )
            unreadable += tags.UNREADABLE in decoded.pairs
            if decoded.pairs:
                canonical = decoded.canonical
                set_id = str(tags.set_id(canonical))
                sets.append((text, set_id, canonical, bool(decoded.repeated) or tags.UNREADABLE in decoded.pairs))
                pairs[set_id] = list(decoded.pairs.items())
        flat = [(set_id, key, value) for set_id, items in pairs.items() for key, value in items]
        self._has_tags = bool(sets)
        columns = {"x_TagText": "VARCHAR", "x_TagSetId": "UUID", "Tags": "VARCHAR", "is_changed": "BOOLEAN"}
        self.warehouse.replace_temporary("tag_map", columns, sets)
        self.warehouse.replace_temporary(
            "tag_pairs", {"x_TagSetId": "UUID", "TagKey": "VARCHAR", "TagValue": "VARCHAR"}, flat
        )
        return unreadable

    def _mapped_columns(self, fmt: Format) -> list[str]:
        """The columns of a mapping, asked once per process: staged columns are fixed, so the SQL alone tells them."""
        key = fmt.name, self._makes
        if key not in _MAPPED:
            _MAPPED[key] = [row[0] for row in self.warehouse.rows(f"DESCRIBE FROM {self._rows}")]
        return _MAPPED[key]

    def _load_lookups(self, fmt: Format) -> None:
        """Load the lookups that a format joins, once per run."""
        for name in fmt.lookups:
            if name in self._looked_up:
                continue
            path = resources.folder("sql") / "lookups" / f"{name}.csv"
            self.connection.execute(
                f"CREATE OR REPLACE TEMP TABLE {name} AS FROM read_csv({staging.literal(str(path))}, header = true, "
                "all_varchar = true, delim = ',', quote = '\"')"
            ).fetchall()
            self._looked_up.add(name)

    def _load_spellings(self) -> None:
        spellings = resources.lookup("spellings").split()[1:]
        rows = [(spelling.lower(), spelling) for spelling in spellings]
        self.warehouse.replace_temporary("spellings", {"lower_spelling": "VARCHAR", "spelling": "VARCHAR"}, rows)
        aliases = list(focus.provider_aliases().items())
        self.warehouse.replace_temporary("provider_names", {"alias": "VARCHAR", "x_Provider": "VARCHAR"}, aliases)
        categories = [(service, category.value) for service, category in CATEGORY_OF_SERVICE.items()]
        self.warehouse.replace_temporary(
            "cost_categories", {"ServiceCategory": "VARCHAR", "x_CostCategory": "VARCHAR"}, categories
        )


#: The columns of each format's mapping, without and with rows that are made, once they were asked for.
_MAPPED: dict[tuple[str, bool], list[str]] = {}
#: Mapped columns that go to the dimension alone.
RESOURCE_ONLY = {*focus.RESOURCE_COLUMNS, "x_ResourceType", "x_TagText"}
#: Mapped columns that an insert has a hand in.
_COMPUTED = ("x_SourceChanges", "x_CostCategory", "x_Generated")


def _mapping(fmt: Format, *, generated: bool = True) -> str:
    """SQL over ``staged``: its rows mapped, and those that are made beside them (of credits, or of folded rows).

    Steps are written into it: each view costs its planning when it is made and whenever it is read.
    """
    select = resources.sql(f"sources/{fmt.name}")
    if fmt.generated and generated:
        made = resources.sql(f"sources/{fmt.generated}")
        select += f"\nUNION ALL BY NAME\nSELECT *, true AS x_Generated FROM ({made}\n)"
    steps = ", ".join(f"{step} AS NOT MATERIALIZED ({resources.sql(f'sources/{step}')}\n)" for step in fmt.steps)
    return f"WITH {steps} FROM ({select}\n)" if steps else select


def _repeated(fmt: Format) -> str:
    """SQL over ``staged``: the row is a record that counts elsewhere."""
    return "x_Problem IS NULL AND x_Repeated" if fmt.record else "false"


def _torn(fmt: Format) -> str:
    """SQL over ``staged``: the row is the last line of a file that may still be written, and breaks off."""
    return f"suffix(x_Problem, {staging.literal(json_lines.TORN)})" if fmt.grows else "false"


def _of(period: str, unread: bool) -> str:
    same = f"x_BillingPeriod = {staging.literal(period)}"
    return f"({same} OR x_BillingPeriod IS NULL)" if unread else same


def _row_key(header: Header) -> str:
    """SQL over ``staged``: the text that tells a row across deliveries; all but money and invoice where it has no key."""
    names = [name for name in header.format.row_key if name in header.fields] or [
        field.name
        for field in header.format.fields
        if field.kind != "decimal" and field.name in header.fields and field.name not in INVOICE_FIELDS
    ]
    texts = [f"coalesce(CAST({name} AS VARCHAR), '')" for name in names]
    return f"concat_ws(chr(31), {', '.join(texts)})"
