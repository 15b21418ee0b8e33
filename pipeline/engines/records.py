"""Records with ids of their own: each counts once, whatever deliveries, sources or programs bring it."""

from __future__ import annotations

from pipeline import resources
from pipeline.engines.reading import Reader
from pipeline.engines.staged import Staged
from pipeline.store.warehouse import Warehouse


def settle(reader: Reader, warehouse: Warehouse, staged: Staged, source: str) -> None:
    """Mark the staged rows of ``source`` whose ids count elsewhere; nothing for formats whose rows have none.

    The same record again is ``x_Repeated``; an id under other values is a problem, and its row rejected. Judged once, in
    the temporary table ``record_verdicts``, before anything of the delivery is in the charges.
    """
    fmt = staged.header.format
    if fmt.record is None:
        return
    names = [each.file.name for each in staged.files]
    warehouse.execute(
        f"CREATE OR REPLACE TEMP TABLE record_verdicts AS {resources.sql(f'staging/{fmt.name}_records')}",
        {"source": source, "names": names},
    )
    if not warehouse.value("SELECT 1 FROM record_verdicts LIMIT 1"):
        return
    verdict = (
        "(SELECT struct_pack(problem := v.problem) FROM record_verdicts AS v "
        "WHERE v.x_File = staged_plain.x_File AND v.x_Record = staged_plain.x_Record) AS x_Verdict"
    )
    reader.compute(
        verdict,
        "coalesce(x_Problem, x_Verdict.problem) AS x_Problem, "
        "(x_Verdict IS NOT NULL AND x_Verdict.problem IS NULL) AS x_Repeated",
    )
