"""The staging contract: a SELECT that turns a file's columns into typed columns with fixed names.

Besides the fields of the format (absent ones NULL) each row has

- ``x_File``, ``x_Record``, ``x_Line``: where it comes from (index of the file; record and line where known),
- ``x_BillingPeriod``: label ``YYYY-MM``,
- ``x_TagText``: the raw tags, decoded later once per distinct text,
- ``x_Long_N``: the text of the N-th control column where it may have more than 18 decimals,
- ``x_Noted``: an optional number could not be read and is NULL,
- ``x_Problem``: why the row is rejected, as ``column, value, reason`` joined by ``\\x1f``; NULL when it is fine,
- ``x_Kept``: the kept columns as one JSON object,
- ``x_Batch``: the batch of a row, as text, in formats that have batches,
- ``x_Repeated``: false, until ``engines.records`` knows that the record counts elsewhere; in formats whose rows have ids,
- ``x_Remarks``, when asked for: what is odd about single values, as ``column, value, kind`` joined by ``\\x1f``, several
  joined by ``\\x1e``. Kinds: ``number`` and ``time`` (it is none, and the field is NULL), ``format`` (a time that is
  readable, but not written as FOCUS writes times).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from pipeline.sources.formats import Field, Header

#: Between the parts of ``x_Problem``.
UNIT = "\x1f"

#: Why a row is rejected whose date makes every other date of the file doubtful.
DAY_FIRST = "has the day first, where the month stands in this export"

_TEXT = ("string", "large_string", "string_view")
_TYPES = {"text": "VARCHAR", "decimal": "DECIMAL(38, 18)", "datetime": "TIMESTAMP", "date": "TIMESTAMP"}


@dataclass(frozen=True)
class Column:
    """A raw column: its SQL expression and its Arrow type's text (``csv`` when it is CSV text)."""

    expression: str
    type: str = "csv"


def literal(text: str) -> str:
    """Quote a text as a SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """Quote a name as a SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def select(
    header: Header,
    columns: Sequence[Column],
    source: str,
    *,
    file: int | str,
    record: str,
    line: str,
    ragged: str = "NULL",
    without: Collection[str] = (),
    remarks: bool = False,
) -> str:
    """Return the staging SELECT over ``source`` for one file.

    ``columns`` are the raw columns in header order; ``file``, ``record`` and ``line`` are expressions for the row's place;
    ``ragged`` is one for the problem of a row that could not be cut into columns; ``without`` names fields to leave
    out, which ``with_absent`` puts back; ``remarks`` adds ``x_Remarks``.
    """
    columns, source = _cleaned(header, columns, source)
    typed, source = _typed_once(header, columns, source)
    parts = [f"{expression} AS {identifier(name)}" for name, expression in typed.items() if name not in without]
    parts += [
        f"{file} AS x_File",
        f"CAST({record} AS BIGINT) AS x_Record",
        f"CAST({line} AS BIGINT) AS x_Line",
        f"{header.format.billing_period} AS x_BillingPeriod",  # over the fields above, by their names
        f"{_tag_text(header, columns)} AS x_TagText",
        f"{_kept(header, columns)} AS x_Kept",
        f"{_noted(header, columns, typed)} AS x_Noted",
        f"coalesce({ragged}, {_problem(header, columns, typed)}) AS x_Problem",
    ]
    parts += [f"CAST({header.format.batch} AS VARCHAR) AS x_Batch"] if header.format.batch else []
    parts += ["false AS x_Repeated"] if header.format.record else []
    parts += [
        f"{_long(header, columns, typed, names)} AS x_Long_{n}" for n, names in enumerate(_control_fields(header))
    ]
    if remarks:
        parts.append(f"{_remarks(header, columns, typed)} AS x_Remarks")
    return "SELECT\n    " + ",\n    ".join(parts) + f"\nFROM {source}"


