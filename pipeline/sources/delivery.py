"""A delivery: one export at one time, and the plan of a source's deliveries."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from pipeline.errors import CostmillError
from pipeline.sources.find import ExportFile

Mode = Literal["auto", "one", "each"]


@dataclass(frozen=True)
class Delivery:
    """One export at one time: files that are loaded together or not at all.

    Attributes:
        delivered_at: when the provider made it, as it states itself (UTC); None where it does not.
        modified_at: the latest change of its files (UTC), which orders deliveries that state no time.
        current: named by the provider as the newest of its period.
        period: the billing period that its manifest states; the rows decide, this names an empty delivery.
        problem: why it cannot be read, such as a file that its manifest names and that is not there.
        view: the view of the money that its manifest states, where a format's months come in two.
        views: of a joint delivery: the view of each file.
        only: the billing periods that are taken from it; None for all.
        alone: why it stands alone though the other view is there.
        overruled: why it does not go in: the other view stands alone.
        manifest: the manifest that names its files; None where the rows decided.
        undecided: its ``problem`` is that its files are several deliveries, or may be: somebody has to say which.
    """

    files: tuple[ExportFile, ...]
    delivered_at: datetime | None
    modified_at: datetime
    current: bool = False
    period: str | None = None
    problem: str | None = None
    view: str | None = None
    views: tuple[str, ...] = ()
    only: frozenset[str] | None = None
    alone: str | None = None
    overruled: str | None = None
    manifest: Path | None = None
    undecided: bool = False

    @property
    def name(self) -> str:
        """The path of its first file, and how many there are."""
        first = self.files[0].name if self.files else "nothing"
        return first if len(self.files) <= 1 else f"{first} and {len(self.files) - 1} more"

    @property
    def order(self) -> tuple[bool, datetime]:
        """Deliveries of a period go in by this."""
        return (self.current, self.delivered_at or self.modified_at)

    def fingerprint(self, settings: str) -> str:
        """Hash of the contents and the settings that change a mapping."""
        parts = [*sorted(file.sha256 for file in self.files), settings, self.problem or ""]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


@dataclass(frozen=True)
class Plan:
    """A source's deliveries, oldest first, and the files that are none, each with its error."""

    deliveries: tuple[Delivery, ...]
    refused: tuple[tuple[ExportFile, CostmillError], ...]
