"""What tenants get: a published file of their own, and reports that are made of it."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from pipeline import resources
from pipeline.budgets import charges
from pipeline.config import Settings, TagSettings
from pipeline.errors import UsageError, near
from pipeline.night.budgeting import read_kept
from pipeline.night.documents import Wanted, reaches_open, require_some, write
from pipeline.night.loaded import loaded_periods, staleness
from pipeline.night.result import RunResult
from pipeline.night.summarising import write_fiscal_summary, write_model_summaries, write_summaries
from pipeline.periods import Span, parse_span
from pipeline.store import publish, rollups, tenants
from pipeline.store.tagging import stored_rules
from pipeline.store.warehouse import Warehouse

#: Where a file is made, beside the published ones.
_BUILDING = ".building-"


def require_known(warehouse: Warehouse, settings: Settings, tenant: str) -> None:
    """Check that something is, or was, a tenant's.

    Raises:
        UsageError: when nobody is called so.
    """
    known = tenants.known(warehouse, settings.publish.path)
    if tenant not in known:
        raise UsageError(f"no charge, policy or source is of a tenant {tenant!r}{near(tenant, known)}")


def publish_files(warehouse: Warehouse, settings: Settings, chosen: Sequence[str] | None) -> list[Path]:
    """Publish the files of the ``chosen`` tenants (None: of all) that do not show the warehouse's state; returns them.

    Raises:
        ConfigurationError: when a file's path is taken by somebody else's file.
    """
    stable, state = settings.publish.path, publish.version(warehouse)
    every = tenants.known(warehouse, stable) if chosen is None else chosen
    due = {tenant: tenants.path_of(stable, tenant) for tenant in every}
    due = {tenant: path for tenant, path in due.items() if not publish.shows(path, state)}
    for path in due.values():
        publish.require_ours(path)
    for leftover in (stable.parent / "tenants").glob(f"{_BUILDING}*"):  # of a run that was killed
        shutil.rmtree(leftover, ignore_errors=True)
    if due:
        folder = stable.parent / "tenants"
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=_BUILDING, dir=folder) as building:
            empty, built = Path(building) / "empty.duckdb", Path(building) / "tenant.duckdb"
            with Warehouse.open(empty):
                pass  # made once: its tables take longer than most tenants' charges
            for tenant, path in due.items():
                publish.clone(empty, built)
                _build(warehouse, settings, tenant, built)
                publish.place(built, path, state, mode=settings.publish.mode, keep=settings.publish.keep)
    return list(due.values())


def own_settings(settings: Settings, warehouse: Warehouse) -> Settings:
    """Return the settings that go with a tenant's file: without what they say of others."""
    return replace(
        settings,
        sources=(),
        budgets=None,
        tags=TagSettings((), stored_rules(warehouse)),
        splits=(),
        accounts=(),
        invoices=(),
    )


def write_reports(
    warehouse: Warehouse,
    settings: Settings,
    tenant: str,
    wanted: Wanted,
    spans: Sequence[Span],
    *,
    everything: bool,
    as_of: datetime,
) -> tuple[list[Path], list[str]]:
    """Write a tenant's reports from its file, below a folder of its own; returns the files, and what is withheld.

    Args:
        spans: none: the latest billing period, or all with ``everything``.

    Raises:
        UsageError: when nothing is loaded for one of them.
    """
    require_some(warehouse, spans)
    loaded = loaded_periods(warehouse)
    if not loaded:
        raise UsageError(f"no bill has charges of the tenant {tenant}, so there is nothing to report")
    is_stale = staleness(warehouse, own_settings(settings, warehouse), as_of).is_stale
    made_with = _reported(warehouse)
    keys = [key for key in settings.tags.report_keys if key in made_with]
    out = settings.reports.out / "tenants" / tenants.file_name(tenant)
    written: list[Path] = []
    withheld: list[str] = []
    for span in list(spans) or [parse_span(period) for period in (loaded if everything else loaded[-1:])]:
        if is_stale and settings.freshness.stale == "withhold" and reaches_open(warehouse, span):
            withheld.append(span.label)
        else:
            written += write(warehouse, settings, wanted, span, out, as_of=as_of, keys=keys)
    return written, withheld


def write_site(warehouse: Warehouse, settings: Settings, tenant: str, root: Path, *, as_of: datetime) -> RunResult:
    """Bring a tenant's site up to date from its file; returns the billing periods that are withheld, and warnings.

    Raises:
        UsageError: when no bill has charges of the tenant.
        ConfigurationError: as ``site.refresh``.
    """
    from pipeline.night import site

    own = own_settings(settings, warehouse)
    if not loaded_periods(warehouse):
        raise UsageError(f"no bill has charges of the tenant {tenant}, so there is nothing to tell")
    withholds = settings.freshness.stale == "withhold" and staleness(warehouse, own, as_of).is_stale
    keys = [key for key in settings.tags.report_keys if key in _reported(warehouse)]
    result = RunResult()
    how: Any = {"as_of": as_of, "keys": keys, "withholds": withholds, "warnings": result.warnings}
    _, result.withheld = site.refresh(warehouse, own, root, **how)
    return result


def _reported(warehouse: Warehouse) -> list[str]:
    """The tag keys that the rollups of a file were made with."""
    found: list[str] = json.loads(warehouse.value("SELECT value FROM settings WHERE name = 'reported_tags'") or "[]")
    return found


def _build(warehouse: Warehouse, settings: Settings, tenant: str, path: Path) -> None:
    """Fill an empty warehouse, by the connection that reads, and make its answers."""
    tenants.fill(warehouse, tenant, path)
    shared = warehouse.rows(resources.sql("night/shared_commitments"), [tenant])
    reported = json.loads(warehouse.value("SELECT value FROM settings WHERE name = 'reported_tags'") or "[]")
    with Warehouse.open(path, memory_limit=settings.memory_limit) as own:
        has = {row[0] for row in own.rows("SELECT DISTINCT TagKey FROM tags")}
        keys = [key for key in reported if key in has]
        rollups.refresh_for_keys(own, keys, tenants.rules(tenant))
        tenants.leave_out_commitments(own, shared)
        for period in loaded_periods(own):
            write_summaries(own, period, keys)
        write_model_summaries(own, (), everything=True)
        write_fiscal_summary(own, settings.fiscal_year_start)
        charges.refresh_usage(own, read_kept(own).budgets, keys, ())
        own.execute("DELETE FROM dirty")
