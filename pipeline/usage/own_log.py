"""The warehouse's own usage log as a source: a configured one that has its folder, else one that nobody has to configure."""

from __future__ import annotations

from pathlib import Path

from pipeline import addresses
from pipeline.config import Settings, SourceSettings
from pipeline.config.fields import USAGE_LOG
from pipeline.errors import ExportError
from pipeline.sources import find, segments


def own_source(settings: Settings) -> SourceSettings | None:
    """Return the source that the log is loaded as; None where a configured one has its folder."""
    log = settings.own_usage_log
    if any(_holds(source.path, log.path) for source in settings.sources):
        return None
    return SourceSettings(USAGE_LOG, str(log.path), format="usage_log", origin="recorded", grows=True, bill=log.bill)


def is_bill(settings: Settings) -> bool:
    """Whether what is recorded in the log, and not loaded yet, will be part of the bill."""
    own = own_source(settings)
    if own is None:
        return any(source.bill and _holds(source.path, settings.own_usage_log.path) for source in settings.sources)
    # Before the first segment is there, a configured source is known by its folder alone.
    waiting = (each for each in settings.sources if each.bill and not segments.paths(settings.own_usage_log.path))
    return own.bill or any(_leads_to(each.path, settings.own_usage_log.path) for each in waiting)


def _holds(pattern: str, folder: Path) -> bool:
    """Whether a source's path leads to segments of the folder."""
    if not _leads_to(pattern, folder):
        return False
    own = segments.paths(folder)
    try:
        return bool(own) and not set(own).isdisjoint(find.paths(pattern))
    except ExportError:  # told when the source is loaded
        return False


def _leads_to(pattern: str, folder: Path) -> bool:
    return not addresses.is_address(pattern) and folder.is_relative_to(find.fixed(pattern))
