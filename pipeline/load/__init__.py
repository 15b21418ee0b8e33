"""Deliveries into the warehouse: staged, mapped, proven, swapped in whole in one transaction; or refused, saying why."""

from __future__ import annotations

from pipeline.load.limits import Limits
from pipeline.load.loader import Loader
from pipeline.load.outcome import Outcome

__all__ = ["Limits", "Loader", "Outcome"]
