"""What each staged row's money is, for formats whose billing periods come in two views: the column ``x_View``.

Of one view alone: ``actual``, ``amortized``, or ``both`` where it has no commitments. Of two that are joined: ``joined``
(a row of the amortized view), ``purchase`` (a row that only the actual view has) and ``covered`` (folded).
"""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.engines.mapping import Mapper
from pipeline.engines.reading import Reader
from pipeline.engines.staged import Staged
from pipeline.engines.staging import literal
from pipeline.errors import ExportError
from pipeline.load.outcome import Job
from pipeline.sources import views
from pipeline.sources.delivery import Delivery
from pipeline.sources.formats import TwoViews
from pipeline.sources.views import Kind
from pipeline.store.loads import Load
from pipeline.store.warehouse import Warehouse


def settle(reader: Reader, mapper: Mapper, staged: Staged, delivery: Delivery) -> None:
    """Give each staged row its ``x_View`` and ``x_Committed``; nothing for formats of one view.

    Raises:
        ExportError: when a billing period has rows that only an actual and rows that only an amortized view has.
    """
    fmt = staged.header.format
    if fmt.views is None:
        return
    kinds = mapper.kinds(staged)
    view = _joined(fmt.views, delivery, kinds) if delivery.views else _single(delivery, kinds)
    # A row's digits beyond the 18th count for the sums that its money is in.
    digits = ", ".join(
        f"CASE WHEN {control.summed} = {control.fields[0]} THEN x_Long_{n} END AS x_Long_{n}"
        for n, control in enumerate(fmt.controls)
    )
    reader.compute(f"{view} AS x_View, {fmt.views.committed} AS x_Committed", digits)


def _single(delivery: Delivery, kinds: Sequence[tuple[int, Kind]]) -> str:
    told = {period: _told(delivery, period, kinds) for period in sorted({kind.period for _, kind in kinds})}
    branches = " ".join(f"WHEN {literal(period)} THEN {literal(view)}" for period, view in told.items())
    return f"CASE x_BillingPeriod {branches} ELSE 'both' END" if told else "'both'"


def _told(delivery: Delivery, period: str, kinds: Sequence[tuple[int, Kind]]) -> str:
    view = delivery.view or views.told(kind for _, kind in kinds if kind.period == period)
    if view == "mixed":
        raise ExportError(
            f"{delivery.name}: {period} has purchases of commitments and what commitments left unused: the actual and the "
            "amortized view in one; nothing was loaded, export them as two"
        )
    return view


def _joined(two: TwoViews, delivery: Delivery, kinds: Sequence[tuple[int, Kind]]) -> str:
    amortized = [number for number, view in enumerate(delivery.views) if view == "amortized"]
    shared = [
        f"WHEN x_BillingPeriod = {literal(period)} AND {two.charge_type} IN ({', '.join(map(literal, sorted(types)))}) "
        "THEN 'covered'"
        for period in sorted({kind.period for _, kind in kinds})
        if (
            types := views.shared_types(kind for number, kind in kinds if number in amortized and kind.period == period)
        )
    ]
    return (
        f"CASE WHEN x_File IN ({', '.join(map(str, amortized))}) THEN 'joined' WHEN {two.used} THEN 'covered' "
        f"WHEN {two.committed} THEN 'purchase' {' '.join(shared)} "
        "ELSE 'purchase' END"
    )


def note(warehouse: Warehouse, job: Job, load: Load) -> None:
    """Write the view of each file of a load into the ledger, inside the caller's transaction."""
    if job.staged.header.format.views is None:
        return
    seen = "SELECT min(x_View) FROM staged WHERE x_BillingPeriod = ?"
    told = job.delivery.views or [warehouse.value(seen, [job.period]) or "both"] * len(job.delivery.files)
    for file, view in zip(job.delivery.files, told, strict=True):
        warehouse.execute(
            "UPDATE load_files SET x_View = ? WHERE load_id = ? AND path = ?", [view, load.load_id, str(file.path)]
        )
