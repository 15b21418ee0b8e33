"""What somebody should know of the charges after a load: double deliveries, two currencies, spellings of tags."""

from __future__ import annotations

from pipeline import resources
from pipeline.store.warehouse import Warehouse

#: The same file under two source names: its charges count twice.
_TWICE = "{0} file(s), first {1}, are loaded by {2} and by {3}: their charges count twice; take them out of one"

#: What programs recorded as a part of the bill, of a provider that bills AI usage itself.
_BILLED_TWICE = (
    "{0} says bill: true, and {1} bills AI usage of {2} as well (last in {3}): the same calls may be in the bill twice; if so, "
    "leave bill out of {0}"
)

#: A billing account of a load of this run that is billed in several currencies.
_TWO_CURRENCIES = (
    "{0} {1}: the billing account {2} is billed in {3}; each currency has sums of its own, they are never added"
)

#: Several spellings of a tag key on the same charges, with different values (tags.aliases).
_SPELLINGS = (
    "tag {0}: {1} charges carry several spellings of it with different values; {2!r} counts before {3!r}; "
    "`costmill tags conflicts` lists them"
)


def of_charges(warehouse: Warehouse, run_id: str, *, has_loaded: bool) -> list[str]:
    """Say which files and calls count twice, and which billing accounts a run has loaded in several currencies, if it has any."""
    twice = [_TWICE.format(*row) for row in warehouse.rows(resources.sql("night/twice"))]
    mixed = warehouse.rows(resources.sql("night/two_currencies"), [run_id]) if has_loaded else []
    billed = [_BILLED_TWICE.format(*row) for row in warehouse.rows(resources.sql("night/billed_twice"))]
    return twice + billed + [_TWO_CURRENCIES.format(*row) for row in mixed]


def of_tags(warehouse: Warehouse) -> list[str]:
    """Say which tag keys the same charges carry in several spellings."""
    return [_SPELLINGS.format(*row) for row in warehouse.rows(resources.sql("night/spellings"))]