def _cleaned(header: Header, columns: Sequence[Column], source: str) -> tuple[list[Column], str]:
    """Clean the used text columns once, below the SELECT: its macros repeat what they are given many times over."""
    used = {*header.fields.values(), *header.tags, *header.kept}
    texts = {index: columns[index] for index in used if columns[index].type in _TEXT}
    if not texts:
        return list(columns), source
    clean = ", ".join(f"{_as_text(raw, header)} AS text_{index}" for index, raw in texts.items())
    plain = [Column(f"text_{index}") if index in texts else raw for index, raw in enumerate(columns)]
    return plain, f"(SELECT *, {clean} FROM {source})"


def _typed_once(header: Header, columns: Sequence[Column], source: str) -> tuple[dict[str, str], str]:
    """Type the numbers and times that the files have once, below the SELECT: planning a macro takes longer than a row."""
    typed = {field.name: _typed(field, header, columns) for field in header.format.fields}
    given = [field for field in header.format.fields if field.kind != "text" and field.name in header.fields]
    if not given:
        return typed, source
    names = {field.name: identifier(UNIT + field.name) for field in given}  # no raw column is called so
    made = ", ".join(f"{typed[field]} AS {name}" for field, name in names.items())
    return typed | names, f"(SELECT *, {made} FROM {source})"


def absent(headers: Sequence[Header]) -> tuple[str, ...]:
    """Return the fields that none of the files has."""
    fmt = headers[0].format
    return tuple(
        field.name
        for field in fmt.fields
        if not any(field.name in each.fields for each in headers) and field.name not in fmt.billing_period
    )


def with_absent(fields: Sequence[Field], without: Collection[str], source: str) -> str:
    """Return the SELECT over ``source`` that has the fields ``without`` as NULL: storing those costs as much as any."""
    nulls = [
        f"CAST(NULL AS {_TYPES[field.kind]}) AS {identifier(field.name)}" for field in fields if field.name in without
    ]
    return f"SELECT {', '.join(['*', *nulls])} FROM {source}"


def tag_prefixes(header: Header) -> tuple[str, ...]:
    """Return the key prefix of each part of ``x_TagText``, in order."""
    whole = tuple(prefix for prefix, is_set in header.tags.values() if is_set)
    return (*whole, "") if any(not is_set for _, is_set in header.tags.values()) else whole


