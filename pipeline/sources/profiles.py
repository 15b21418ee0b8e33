"""What a file holds, in little: enough to tell parts of a delivery from deliveries one after the other."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.sources import views
from pipeline.sources.views import Kind

#: Row keys kept of each file and period (the smallest hashes): enough to tell 2 % from 50 %.
SKETCH_SIZE = 1024
#: Batches kept of each file of an incremental export.
SKETCH_BATCHES = 20_000


@dataclass(frozen=True)
class Profile:
    """What a file holds: its format, and by billing period its rows and the smallest hashes of its row keys.

    ``batches`` says what each batch of an incremental export holds here; empty for snapshots.
    ``kinds`` are what tells its view, for a format whose months come in two views of the same money.
    ``invoiced`` says how many rows of each billing period name an invoice.
    """

    format: str
    rows: Mapping[str, int]
    sketches: Mapping[str, tuple[str, ...]]
    batches: Mapping[str, str] = field(default_factory=dict)
    kinds: tuple[Kind, ...] = ()
    invoiced: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_final(self) -> bool:
        """Whether most rows are invoiced: of a month that is still open, few are."""
        return 2 * sum(self.invoiced.values()) > sum(self.rows.values())

    def view(self, period: str) -> views.View:
        """The view of a billing period's rows."""
        return views.told(kind for kind in self.kinds if kind.period == period)

    def to_json(self) -> str:
        """Return the profile as JSON text."""
        facts: dict[str, Any] = {
            "rows": dict(self.rows),
            "sketches": dict(self.sketches),
            "batches": dict(self.batches),
        }
        facts |= {"invoiced": dict(self.invoiced), "kinds": [kind.to_list() for kind in self.kinds]}
        return json.dumps({"format": self.format, **facts})

    @staticmethod
    def from_json(text: str) -> Profile:
        """Read what ``to_json`` wrote."""
        loaded = json.loads(text)
        sketches = {key: tuple(value) for key, value in loaded["sketches"].items()}
        kinds = tuple(Kind.from_list(values) for values in loaded.get("kinds", ()))
        return Profile(loaded["format"], loaded["rows"], sketches, loaded["batches"], kinds, loaded.get("invoiced", {}))


def are_alike(profile: Profile, member: Profile, period: str) -> bool:
    """Whether two files can be of one view: an amortized one is no re-delivery of an actual one, nor a part of it."""
    return {profile.view(period), member.view(period)} != {"actual", "amortized"}


def are_shards(left: Profile, right: Profile) -> bool:
    """Whether two files hold parts of the same batches: one extraction in several files.

    An extraction that was cut differs in its last batch only; one that was made again differs in none.
    """
    common = left.batches.keys() & right.batches.keys()
    differing = sum(left.batches[name] != right.batches[name] for name in common)
    return differing > 1 and 2 * differing > len(common)


def overlap(left: Sequence[str], *right: Sequence[str]) -> float:
    """Return the share of common row keys, of the smaller side, from sketches (sorted smallest hashes).

    Several sketches on the right are one side: what their files have together.
    """
    limits = [side[-1] for side in (left, *right) if len(side) >= SKETCH_SIZE]
    limit = min(limits, default="g")
    low = {key for key in left if key <= limit}
    high = {key for side in right for key in side if key <= limit}
    smaller = min(len(low), len(high))
    return len(low & high) / smaller if smaller else 0.0
