"""What is said where a load is only tried: no advice about rows of a ledger that is thrown away."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from pipeline.load import gate, notes
from pipeline.load.outcome import Outcome

#: Stands for an id or a source in advice.
_ANY = "SHORT_ID"


def rehearsed(outcome: Outcome, *, by: str, rejects: str) -> Outcome:
    """Return an outcome as it is told where nothing is kept of it; a known one stays, since its row is there.

    ``by`` is what would keep it, such as ``a run``; ``rejects`` says where to find the rows that are rejected.
    """
    if not outcome.is_new:
        return outcome
    instead = {
        gate.rejects_advice: rejects,
        gate.advice: f"{by} would keep it for `costmill deliveries`",
        notes.advice: f"{by} would keep all for `costmill deliveries`",
    }

    def told(text: str) -> str:
        for advice, other in instead.items():
            text = re.sub(_pattern(advice), other, text)
        return text

    reason = told(outcome.reason) if outcome.reason else outcome.reason
    return replace(outcome, reason=reason, notes=tuple(told(note) for note in outcome.notes))


def _pattern(advice: Callable[[str], str]) -> str:
    return re.escape(advice(_ANY)).replace(_ANY, r"\S+")
