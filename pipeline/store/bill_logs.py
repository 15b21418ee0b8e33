"""Usage logs that are part of the bill (``bill: true``): their charges are billed, and are records all the same."""

from __future__ import annotations

from pipeline.store.warehouse import Warehouse

_NAMES = """
SELECT DISTINCT p.x_Source FROM source_periods AS p
INNER JOIN model_costs AS m ON m.x_Source = p.x_Source AND m.x_BillingPeriod = p.x_BillingPeriod
WHERE p.x_Origin = 'billed' AND m.x_Origin = 'recorded' ORDER BY 1"""


def names(warehouse: Warehouse) -> list[str]:
    """Return the sources of what programs recorded whose charges are part of the bill, A to Z."""
    return [row[0] for row in warehouse.rows(_NAMES)]
