"""Where in the configuration file a budget stands: for whoever wants to change it, and may only do so there."""

from __future__ import annotations

from pathlib import Path

from pipeline.config.budgets import ScopeBudget
from pipeline.config.findings import Findings
from pipeline.config.yaml import Items, Table, Text, read
from pipeline.focus import canonical_provider


def line_of(file: Path, budget: ScopeBudget) -> int | None:
    """Return the line of ``file`` that a budget begins on, 1-based; None where it is not found any more."""
    line, at = None, read(file.read_text(encoding="utf-8"), None, Findings())
    for key in ("cost", "budgets"):
        found = at.entries.get(key) if at is not None else None
        line = at.key_lines.get(key) if at is not None else None
        at = found if isinstance(found, Table) else None
    if at is None:
        return None
    if budget.scope_type == "global":
        return at.key_lines.get("global", line)  # the old flat form has none
    section = at.entries.get({"provider": "providers", "tag": "tags", "type": "types"}[budget.scope_type])
    if isinstance(section, Items):
        return next((each.line for each in section.items if _selector(each) == budget.scope_key), None)
    names = section.key_lines if isinstance(section, Table) else {}
    is_provider = budget.scope_type == "provider"
    own = (
        line for name, line in names.items() if (canonical_provider(name) if is_provider else name) == budget.scope_key
    )
    return next(own, None)


def _selector(item: object) -> str | None:
    found = item.entries.get("selector") if isinstance(item, Table) else None
    return found.text if isinstance(found, Text) else None
