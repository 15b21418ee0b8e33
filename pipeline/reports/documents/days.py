"""What a day's report says beside the day: the same weekday, the usual, the month to date and its forecast."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from pipeline import money
from pipeline.periods import span_of
from pipeline.reports.costs import read_month
from pipeline.reports.documents.reading import DAY, SpanReader
from pipeline.reports.figures import Figures
from pipeline.reports.model.document import Fact
from pipeline.reports.standing import read_standing
from pipeline.store.tenants import owner

if TYPE_CHECKING:
    from pipeline.reports.documents.costs import Told


def day_facts(reader: SpanReader, told: Sequence[Told], figures: Figures) -> Iterable[Fact]:
    """The same weekday a week before, the month through the day, and where the month will end; of other spans nothing."""
    if reader.span.edition != "daily":
        return
    day, month = reader.span.start, span_of("monthly", reader.span.start)
    whole = SpanReader(reader.warehouse, month)
    earlier = day - timedelta(days=7)
    before = {(own.currency, own.keys[0]): own.previous for own in reader.groups({DAY: ""})}
    standing = read_standing(reader.warehouse, month.label, owner(reader.warehouse))
    of_month = read_month(reader.warehouse, month.label, whole.last_day, standing)
    for own in told:
        currency = own.currency
        if reader.before:
            same = before.get((currency, earlier), money.ZERO)
            moved = money.total((own.total.costs.billed, same.copy_negate()))
            note = f"{figures.signed(moved, currency)} on {figures.weekday(day)}"
            yield Fact("same_weekday", f"On {figures.weekday(earlier)}", same, "money", currency, note)
        if currency not in of_month:
            continue
        daily, expected, why = of_month[currency]
        to_date = money.total(each.billed for each in daily.days if each.day <= day)
        name = figures.month(month.label)
        yield Fact("month_to_date", f"{name} to date", to_date, "money", currency, f"through {figures.day(day)}")
        if whole.is_open and (whole.last_day is None or day >= whole.last_day):
            yield Fact("forecast", f"Forecast of {name}", expected, "money", currency, why)
