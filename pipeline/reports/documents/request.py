"""What somebody asks to be told: which report, of what time, of whom, grouped how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pipeline.config.model import OwnSection
from pipeline.errors import UsageError, near
from pipeline.periods import Span
from pipeline.reports.model.document import Document

#: Report -> what it is.
REPORTS: Mapping[str, str] = {
    "costs": "what a span of time cost, against the time before it",
    "budgets": "how budgets and policies stand, and their alerts",
    "teams": "what each owner of accounts, or each value of a tag, cost: one report for each",
    "resources": "what every resource cost",
    "restatements": "what later deliveries changed",
    "commitments": "how much of each reservation, savings plan and committed use was used",
    "models": "AI usage by model",
}


@dataclass(frozen=True)
class Request:
    """A report that is asked for.

    Attributes:
        report: one of ``REPORTS``.
        as_of: the day that counts as today, naive UTC; only staleness depends on it.
        generated_at: when it is made, naive UTC: shown, nothing else depends on it.
        locale: of numbers and dates in its sentences; the words are English.
        max_age_days: the open period's data is stale when its last complete day is longer ago; None: never.
        tag_keys: reported tag keys in their order; none: those that cover most of the bill.
        fiscal_year_start: the month that the fiscal year begins with.
        group_by: of ``costs``: one to three columns, or ``tag:KEY``.
        by: of ``teams``: ``owner`` or ``tag:KEY``.
        only: of ``teams``: the one that is asked for; None: all of them.
        sections: parts of a user's own, at the end of the reports that they name.
    """

    report: str
    span: Span
    as_of: datetime
    generated_at: datetime
    version: str
    locale: str = "en_US"
    max_age_days: int | None = None
    tag_keys: tuple[str, ...] = ()
    fiscal_year_start: int = 1
    group_by: tuple[str, ...] = ()
    by: str = "owner"
    only: str | None = None
    sections: tuple[OwnSection, ...] = ()

    def __post_init__(self) -> None:
        """Check that there is such a report, and that it is not asked for what only others have.

        Raises:
            UsageError: when it is.
        """
        if self.report not in REPORTS:
            raise UsageError(f"{self.report!r} is no report{near(self.report, REPORTS)}")
        if self.group_by and self.report != "costs":
            raise UsageError(f"the report {self.report} cannot be grouped; costs can")
        if self.only is not None and self.report != "teams":
            raise UsageError(f"the report {self.report} is of everybody; teams can be of one")
        if self.report == "teams" and self.by != "owner" and not self.by.removeprefix("tag:").strip():
            raise UsageError("teams are by owner, or by a tag such as tag:team")
        if self.report == "teams" and self.by != "owner" and not self.by.startswith("tag:"):
            raise UsageError(f"teams cannot be told by {self.by!r}; write owner, or a tag such as tag:team")

    def document(self, title: str, words: str, **own: Any) -> Document:
        """Return a document of the report and span that are asked for; ``own`` is what else it says.

        Args:
            title: its heading, which its headline begins with.
            words: the rest of the headline.
        """
        span = self.span
        given = {
            "report": self.report,
            "edition": span.edition,
            "period": span.label,
            "start": span.start,
            "end": span.end,
            "generated_at": self.generated_at,
            "version": self.version,
            "locale": self.locale,
        }
        return Document(title=title, headline=f"{title}: {words}", **{**given, **own})
