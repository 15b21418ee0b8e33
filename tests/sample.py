"""The sample company's three months in a warehouse of its own: loaded, summarised, budgets evaluated; no reports."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from pipeline import jobs
from pipeline.config import SourceSettings, load_settings
from pipeline.money import total

FOLDER = Path(__file__).resolve().parent.parent / "sample_data"


def warehouse(folder: Path, *more: SourceSettings, recorded: bool = False) -> Path:
    """Load the sample's bills, ``more`` sources and, if asked for, what was ``recorded`` into a new warehouse; returns
    its path."""
    settings = load_settings(FOLDER / "costmill.yaml", environ={})
    own = [source for source in settings.sources if recorded or source.origin != "recorded"]
    settings = replace(settings, warehouse=folder / "costs.duckdb", sources=(*own, *more))
    with jobs.night(settings, "run", create=True) as night:
        night.load([(source, [source.path]) for source in settings.sources])
        night.summarise()
        night.check_budgets()
    return settings.warehouse


@cache
def totals() -> dict[str, Any]:
    """sample_data/totals.json: what the files sum to, by plain decimals."""
    loaded: dict[str, Any] = json.loads((FOLDER / "totals.json").read_text(encoding="utf-8"))
    return loaded


def file_sum(column: str, *, period: str | None = None, source: str = "", current: bool = True) -> Decimal:
    """Sum a figure (``BilledCost``, or a name under ``sums``) of the deliveries that count, or that were replaced."""
    chosen: Sequence[dict[str, Any]] = [
        each
        for each in totals()["deliveries"]
        if each["current"] is current and period in (None, each["billing_period"]) and each["source"].startswith(source)
    ]
    return total(Decimal(each[column] if column in each else each["sums"][column]) for each in chosen)


def scope(name: str, period: str, figure: str = "billed") -> Decimal:
    """What a budget scope came to."""
    [found] = [each for each in totals()["scopes"] if (each["scope"], each["billing_period"]) == (name, period)]
    return Decimal(found[figure])
