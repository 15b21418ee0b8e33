"""Which window of an edition is due: the newest one that has ended and that nobody has to wait for any longer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

from pipeline.deliver.channel import Edition, EditionName
from pipeline.errors import UsageError
from pipeline.periods import Span, span_of


@dataclass
class Editions:
    """Answers for a day that counts as today; ``withheld`` gathers what was asked for and is not told on stale data.

    Args:
        first_day: the first day that anything was billed for; None: nothing is loaded.
        last_day: the last day that all sources cover whole; None: they cover none.
        max_age_days: for so long after its last day a window waits to be covered.
        withholds: whether a window is withheld although it is due, since data is stale.
    """

    today: date
    first_day: date | None
    last_day: date | None
    max_age_days: int
    withholds: Callable[[Span], bool] = lambda _: False
    withheld: list[str] = field(default_factory=list)

    def __call__(self, report: str, edition: EditionName, by: str | None) -> Edition | None:
        """Return the window that is due; None: none has ended, or is covered or old enough, or it is withheld."""
        span = self.window(edition)
        if span is None:
            return None
        if self.withholds(span):
            self.withheld += [words for words in [f"{report} {span.label}"] if words not in self.withheld]
            return None
        return Edition(report, edition, span.label, span.start, span.end, by, self.covers(span))

    def window(self, edition: EditionName) -> Span | None:
        """Return the newest ended window that all sources cover, or that has waited for it long enough."""
        span: Span | None = span_of(edition, self.today)
        while span is not None:
            span = _before(span)
            if span is None or self.first_day is None or span.end <= self.first_day:
                return None
            if self.covers(span) or (self.today - span.last).days > self.max_age_days:
                return span
        return None

    def covers(self, span: Span) -> bool:
        """Whether all sources cover a window whole."""
        return self.last_day is not None and self.last_day >= span.last


def _before(span: Span) -> Span | None:
    try:
        return span.previous
    except UsageError:  # the calendar ends there
        return None
