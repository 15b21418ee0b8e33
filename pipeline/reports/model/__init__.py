"""What a report says, decided: sorted, cut and summed. Templates only lay it out.

Money is exact Decimal in the currency named beside it; shares and percentages are percent with 6 decimals, None
where there is nothing to divide by; days are UTC days; moments are naive UTC datetimes.
"""

from __future__ import annotations

from pipeline.reports.model.attribution import Coverage, Owner, OwnerCoverage, Owners, SplitKey, SplitValue
from pipeline.reports.model.commitments import Commitment, Commitments
from pipeline.reports.model.costs import (
    Category,
    Costs,
    Daily,
    Day,
    Headline,
    Line,
    Mover,
    Movers,
    Reason,
    Resource,
    Resources,
    Rest,
    TagKey,
    TagValue,
)
from pipeline.reports.model.drill import Amounts, Drill, ResourceLines, ResourceNames, Service
from pipeline.reports.model.ledger import (
    Data,
    Delivery,
    Drift,
    Reconciliation,
    RejectedRow,
    RestatedFinal,
    RestatedLine,
    Restatement,
    Source,
    Stale,
)
from pipeline.reports.model.report import Converted, ConvertedLine, CurrencySection, ReportContext
from pipeline.reports.model.standing import Alert, Budget, PolicyStatus, Standing, Threshold
from pipeline.reports.model.usage import ModelUsage, ModelUse

__all__ = [
    "Alert",
    "Amounts",
    "Budget",
    "Category",
    "Commitment",
    "Commitments",
    "Converted",
    "ConvertedLine",
    "Costs",
    "Coverage",
    "CurrencySection",
    "Daily",
    "Data",
    "Day",
    "Delivery",
    "Drift",
    "Drill",
    "Headline",
    "Line",
    "ModelUsage",
    "ModelUse",
    "Mover",
    "Movers",
    "Owner",
    "OwnerCoverage",
    "Owners",
    "PolicyStatus",
    "Reason",
    "Reconciliation",
    "RejectedRow",
    "ReportContext",
    "Resource",
    "ResourceLines",
    "ResourceNames",
    "Resources",
    "Rest",
    "RestatedFinal",
    "RestatedLine",
    "Restatement",
    "Service",
    "Source",
    "SplitKey",
    "SplitValue",
    "Stale",
    "Standing",
    "TagKey",
    "TagValue",
    "Threshold",
]
