"""One source has charges of one origin: those of a bill are never among those that programs recorded."""

from __future__ import annotations

from pipeline.config import SourceSettings
from pipeline.engines.staged import Staged
from pipeline.errors import OriginError
from pipeline.store.warehouse import Warehouse

_OTHERS = """
SELECT x_Origin, min(x_BillingPeriod) FROM source_periods
WHERE x_Source = ? AND x_Origin <> ? AND charges > 0 GROUP BY ALL"""


def require(warehouse: Warehouse, source: SourceSettings, staged: Staged) -> None:
    """Check that what is staged is of the source's origin, as the configuration and the warehouse know it.

    Raises:
        OriginError: when it is not.
    """
    fmt, name = staged.header.format, staged.files[0].file.name
    if source.origin not in (None, fmt.origin):
        raise OriginError(
            f"{name}: {fmt.title}, whose charges are {fmt.origin}, but the source {source.name} says origin: {source.origin}; "
            "nothing was loaded"
        )
    for origin, period in warehouse.rows(_OTHERS, [source.name, fmt.origin]):
        raise OriginError(
            f"{name}: {fmt.title}, whose charges are {fmt.origin}, but the source {source.name} has {origin} ones (of "
            f"{period}): give it a source of its own, or take those out with `costmill unload {source.name}`; "
            "nothing was loaded"
        )
