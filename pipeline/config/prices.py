"""Lists of prices: the overrides that ``costmill.yaml`` names, as YAML or CSV, and the project's own.

A row is what one model costs, under the same names in both forms; docs/prices.md has them. All that is wrong with a
file is told at once, with its lines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Protocol, TypeVar

from pipeline import money
from pipeline.config import fields, lists
from pipeline.config.findings import Findings
from pipeline.config.keys import SECTIONS, Keys
from pipeline.config.lists import Record, Told
from pipeline.config.model import PriceSettings
from pipeline.config.paths import Resolver
from pipeline.config.section import Section
from pipeline.config.yaml import read
from pipeline.pricing.model import PRICE_COLUMNS, PriceRow, Rate

NEEDED = ("provider", "model")
OPTIONAL = (
    *("variant", "since", "currency", *PRICE_COLUMNS, "above_input_tokens", "context_window", "deprecated"),
    *("source", "checked"),
)
#: The most that one unit, or a million tokens, may cost: beyond it a number is a slip.
MOST = Decimal(1_000_000)
_MOST_TOKENS = 10**12

T = TypeVar("T")


def read_prices(root: Section, resolver: Resolver) -> PriceSettings:
    """Read ``prices``: the overrides of the file that it names."""
    section = root.section("prices", SECTIONS["prices"])
    path = section.value("overrides", resolver.path, None)
    if path is None:
        return PriceSettings()
    told = lists.teller(section, "overrides", path)
    return PriceSettings(path, _read(path, resolver.environ, told))


def read_price_file(path: Path, environ: Mapping[str, str] | None = None) -> tuple[PriceRow, ...]:
    """Read a list of prices by itself; ``environ`` fills ``${NAME}`` in YAML.

    Raises:
        ConfigurationError: with every problem of the file.
    """
    findings = Findings()
    found = _read(path, environ or {}, lambda message: findings.problem(None, "", message))
    findings.raise_problems(str(path))
    return found


def _read(path: Path, environ: Mapping[str, str], told: Told) -> tuple[PriceRow, ...]:
    text = lists.text_of(path, told)
    if text is None:
        return ()
    rows = _of_csv(text, told) if path.suffix.lower() == ".csv" else _of_yaml(text, environ, told)
    found = [each for row in rows if (each := _row(row)) is not None]
    _check_together(found, told)
    return tuple(found)


class _Row(Protocol):
    """A row of either form."""

    line: int

    def value(self, name: str, parse: Callable[[str], T]) -> T | None: ...

    def needed(self, name: str, parse: Callable[[str], T], example: str) -> T | None: ...

    def has(self, name: str) -> bool: ...

    def wrong(self, name: str, message: str) -> None: ...


class _CsvRow:
    def __init__(self, record: Record) -> None:
        self.line = record.line
        self._record = record

    def value(self, name: str, parse: Callable[[str], T]) -> T | None:
        return self._record.value(name, parse)

    def needed(self, name: str, parse: Callable[[str], T], example: str) -> T | None:
        return self._record.value(name, parse, needed=True)

    def has(self, name: str) -> bool:
        return bool(self._record.values.get(name, "").strip())

    def wrong(self, name: str, message: str) -> None:
        self._record.told(f"line {self.line}: column {name}: {message}")


class _YamlRow:
    def __init__(self, section: Section) -> None:
        self.line = section.line or 0
        self._section = section

    def value(self, name: str, parse: Callable[[str], T]) -> T | None:
        return self._section.value(name, parse, None)

    def needed(self, name: str, parse: Callable[[str], T], example: str) -> T | None:
        return self._section.required(name, parse, example)

    def has(self, name: str) -> bool:
        return self._section.has(name)

    def wrong(self, name: str, message: str) -> None:
        self._section.problem(name, message)


def _of_csv(text: str, told: Told) -> Iterator[_Row]:
    return (_CsvRow(record) for record in lists.records(text, NEEDED, OPTIONAL, told))


def _of_yaml(text: str, environ: Mapping[str, str], told: Told) -> Iterator[_Row]:
    if not text.strip():
        told("is empty; write `prices:` and a list of rows below it")
        return
    findings = Findings()
    table = read(text, environ, findings)
    if table is not None:
        root = Section(table, "", Keys(("prices",)), findings)
        if not root.has("prices") and not findings.problems:
            findings.problem(root.line, "prices", "is missing; write `prices:` and a list of rows below it")
        yield from (_YamlRow(section) for section in root.sections("prices", Keys((*NEEDED, *OPTIONAL))))
    for problem in findings.problems:
        told(str(problem))


def _row(row: _Row) -> PriceRow | None:
    """Return a row, None where it has no readable model or price; what is wrong is told."""
    provider = row.needed("provider", fields.line_of_text, "one such as openai")
    model = row.needed("model", fields.line_of_text, "a model's name")
    given = [name for name in PRICE_COLUMNS if row.has(name)]
    prices = {name: row.value(name, price) for name in given}
    if not given:
        row.wrong("model", f"has no price; give one of {', '.join(PRICE_COLUMNS)}")
    timed = [name for name in given if PRICE_COLUMNS[name][0] == "seconds"]
    if len(timed) > 1:
        row.wrong(timed[1], f"stands beside {timed[0]}; keep one")
    if "cached_input_per_million" in given and "input_per_million" not in given and not row.has("above_input_tokens"):
        row.wrong("cached_input_per_million", "needs input_per_million: cached tokens are a part of the input")
    rates = {}
    for name, amount in prices.items():
        if amount is not None:
            unit, per = PRICE_COLUMNS[name]
            rates[unit] = Rate(amount, per)
    found = PriceRow(
        provider or "",
        model or "",
        rates,
        variant=row.value("variant", fields.line_of_text),
        since=row.value("since", day),
        currency=row.value("currency", fields.currency_code) or "USD",
        above_input_tokens=row.value("above_input_tokens", fields.integer(1, _MOST_TOKENS)),
        context_window=row.value("context_window", fields.integer(1, _MOST_TOKENS)),
        deprecated=row.value("deprecated", fields.boolean) or False,
        source=row.value("source", fields.line_of_text),
        checked=row.value("checked", day),
        line=row.line,
    )
    return found if provider and model and rates else None


def price(value: str) -> Decimal:
    """Read a price: 0 or more, at most 18 decimals."""
    parsed = fields.number(value)
    if parsed < 0 or parsed > MOST or money.stored(parsed) != parsed:
        raise ValueError(f"{value!r} is no price; write 0 to {MOST:,} with at most {money.SCALE} decimals")
    return parsed


def day(value: str) -> date:
    """Read a day, such as 2026-03-22."""
    try:
        if len(value) != 10:
            raise ValueError
        return date.fromisoformat(value)
    except ValueError:
        raise ValueError(f"{value!r} is no day; write it as 2026-03-22") from None


def _check_together(rows: list[PriceRow], told: Told) -> None:
    """Tell of rows that stand twice, and of tiers without the row that they are tiers of, or in another currency."""
    lines: dict[tuple[object, ...], int] = {}
    plain = {row.key: row for row in rows if row.above_input_tokens is None}
    for row in rows:
        named = f"line {row.line}: {row.provider} {row.model}"
        key = (*row.key, row.above_input_tokens)
        if key in lines:
            told(f"{named}: stands on line {lines[key]} as well, with the same variant, since and above_input_tokens")
        lines.setdefault(key, row.line)
        if row.above_input_tokens is None:
            continue
        base = plain.get(row.key)
        if base is None:
            told(f"{named}: is a price above {row.above_input_tokens} tokens; the row for smaller calls is missing")
        elif base.currency != row.currency:
            told(f"{named}: is in {row.currency}, the row for smaller calls on line {base.line} in {base.currency}")