def same_tags(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether tags of these prefixes can be decoded alike: none has one, or the n-th parts have the same."""
    return not any((*one, *other)) or all(left == right for left, right in zip(one, other, strict=False))


def _control_fields(header: Header) -> list[tuple[str, ...]]:
    return [control.fields for control in header.format.controls]


def _raw(field: Field, header: Header, columns: Sequence[Column]) -> Column | None:
    index = header.fields.get(field.name)
    return None if index is None else columns[index]


def _typed(field: Field, header: Header, columns: Sequence[Column]) -> str:
    raw = _raw(field, header, columns)
    if raw is None:
        return f"CAST(NULL AS {_TYPES[field.kind]})"
    if field.kind == "text":
        return _as_text(raw, header)
    if field.kind == "decimal":
        return _as_decimal(raw, header)
    return _as_time(raw, header, "date_text" if field.kind == "date" else "utc_text")


def _as_text(raw: Column, header: Header) -> str:
    if raw.type == "csv":
        return raw.expression
    if _nested(raw):
        return f"CAST(to_json({raw.expression}) AS VARCHAR)"
    is_text = raw.type in _TEXT
    text = raw.expression if is_text else f"CAST({raw.expression} AS VARCHAR)"
    # One CASE for all words: a nullif in a nullif doubles the expression with each word.
    words = ", ".join(literal(word) for word in ("", *header.format.null_words))
    return f"CASE WHEN {text} NOT IN ({words}) THEN {text} END"


def _is_given(raw: Column, header: Header) -> str:
    """Whether a value stands there; asked of numbers and times themselves, since the text of a DOUBLE is dear."""
    typed = raw.type.startswith(("double", "float", "int", "uint", "decimal", "timestamp", "date"))
    return f"{raw.expression if typed else _as_text(raw, header)} IS NOT NULL"


def _as_decimal(raw: Column, header: Header) -> str:
    if _is_double(raw):
        return f"money_double({raw.expression})"
    if raw.type.startswith(("decimal", "int", "uint")):
        return f"TRY_CAST({raw.expression} AS DECIMAL(38, 18))"
    return f"money_text({_as_text(raw, header)})"


def _as_time(raw: Column, header: Header, macro: str) -> str:
    if raw.type.startswith("timestamp") and "tz=" in raw.type:
        # A cast would take the machine's own zone.
        return f"in_calendar(make_timestamp(epoch_us({raw.expression})))"
    if raw.type.startswith(("timestamp", "date")):
        return f"in_calendar(CAST({raw.expression} AS TIMESTAMP))"
    return f"{macro}({_as_text(raw, header)})"


def _long(header: Header, columns: Sequence[Column], typed: dict[str, str], names: tuple[str, ...]) -> str:
    branches = []
    for name in names:
        index = header.fields.get(name)
        if index is None:
            continue
        raw = columns[index]
        if _is_double(raw):
            text = f"long_double({raw.expression})"
        elif _fits(raw):
            text = "CAST(NULL AS VARCHAR)"
        else:
            text = f"long_text({_as_text(raw, header)})"
        branches.append(f"WHEN {typed[name]} IS NOT NULL THEN {text}")
    return f"CASE {' '.join(branches)} END" if branches else "CAST(NULL AS VARCHAR)"


def _tag_text(header: Header, columns: Sequence[Column]) -> str:
    parts = [
        f"coalesce({_as_text(columns[index], header)}, '')" for index, (_, is_set) in header.tags.items() if is_set
    ]
    single = [(key, columns[index]) for index, (key, is_set) in header.tags.items() if not is_set]
    if single:
        pairs = ", ".join(f"{literal(key)}, {_as_text(column, header)}" for key, column in single)
        parts.append(f"CAST(json_object({pairs}) AS VARCHAR)")
    if not parts:
        return "CAST(NULL AS VARCHAR)"
    return parts[0] if len(parts) == 1 else f"concat_ws(chr(30), {', '.join(parts)})"


def _kept(header: Header, columns: Sequence[Column]) -> str:
    pairs = ", ".join(f"{literal(name)}, {_as_text(columns[index], header)}" for index, name in header.kept.items())
    return f"CAST(json_object({pairs}) AS VARCHAR)" if pairs else "CAST(NULL AS VARCHAR)"


def _noted(header: Header, columns: Sequence[Column], typed: dict[str, str]) -> str:
    unread = [
        f"({_is_given(raw, header)} AND {typed[field.name]} IS NULL)"
        for field in header.format.fields
        if field.kind != "text" and not field.must_be_readable
        if (raw := _raw(field, header, columns)) is not None
    ]
    return " OR ".join(unread) if unread else "false"


#: How FOCUS writes a time; seconds may have decimals, and Parquet has types of its own.
_FOCUS_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?Z"


def _remarks(header: Header, columns: Sequence[Column], typed: dict[str, str]) -> str:
    found = []
    for field in header.format.fields:
        raw = _raw(field, header, columns)
        if raw is None or field.kind == "text":
            continue
        text, value = _as_text(raw, header), typed[field.name]
        kinds = []
        if not field.must_be_readable:
            kind = "number" if field.kind == "decimal" else "time"
            kinds.append(f"WHEN {_is_given(raw, header)} AND {value} IS NULL THEN {literal(UNIT + kind)}")
        if field.kind == "datetime" and not raw.type.startswith(("timestamp", "date")):
            is_odd = f"NOT regexp_full_match({text}, {literal(_FOCUS_TIME)})"
            kinds.append(f"WHEN {value} IS NOT NULL AND {is_odd} THEN {literal(UNIT + 'format')}")
        if kinds:
            name = literal(field.name + UNIT)
            found.append(f"{name} || replace(left({text}, 200), chr(31), ' ') || CASE {' '.join(kinds)} END")
    return f"concat_ws(chr(30), {', '.join(found)})" if found else "CAST(NULL AS VARCHAR)"


def _problem(header: Header, columns: Sequence[Column], typed: dict[str, str]) -> str:
    branches = []
    for field in header.format.fields:
        raw = _raw(field, header, columns)
        if raw is None or not (field.must_be_readable or field.kind == "date"):
            continue
        text = _as_text(raw, header)
        name = literal(header.columns[header.fields[field.name]].replace(UNIT, " ") + UNIT)
        if field.kind == "date" and not raw.type.startswith(("timestamp", "date")):
            branches.append(
                f"WHEN {typed[field.name]} IS NULL AND is_day_first({text}) THEN {name} || "
                f"replace(left({text}, 200), chr(31), ' ') || {literal(UNIT + DAY_FIRST)}"
            )
        if not field.must_be_readable:
            continue
        if field.needed:
            branches.append(f"WHEN NOT ({_is_given(raw, header)}) THEN {name} || {literal(UNIT + 'is empty')}")
        if field.kind != "text":
            reason = literal(UNIT + _REASONS[field.kind])
            given = "" if field.needed else f"{_is_given(raw, header)} AND "
            branches.append(
                f"WHEN {given}{typed[field.name]} IS NULL THEN {name} || replace(left({text}, 200), chr(31), ' ') || {reason}"
            )
        elif field.name == header.format.period_start and header.format.period:
            branches.append(
                f"WHEN ({header.format.period}) IS NULL THEN {name} || replace(left({text}, 200), chr(31), ' ') || "
                f"{literal(UNIT + _REASONS['period'])}"
            )
    branches += _two_currencies(header, columns)
    return f"CASE {' '.join(branches)} END" if branches else "CAST(NULL AS VARCHAR)"


def _two_currencies(header: Header, columns: Sequence[Column]) -> list[str]:
    """A branch for a text such as ``USD/EUR``: its sum would be of no currency. Codes that are none (MC) are one."""
    index = header.fields.get(header.format.currency)
    if index is None:
        return []
    text = _as_text(columns[index], header)
    name = literal(header.columns[index].replace(UNIT, " ") + UNIT)
    reason = literal(UNIT + "names two currencies; a charge is billed in one")
    value = f"replace(left({text}, 200), chr(31), ' ')"
    return [f"WHEN regexp_full_match({text}, {literal(_TWO_CODES)}) THEN {name} || {value} || {reason}"]


_TWO_CODES = r"[A-Za-z]{3}(\s*[/,;|+&]\s*|\s+)[A-Za-z]{3}(\W.*)?"

_REASONS = {
    "decimal": "is no number of at most 20 digits before the point (digits, sign, point and exponent only)",
    "datetime": "is no ISO 8601 time such as 2026-03-01T00:00:00Z",
    "period": "is no month such as 202603",
    "date": "is no date such as 2026-03-01 or, month first, 3/1/2026",
}


def _is_double(raw: Column) -> bool:
    # DuckDB reads decimals of more than 38 digits as DOUBLE.
    return raw.type == "double" or raw.type.startswith("decimal256")


def _fits(raw: Column) -> bool:
    """Whether the type itself has no more than 18 decimals, whatever the text of its values looks like."""
    if raw.type.startswith("decimal"):
        return int(raw.type.rstrip(")").rsplit(",", 1)[1]) <= 18
    return raw.type.startswith(("int", "uint"))


def _nested(raw: Column) -> bool:
    return raw.type.startswith(("map", "struct", "list", "large_list"))
