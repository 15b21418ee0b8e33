"""What a run was asked to leave alone, and what to load although nothing changed."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline import periods
from pipeline.errors import UsageError
from pipeline.store.loads import UNLOADED, Known


@dataclass(frozen=True)
class Limits:
    """The billing periods that may be loaded (``first`` and ``last`` included; None: no limit).

    Attributes:
        again: load known deliveries anew: what is loaded, was unloaded or refused, never what waits in quarantine.
    """

    first: str | None = None
    last: str | None = None
    again: bool = False

    def __post_init__(self) -> None:
        """Check the labels.

        Raises:
            UsageError: when one is none, or the first comes after the last.
        """
        for label in (self.first, self.last):
            if label is not None:
                periods.month(label)
        if self.first and self.last and self.first > self.last:
            raise UsageError(f"--from {self.first} comes after --to {self.last}; no billing period lies between them")

    def hold(self, period: str) -> bool:
        """Whether a billing period may be loaded; one that cannot be read may, so that its rows are told."""
        return not period or (self.first or period) <= period <= (self.last or period)

    def reload(self, verdict: Known) -> bool:
        """Whether a delivery with this former verdict is to be loaded anew."""
        decided = verdict.status in ("loaded", "refused") or verdict.reason == UNLOADED
        return self.again and decided and self.hold(verdict.x_BillingPeriod or "")

    @property
    def words(self) -> str:
        """The limits as the command line has them."""
        return " ".join(
            f"{flag} {label}" for flag, label in (("--from", self.first), ("--to", self.last)) if label is not None
        )


#: Everything that is new, and nothing twice.
NO_LIMITS = Limits()
