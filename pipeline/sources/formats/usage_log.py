"""The usage log: JSON lines that programs write of what they use, one record a line. docs/formats.md is the contract.

Its charges are recorded, and part of the bill only where their source says so. A record without a cost is priced when it is first loaded. A segment is a batch: a segment that has grown replaces what was loaded of it. A
record's id counts once, in whatever segment or source it stands.
"""

from __future__ import annotations

from pipeline.sources.formats.base import Control, Field, Format

#: What was used, beside its cost.
QUANTITIES = ("input_tokens", "output_tokens", "cached_input_tokens", "images", "seconds")

USAGE_LOG = Format(
    name="usage_log",
    title="Usage log",
    signature=("id", "segment", "time", "provider", "operation"),
    fields=(
        Field("id", needed=True),
        Field("segment", needed=True),
        Field("time", "datetime", needed=True),
        Field("provider", needed=True),
        Field("operation", needed=True),
        Field("cost", "decimal", strict=True),
        Field("currency", needed=True),
        Field("model"),
        Field("variant"),
        *(Field(name, "decimal") for name in QUANTITIES),
        Field("attribution"),
        Field("request_id"),
        Field("parent_id"),
        Field("success"),
        Field("metadata"),
    ),
    period_start="time",
    period="strftime(time, '%Y-%m')",
    currency="currency",
    controls=tuple(
        Control(column, ("cost",), "sum(cost), priced where none is given", value="coalesce(cost, x_Price, 0)")
        for column in ("BilledCost", "EffectiveCost", "ListCost", "ContractedCost")
    ),
    row_key=(
        *("id", "segment", "time", "provider", "operation", "cost", "currency", "model", "variant", *QUANTITIES),
        *("attribution", "request_id", "parent_id", "success", "metadata"),
    ),
    tag_fields={"attribution": ""},
    objects=("metadata",),
    overlay="usage_log",
    priced=True,
    origin="recorded",
    record="id",
    grows=True,
    batch="segment",
    keeps={
        "model": "x_Model",
        "variant": "x_Variant",
        "operation": "x_Operation",
        "input_tokens": "x_InputTokens",
        "output_tokens": "x_OutputTokens",
        "cached_input_tokens": "x_CachedInputTokens",
        "images": "x_Images",
        "seconds": "x_Seconds",
        "request_id": "x_RequestId",
        "parent_id": "x_ParentId",
        "success": "x_Success",
        "metadata": "x_Metadata",
    },
)
