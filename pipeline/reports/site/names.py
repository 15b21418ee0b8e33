"""Where each page of a site is, and how pages link to each other: by relative paths of plain letters alone."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Set
from dataclasses import dataclass

from pipeline.store.tenants import file_name

OWNER = "owner"
INDEX, BUDGETS, ALERTS, TEAMS, SEARCH = (f"{name}.html" for name in ("index", "budgets", "alerts", "teams", "search"))
SEARCH_DATA = "search-data.js"
#: The pages that every page leads to, in their order.
TOP = ((INDEX, "Billing periods"), (BUDGETS, "Budgets"), (ALERTS, "Alerts"), (TEAMS, "Teams"), (SEARCH, "Search"))
#: Names that some systems keep for devices, whatever stands behind the dot.
_DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(10))}

TeamKey = tuple[str, str]


def slug(name: str) -> str:
    """Return a file's name for anything that has one: at most 64 plain characters, another's never."""
    found = file_name(name)
    return f"{found}~{hashlib.sha256(found.encode()).hexdigest()[:16]}" if found in _DEVICES else found


def period_page(period: str) -> str:
    """The page of a billing period, ``2026-03``."""
    return f"periods/{period}.html"


def budget_page(budget_id: str) -> str:
    """The page of a budget or policy."""
    return f"budgets/{slug(budget_id)}.html"


def team_page(by: str, name: str) -> str:
    """The page of an owner, or of a value of a tag (``by`` is ``tag:KEY``)."""
    folder = OWNER if by == OWNER else f"tag-{slug(by.removeprefix('tag:'))}"
    return f"teams/{folder}/{slug(name)}.html"


@dataclass(frozen=True)
class Links:
    """The links of one page: relative paths, to pages that there are."""

    page: str
    budgets: Set[str] = frozenset()
    teams: Set[TeamKey] = frozenset()

    @property
    def top(self) -> tuple[tuple[str, str, bool], ...]:
        """Path and words of the main pages, and whether it is this one."""
        return tuple((self.to(path), words, path == self.page) for path, words in TOP)

    def to(self, path: str) -> str:
        """Return a page's path as this page has it."""
        return posixpath.relpath(path, posixpath.dirname(self.page) or ".")

    def budget(self, budget_id: str) -> str | None:
        """Return the path to a budget's page; None where there is none."""
        return self.to(budget_page(budget_id)) if budget_id in self.budgets else None

    def team(self, by: str, name: str | None) -> str | None:
        """Return the path to a team's page; None where there is none."""
        return self.to(team_page(by, name)) if name is not None and (by, name) in self.teams else None

    def period(self, period: str) -> str:
        """Return the path to a billing period's page."""
        return self.to(period_page(period))
