"""The sample company's three months in a warehouse: loaded, summarised, budgets evaluated; no reports."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from pipeline import jobs
from pipeline.config import Settings, SourceSettings, load_settings
from pipeline.money import total

FOLDER = Path(__file__).resolve().parent.parent / "sample_data"


def warehouse(factory: pytest.TempPathFactory) -> Path:
    """Return the warehouse of the sample's bills, which all workers of this session read; the first that asks makes it."""
    own = factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "sample"
    folder.mkdir(exist_ok=True)
    settings = _settings(folder)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "made").exists():
            _load(settings, [source for source in settings.sources if source.origin != "recorded"])
            (folder / "made").touch()
    return settings.warehouse


def with_source(factory: pytest.TempPathFactory, source: SourceSettings) -> Path:
    """Return a copy of the warehouse that has loaded what was recorded, and another source, too."""
    folder = factory.mktemp("sample")
    shutil.copy(warehouse(factory), folder)
    settings = _settings(folder)
    recorded = [each for each in settings.sources if each.origin == "recorded"]
    _load(replace(settings, sources=(*settings.sources, source)), [*recorded, source])
    return settings.warehouse


def _settings(folder: Path) -> Settings:
    return replace(load_settings(FOLDER / "costmill.yaml", environ={}), warehouse=folder / "costs.duckdb")


def _load(settings: Settings, sources: Sequence[SourceSettings]) -> None:
    with jobs.night(settings, "run", create=True) as night:
        night.load([(source, [source.path]) for source in sources])
        night.summarise()
        night.check_budgets()


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
