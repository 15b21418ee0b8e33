"""What an answer about usage is of: everything, a provider, a model, or whoever a call was for."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.errors import UsageError, near
from pipeline.focus import canonical_provider
from pipeline.usage.record import ATTRIBUTION

#: Scopes that are facts of the record (the service is the model, else the provider, as of its charge); those of the attribution are tags of its charge.
FACTS = ("global", "provider", "service", "model", "category", "operation")
KINDS = (*FACTS, *ATTRIBUTION)


@dataclass(frozen=True)
class UsageScope:
    """One scope: its kind, of ``KINDS``, and whose; '' for ``global``."""

    kind: str
    id: str = ""

    @classmethod
    def of(cls, value: UsageScope | str) -> UsageScope:
        """Read a scope as ``global`` or ``kind:id``, such as ``team:search``.

        Raises:
            UsageError: when it is none.
        """
        if isinstance(value, UsageScope):
            kind, name = value.kind, value.id
        else:
            kind, _, name = value.partition(":")
        if kind not in KINDS:
            raise UsageError(f"{kind!r} is no scope of usage{near(kind, KINDS)}")
        if (kind == "global") != (name == ""):
            raise UsageError(f"{value!r} is no scope; write global, or kind:id such as team:search")
        return cls(kind, canonical_provider(name) if kind == "provider" else name)

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}" if self.id else self.kind
