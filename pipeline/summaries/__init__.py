"""The answers of a bill: one pure function per summary, rollups in, LazyFrame out, no reading and no writing.

Each has a twin in ``tests/oracles/*.sql``, over the charges themselves, that agrees to the last digit.
"""

from __future__ import annotations

from pipeline.summaries.anomalies import cost_anomalies
from pipeline.summaries.category import category_summary
from pipeline.summaries.commitment import commitment_summary
from pipeline.summaries.coverage import tag_coverage
from pipeline.summaries.fiscal import fiscal_summary
from pipeline.summaries.model import model_summary
from pipeline.summaries.movers import mover_summary
from pipeline.summaries.reasons import mover_reasons
from pipeline.summaries.resource import resource_summary
from pipeline.summaries.tag import tag_summary
from pipeline.summaries.trend import trend_summary

__all__ = [
    "category_summary",
    "commitment_summary",
    "cost_anomalies",
    "fiscal_summary",
    "model_summary",
    "mover_reasons",
    "mover_summary",
    "resource_summary",
    "tag_coverage",
    "tag_summary",
    "trend_summary",
]
